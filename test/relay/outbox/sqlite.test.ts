import { execFile } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Outbox, OutboxNotice } from '../../../src/relay/outbox/outbox.ts'
import { type SqliteOutboxOptions, sqliteOutbox } from '../../../src/relay/outbox/sqlite.ts'
import { type Conformance, newEvent, newEvents, outboxConformance } from './conformance.ts'
import { outboxModel } from './model.ts'

// Every test starts a thread and waits for the disk, which a busy machine makes slow.
vi.setConfig({ testTimeout: 30_000 })

const newFolder = () => mkdtempSync(join(tmpdir(), 'uetkit-outbox-'))
const TAG = '97247724'

const conformance: Conformance = {
  durable: true,
  shared: true,
  make() {
    const folder = newFolder()
    return {
      open: (options) => sqliteOutbox(join(folder, 'relay.db'), options),
      remove: () => rmSync(folder, { recursive: true }),
    }
  },
}

outboxConformance('the outbox in SQLite', conformance)
outboxModel('the outbox in SQLite', conformance, 15)

describe('the outbox in SQLite', () => {
  let folder: string
  let path: string
  let outboxes: Outbox[]
  let notices: OutboxNotice[]
  const open = (options: SqliteOutboxOptions = {}) => {
    const outbox = sqliteOutbox(path, { onNotice: (notice) => notices.push(notice), ...options })
    outboxes.push(outbox)
    return outbox
  }
  const said = (kind: OutboxNotice['kind']) =>
    notices.flatMap((notice) => (notice.kind === kind && 'message' in notice ? [notice.message] : []))
  const waitingOf = async (outbox: Outbox) => (await outbox.counts()).map(({ waiting }) => waiting)
  const claimAll = (outbox: Outbox) => outbox.claim(TAG, { limit: 10_000, leaseMs: 60_000 })
  /** A store with events that was closed in good order. */
  const filled = async (count: number) => {
    const outbox = open()
    await outbox.append(newEvents(count, { body: JSON.stringify({ text: 'x'.repeat(400) }) }))
    await outbox.close()
  }

  beforeEach(() => {
    folder = newFolder()
    path = join(folder, 'data', 'relay.db')
    outboxes = []
    notices = []
  })
  afterEach(async () => {
    for (const outbox of outboxes) await outbox.close()
    rmSync(folder, { recursive: true })
  })

  it('makes its folder and its files for their owner only', async () => {
    const outbox = open()
    await outbox.append([newEvent()])
    expect(statSync(join(folder, 'data')).mode & 0o777).toBe(0o700)
    for (const file of readdirSync(join(folder, 'data'))) {
      expect(statSync(join(folder, 'data', file)).mode & 0o777, file).toBe(0o600)
    }
  })

  it('writes ahead, and syncs each commit', async () => {
    const outbox = open()
    await outbox.append([newEvent()])
    const db = new DatabaseSync(path, { readOnly: true })
    expect(db.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' })
    db.close()
    await expect.poll(() => notices).toContainEqual({ kind: 'commit', durationMs: expect.any(Number), events: 1 })
  })

  it('leaves nothing of an event in its file once it was delivered', async () => {
    const secret = 'canary-5c1e4f0acb6b11f0'
    const outbox = open()
    await outbox.append([newEvent({ id: `order-${secret}`, subjects: [secret], body: JSON.stringify({ secret }) })])
    const { id, events } = await claimAll(outbox)
    await outbox.settle(id, [{ ref: events[0]!.ref, kind: 'delivered' }])
    await outbox.close()
    expect(readdirSync(join(folder, 'data'))).toEqual(['relay.db'])
    expect(readFileSync(path, 'latin1')).not.toContain(secret)
  })

  it('withdraws what there was when it was asked, and not what is stored while it looks', async () => {
    const outbox = open()
    await outbox.append(newEvents(5_000))
    await outbox.append([newEvent({ subjects: ['visitor'] })])
    const withdrawn = outbox.withdraw(TAG, ['visitor'])
    await outbox.append([newEvent({ subjects: ['visitor'] })])
    expect(await withdrawn).toBe(1)
    expect(await outbox.counts()).toMatchObject([{ withdrawn: 1, waiting: 5_001 }])
  })

  it('withdraws a dead letter also where it is made to wait again meanwhile', async () => {
    let now = Date.now()
    const outbox = open({ now: () => now })
    // More than one step of the search, and the visitor's own behind them.
    for (const events of [newEvents(2_500), [newEvent({ subjects: ['visitor'] })]]) {
      await outbox.append(events)
      const { id, events: claimed } = await claimAll(outbox)
      await outbox.settle(
        id,
        claimed.map(({ ref }) => ({ ref, kind: 'dead', reason: 'invalid' })),
      )
    }
    const last = (await outbox.deadLetters({ limit: 3_000 })).at(-1)
    now += 1_000
    const withdrawn = outbox.withdraw(TAG, ['visitor'])
    expect(await outbox.retryDead({ refs: [last!.ref] })).toBe(1)
    expect(await withdrawn).toBe(1)
    expect(await outbox.counts()).toMatchObject([{ withdrawn: 1, waiting: 0, dead: 2_500 }])
  })

  it('stores what came together with an append that it cannot store, and counts what it stored', async () => {
    const outbox = open()
    const twice = newEvent()
    const answers = await Promise.allSettled([
      outbox.append([twice]),
      outbox.append([newEvent(), newEvent({ eventTime: 1.5 })]),
      outbox.append([newEvent(), twice]),
    ])
    expect(answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : answer.reason.code))).toEqual([
      ['stored'],
      'unavailable',
      ['stored', 'duplicate'],
    ])
    expect(await waitingOf(outbox)).toEqual([2])
    const commits = notices.filter((notice) => notice.kind === 'commit')
    expect(commits.reduce((sum, { events }) => sum + events, 0)).toBe(3)
  })

  it('lets a program end that does nothing else', async () => {
    const script = `
      const { sqliteOutbox } = await import(${JSON.stringify(new URL('../../../src/relay/outbox/sqlite.ts', import.meta.url))})
      const outbox = sqliteOutbox(${JSON.stringify(path)})
      console.log(await outbox.append([${JSON.stringify(newEvent())}]))`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
    expect(stdout).toBe("[ 'stored' ]\n")
  })

  describe('when there is no room', () => {
    it('refuses at 95 % of its limit, with all it was given, and goes on when there is room again', async () => {
      const outbox = open({ maxBytes: 1_000_000 })
      const body = 'x'.repeat(10_000)
      let accepted = 0
      const fill = async () => {
        for (;;) accepted += (await outbox.append(newEvents(5, { body }))).length
      }
      await expect(fill()).rejects.toMatchObject({ code: 'full', message: expect.stringContaining(path) })
      expect(await outbox.health()).toMatchObject({ writable: false, problem: expect.stringContaining('maxBytes') })
      expect(await waitingOf(outbox)).toEqual([accepted])
      const { id, events } = await claimAll(outbox)
      await outbox.settle(
        id,
        events.map(({ ref }) => ({ ref, kind: 'delivered' })),
      )
      expect(await outbox.append([newEvent()])).toEqual(['stored'])
      expect(await outbox.health()).toMatchObject({ writable: true })
    })

    it('keeps room on the disk for delivery', async () => {
      await filled(1)
      const outbox = open({ minFreeBytes: Number.MAX_SAFE_INTEGER })
      const refused = outbox.append([newEvent()])
      await expect(refused).rejects.toMatchObject({ code: 'full', message: expect.stringContaining('free') })
      expect((await claimAll(outbox)).events).toHaveLength(1)
    })

    it('refuses more than may wait to be written', async () => {
      const outbox = open({ maxQueuedBytes: 10_000 })
      const body = 'x'.repeat(4_000)
      const answers = await Promise.allSettled(Array.from({ length: 10 }, () => outbox.append([newEvent({ body })])))
      const refused = answers.filter(({ status }) => status === 'rejected')
      expect(refused).toHaveLength(8)
      expect(refused[0]).toMatchObject({ reason: { code: 'busy', retryAfterMs: 1_000 } })
      expect(await waitingOf(outbox)).toEqual([2])
      expect(await outbox.append([newEvent({ body })])).toEqual(['stored'])
    })
  })

  describe('when the file is', () => {
    it('locked by another process: says so, and goes on afterwards', async () => {
      const outbox = open()
      await outbox.append([newEvent()])
      const other = new DatabaseSync(path)
      other.exec('BEGIN EXCLUSIVE')
      await expect(outbox.append([newEvent()])).rejects.toMatchObject({
        code: 'unavailable',
        message: `${path} is locked by another process. End what holds it open.`,
      })
      expect(await outbox.health()).toMatchObject({ writable: false, problem: expect.stringContaining('locked') })
      other.exec('ROLLBACK')
      other.close()
      expect(await outbox.append([newEvent()])).toEqual(['stored'])
      expect(await waitingOf(outbox)).toEqual([2])
    })

    it.each([
      ['removed', (file: string) => rmSync(file)],
      ['moved away', (file: string) => renameSync(file, `${file}.old`)],
    ])('%s: acknowledges nothing that would be lost, and makes a new one', async (_, vanish) => {
      const outbox = open()
      await outbox.append([newEvent()])
      vanish(path)
      const event = newEvent()
      await expect(outbox.append([event])).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('removed or replaced'),
      })
      await expect.poll(async () => (await outbox.health()).writable, { timeout: 20_000 }).toBe(true)
      expect(await outbox.append([event])).toEqual(['stored'])
      expect(said('failed')).toHaveLength(1)
      expect(said('recovered')).toHaveLength(1)
    })

    it('no database: sets it aside, says so, and starts anew', async () => {
      await filled(1)
      writeFileSync(path, 'this is no database'.repeat(1_000))
      const outbox = open()
      expect(await outbox.append([newEvent()])).toEqual(['stored'])
      expect(said('set-aside')).toEqual([expect.stringContaining('Saved from it: 0 waiting events')])
      const aside = /set aside as (\S+)\. /.exec(said('set-aside')[0]!)![1]!
      expect(readFileSync(aside, 'latin1')).toContain('this is no database')
    })

    it('damaged in the middle: saves the events on both sides, and remembers the keys', async () => {
      const count = 2_000
      await filled(count)
      scribble()
      const outbox = open()
      const { events } = await claimAfterRepair(outbox)
      expect(events.length).toBeLessThan(count)
      expect(events.length).toBeGreaterThan(count * 0.8)
      expect(said('set-aside')).toEqual([expect.stringContaining(`Saved from it: ${events.length} waiting events`)])
      const ids = events.map(({ id }) => id)
      const [first, last] = [ids[0]!, ids.at(-1)!]
      expect(await outbox.append([newEvent({ id: first }), newEvent({ id: last })])).toEqual(['duplicate', 'duplicate'])
      const [books] = await outbox.counts()
      expect(books).toMatchObject({ accepted: events.length + 2, duplicates: 2, leased: events.length, waiting: 0 })
    })

    it('damaged while it is open: notices, and a settlement from before still counts', async () => {
      await filled(2_000)
      const outbox = open()
      const claim = await outbox.claim(TAG, { limit: 100, leaseMs: 60_000 })
      await outbox.close()
      scribble()
      const again = open()
      const { events } = await claimAfterRepair(again)
      const settled = await again.settle(
        claim.id,
        claim.events.map(({ ref }) => ({ ref, kind: 'delivered' })),
      )
      expect(settled.lost).toBeLessThan(100)
      const [books] = await again.counts()
      expect(books).toMatchObject({ leased: events.length, delivered: 100 - settled.lost })
    })

    it('of another program: refuses to touch it', async () => {
      await filled(1)
      rmSync(path)
      const other = new DatabaseSync(path)
      other.exec('CREATE TABLE precious (text); INSERT INTO precious VALUES (1)')
      other.close()
      const outbox = open()
      await expect(outbox.append([newEvent()])).rejects.toMatchObject({
        code: 'unusable',
        message: expect.stringContaining('another program'),
      })
      expect(await outbox.health()).toMatchObject({
        writable: false,
        problem: expect.stringContaining('another program'),
      })
      await outbox.close()
      const kept = new DatabaseSync(path)
      expect(kept.prepare('SELECT text FROM precious').all()).toEqual([{ text: 1 }])
      kept.close()
    })

    it('of a later version: refuses to touch it', async () => {
      await filled(3)
      const db = new DatabaseSync(path)
      db.exec('PRAGMA user_version = 99')
      db.close()
      const outbox = open()
      await expect(outbox.append([newEvent()])).rejects.toMatchObject({
        code: 'unusable',
        message: expect.stringContaining('schema version 99'),
      })
      const kept = new DatabaseSync(path, { readOnly: true })
      expect(kept.prepare('SELECT count(*) AS kept FROM waiting').get()).toEqual({ kept: 3 })
      kept.close()
    })

    it('nowhere it could be: says which path and what to check', async () => {
      writeFileSync(join(folder, 'file'), '')
      path = join(folder, 'file', 'relay.db')
      await expect(open().append([newEvent()])).rejects.toMatchObject({
        code: 'unusable',
        message: expect.stringMatching(/file\/relay\.db cannot be opened for writing .* Check the path/s),
      })
      expect(existsSync(path)).toBe(false)
    })
  })

  /** Overwrites pages in the middle of the file, where the waiting events are. */
  function scribble() {
    const file = openSync(path, 'r+')
    const { size } = statSync(path)
    writeSync(file, Buffer.alloc(16_384, 0xa5), 0, 16_384, Math.floor(size / 2 / 4_096) * 4_096)
    closeSync(file)
  }
  /** The call that meets the damage fails; a later one finds a repaired store. */
  async function claimAfterRepair(outbox: Outbox) {
    await expect(claimAll(outbox)).rejects.toMatchObject({ code: 'unavailable' })
    return vi.waitFor(() => claimAll(outbox), { timeout: 20_000, interval: 200 })
  }
})
