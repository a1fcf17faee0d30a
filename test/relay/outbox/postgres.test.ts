import { createHash } from 'node:crypto'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { NewEvent } from '../../../src/relay/outbox/outbox.ts'
import { postgresOutbox } from '../../../src/relay/outbox/postgres.ts'
import { type PostgresServer, startPostgres } from '../../support/postgres.ts'
import { type Conformance, newEvent, newEvents, outboxConformance } from './conformance.ts'
import { outboxModel } from './model.ts'

let server: PostgresServer
let url: string
beforeAll(async () => {
  server = await startPostgres(['fsync=off'])
  url = await server.database()
}, 60_000)
afterAll(() => server.stop())

/** Runs statements as somebody else than the outbox. */
async function execute(address: string, ...statements: string[]): Promise<void> {
  const client = new pg.Client(address)
  await client.connect()
  for (const statement of statements) await client.query(statement)
  await client.end()
}

const store: Conformance = {
  durable: true,
  shared: true,
  make: () => ({
    open: (options) => postgresOutbox(url, { ...options, connections: 3 }),
    // Quicker than a database for each test.
    remove: () => execute(url, 'DROP SCHEMA IF EXISTS uetkit CASCADE'),
  }),
}

outboxConformance('the outbox in PostgreSQL', store)
outboxModel('the outbox in PostgreSQL', store, 15)

describe('what only PostgreSQL does', () => {
  const open = async (url?: string, options = {}) => {
    const address = url ?? (await server.database())
    const outbox = postgresOutbox(address, { connections: 3, ...options })
    handles.push(outbox)
    return { outbox, url: address }
  }
  const handles: ReturnType<typeof postgresOutbox>[] = []
  afterEach(() => Promise.all(handles.splice(0).map((outbox) => outbox.close())))

  it('makes its tables once, however many relays start at the same time', async () => {
    const url = await server.database()
    const relays = await Promise.all(Array.from({ length: 4 }, async () => (await open(url)).outbox))
    const event = newEvent()
    const stored = (await Promise.all(relays.map((relay) => relay.append([event])))).flat()
    expect(stored.toSorted()).toEqual(['duplicate', 'duplicate', 'duplicate', 'stored'])
    expect(await relays[0]!.counts()).toMatchObject([{ accepted: 4, duplicates: 3, waiting: 1 }])
  })

  it('gives every event of many to one of several relays that claim at the same time', async () => {
    const { outbox, url } = await open()
    await outbox.append(newEvents(500))
    const relays = [outbox, (await open(url)).outbox, (await open(url)).outbox]
    const claims = await Promise.all(
      Array.from({ length: 12 }, (_, index) => relays[index % 3]!.claim('97247724', { limit: 100, leaseMs: 60_000 })),
    )
    const refs = claims.flatMap(({ events }) => events.map(({ ref }) => ref))
    expect(refs).toHaveLength(500)
    expect(new Set(refs).size).toBe(500)
  })

  it('hears of events that another relay left behind', async () => {
    const { outbox, url } = await open()
    await outbox.append([newEvent()])
    const { outbox: other } = await open(url, { pollMs: 20 })
    const tag = await new Promise((resolve) => other.onDue(resolve))
    expect(tag).toBe('97247724')
  })

  it('stores nothing and says so while the server is away, and goes on when it is back', async () => {
    const own = await startPostgres(['fsync=off'])
    const notices: string[] = []
    const { outbox } = await open(await own.database(), {
      connectTimeoutMs: 2_000,
      onNotice: ({ kind }: { kind: string }) => kind !== 'commit' && notices.push(kind),
    })
    await outbox.append([newEvent()])
    await own.pause()
    await expect(outbox.append([newEvent()])).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(`PostgreSQL at 127.0.0.1:${own.port}`),
    })
    expect(await outbox.health()).toMatchObject({
      writable: false,
      problem: expect.stringContaining('cannot be reached'),
    })
    await own.resume()
    await expect.poll(() => outbox.append([newEvent()]).catch(() => []), { timeout: 20_000 }).toEqual(['stored'])
    expect((await outbox.counts())[0]).toMatchObject({ accepted: 2, waiting: 2 })
    expect(notices).toEqual(['failed', 'recovered'])
    await outbox.close()
    await own.stop()
  }, 60_000)

  it('never names user or password', async () => {
    const url = (await server.database()).replace('postgres:postgres@', 'somebody:hush-hush@')
    const { outbox } = await open(url)
    const error = await outbox.append([newEvent()]).catch((reason) => reason)
    expect(error).toMatchObject({ code: 'unusable', message: expect.stringContaining('Check user and password') })
    expect(JSON.stringify([error.message, await outbox.health()])).not.toMatch(/somebody|hush/)
  })

  it('refuses a schema of a later uetkit that it does not understand, and changes nothing', async () => {
    const { outbox, url } = await open()
    await outbox.append([newEvent()])
    await execute(url, 'UPDATE uetkit.version SET version = 99, compatible_from = 99')
    const later = await open(url)
    await expect(later.outbox.append([newEvent()])).rejects.toMatchObject({
      code: 'unusable',
      message: expect.stringContaining('Run a later uetkit'),
    })
    // A later one that older relays still understand is used as it is.
    await execute(url, 'UPDATE uetkit.version SET version = 99, compatible_from = 1')
    const beside = await open(url)
    expect(await beside.outbox.append([newEvent()])).toEqual(['stored'])
  })

  it('takes over the tables of the version before: what waits, what is leased by its relays, and what was seen', async () => {
    const { outbox, url } = await open()
    const [waiting, leased, seen] = newEvents(3) as [NewEvent, NewEvent, NewEvent]
    await outbox.append([waiting, leased])
    const key = createHash('sha256')
      .update(JSON.stringify([seen.id, seen.name]))
      .digest()
      .subarray(0, 16)
    // As version 1 made and left it.
    await execute(
      url,
      'DROP FUNCTION uetkit.claim, uetkit.expire',
      'DROP TABLE uetkit.lease',
      'UPDATE uetkit.version SET version = 1, compatible_from = 1',
      `UPDATE uetkit.waiting SET lease = 'old:97247724', due_at = due_at + 60000 WHERE id = '${leased.id}'`,
      `INSERT INTO uetkit.seen SELECT '${seen.tagId}', '\\x${key.toString('hex')}', max(received_at) FROM uetkit.waiting`,
    )
    const next = (await open(url)).outbox
    expect(await next.append([waiting, leased, seen])).toEqual(['duplicate', 'duplicate', 'duplicate'])
    const claim = await next.claim(waiting.tagId, { limit: 10, leaseMs: 60_000 })
    expect(claim.events.map(({ id }) => id)).toEqual([waiting.id])
    await next.settle(claim.id, [{ ref: claim.events[0]!.ref, kind: 'delivered' }])
    expect((await next.counts())[0]).toMatchObject({ delivered: 1, waiting: 1 })
  })

  it('withdraws through many numbers, and what was sent back to wait meanwhile', async () => {
    const { outbox, url } = await open()
    await outbox.append(newEvents(50, { subjects: ['a'] }))
    await execute(url, `SELECT setval('uetkit.ref', 2000000)`)
    await outbox.append([...newEvents(3, { subjects: ['b', 'a'] }), newEvent({ subjects: ['b'] })])
    expect(await Promise.all([outbox.withdraw('97247724', ['a']), outbox.withdraw('97247724', ['b'])])).toEqual([53, 1])
    expect((await outbox.counts())[0]).toMatchObject({ withdrawn: 54, waiting: 0 })
  })

  it('shares rates and signatures among relays', async () => {
    const { outbox, url } = await open()
    const { outbox: other } = await open(url)
    const states = [outbox.state, other.state]
    const sums = await Promise.all(
      Array.from({ length: 100 }, (_, index) => states[index % 2]!.increment('rate', 1, 60_000)),
    )
    expect(sums.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1))
    const firsts = await Promise.all(Array.from({ length: 20 }, (_, index) => states[index % 2]!.once('sig\0', 60_000)))
    expect(firsts.filter(Boolean)).toHaveLength(1)
    expect(await outbox.state.once('brief', 0)).toBe(true)
    expect(await other.state.once('brief', 60_000)).toBe(true)
    expect(await other.state.once('brief', 60_000)).toBe(false)
  })
})
