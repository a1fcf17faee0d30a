import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { postgresOutbox } from '../../src/relay/outbox/postgres.ts'
import { sqliteOutbox } from '../../src/relay/outbox/sqlite.ts'
import { newEvents } from '../relay/outbox/conformance.ts'
import { type PostgresServer, startPostgres } from '../support/postgres.ts'

const folder = mkdtempSync(join(tmpdir(), 'uetkit-move-'))
const path = join(folder, 'relay.db')
let server: PostgresServer
let url: string
beforeAll(async () => {
  server = await startPostgres(['fsync=off'])
  url = await server.database()
})
afterAll(async () => {
  await server.stop()
  rmSync(folder, { recursive: true })
})

async function run(...args: string[]) {
  let out = ''
  let err = ''
  const code = await main(['relay', 'move', ...args], {
    writeOut: (text) => void (out += text),
    writeErr: (text) => void (err += text),
  })
  return { code, out, err }
}

it('moves what waits from SQLite to PostgreSQL, and dead letters when told to', async () => {
  const old = sqliteOutbox(path)
  await old.append(newEvents(1_200, { body: '{"userData":{}}' }))
  const { id, events } = await old.claim('97247724', { limit: 2, leaseMs: 60_000 })
  await old.settle(
    id,
    events.map(({ ref }) => ({ ref, kind: 'dead', reason: 'invalid' })),
  )
  await old.close()

  process.env.MOVE_TO = url
  const first = await run(`sqlite:${path}`, 'env:MOVE_TO')
  expect(first).toMatchObject({ code: 0, out: expect.stringContaining('1198 events moved; 2 dead letters stayed') })
  const second = await run(`sqlite:${path}`, 'env:MOVE_TO', '--retry-dead', '--json')
  expect(second.code).toBe(0)
  expect(JSON.parse(second.out)).toEqual({ moved: 2, left: 0, dead: 0, retried: 2 })

  const fresh = postgresOutbox(url)
  expect(await fresh.counts()).toMatchObject([{ tagId: '97247724', accepted: 1_200, waiting: 1_200 }])
  await fresh.close()
})

it.each([
  [['sqlite:a.db', 'sqlite:a.db'], 'the same'],
  [['sqlite:a.db', 'mysql://x'], 'name the stores as'],
])('refuses %j', async (args, message) => {
  expect(await run(...args)).toMatchObject({ code: 2, err: expect.stringContaining(message) })
})

it('refuses to move from a file that is not there, rather than making it and saying that nothing waits', async () => {
  const missing = join(folder, 'mistyped.db')
  expect(await run(`sqlite:${missing}`, `sqlite:${join(folder, 'new.db')}`)).toMatchObject({
    code: 2,
    err: expect.stringContaining(`there is no store at ${missing}`),
  })
  expect(existsSync(missing)).toBe(false)
})
