import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { sqliteLedger } from '../../src/audience/ledger-sqlite.ts'
import { ledgerSuite } from './support/ledger-suite.ts'
import { scratch } from './support/scratch.ts'

ledgerSuite('sqliteLedger', async () => {
  const directory = scratch()
  return {
    open: async () => sqliteLedger(join(directory, 'data', 'audience.db')),
    remove: async () => rmSync(directory, { recursive: true }),
  }
})

describe('the ledger file', () => {
  const record = {
    owner: '1',
    cohortId: 'c',
    name: 'n',
    marker: 'm',
    emailRule: 'basic',
    reset: false,
    members: 0,
  } as const
  const key = { owner: '1', cohortId: 'c' }
  const none = new Uint8Array(0)

  it.skipIf(process.platform === 'win32')('is readable by its owner only', async () => {
    const directory = scratch()
    const ledger = sqliteLedger(join(directory, 'audience.db'))
    await ledger.save(record)
    for (const name of readdirSync(directory)) expect(statSync(join(directory, name)).mode & 0o077).toBe(0)
    await ledger.close()
    rmSync(directory, { recursive: true })
  })

  it('holds nothing of a person who was removed', async () => {
    const directory = scratch()
    const path = join(directory, 'audience.db')
    const ledger = sqliteLedger(path)
    await ledger.save(record)
    const gone = Buffer.from('a person who left the list 32 by')
    for (const action of ['Add', 'Remove'] as const) {
      await ledger.settle(await ledger.begin(key, { action, by: 'items', hashes: gone }), {
        rejected: none,
        doubtful: none,
      })
      await ledger.fold(key)
    }
    await ledger.close()
    expect(readFileSync(path).includes(gone)).toBe(false)
    expect(readdirSync(directory)).toEqual(['audience.db'])
    rmSync(directory, { recursive: true })
  })

  it('that is damaged, newer or out of reach ends in one message that names it', () => {
    const directory = scratch()
    const damaged = join(directory, 'damaged.db')
    writeFileSync(damaged, 'no database at all, but long enough to be taken for one'.repeat(40))
    const newer = join(directory, 'newer.db')
    const db = new DatabaseSync(newer)
    db.exec('PRAGMA user_version = 99')
    db.close()
    const cases = [
      [damaged, /damaged\.db: .*cannot be opened .*restore a backup/],
      [newer, /newer\.db: .*newer uetkit/],
      [join(damaged, 'below', 'audience.db'), /cannot be opened \((EEXIST|ENOTDIR)\)/],
    ] as const
    for (const [path, message] of cases) {
      expect(() => sqliteLedger(path)).toThrowError(
        expect.objectContaining({ code: 'ledger', message: expect.stringMatching(message) }),
      )
    }
    rmSync(directory, { recursive: true })
  })
})
