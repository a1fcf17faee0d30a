import { randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { postgresOutbox } from '../src/relay/outbox/postgres.ts'
import { startPostgres } from '../test/support/postgres.ts'
import { type Child, start } from './relay/children.ts'
import { drive, template } from './relay/client.ts'

/**
 * What is asked of PostgreSQL beside the figures of every outbox: how fast it is without HTTP, that two relays are not
 * slower than one, and that a claim costs the same however much waits. Server, relays and load share this machine.
 *
 *   npm run bench:postgres -- [--only append|relays|claims] [--seconds 10] [--rounds 3] [--backlog 5000000]
 */
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '3' },
    backlog: { type: 'string', default: '5000000' },
    only: { type: 'string' },
  },
})
const seconds = Number(values.seconds)
const TAG = '97247724'
const ORIGIN = 'https://shop.example'
/** As in `bench:relay`. */
const CONNECTIONS = 256
const median = (numbers: number[]) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!
const say = (name: string, value: string, goal = '') =>
  console.log(`${name.padEnd(58)} ${value.padStart(18)}   ${goal}`)

const server = await startPostgres(['shared_buffers=512MB', 'max_wal_size=4GB'])
try {
  for (const [name, measure] of Object.entries({
    append: measureAppend,
    relays: measureRelays,
    claims: measureClaims,
  })) {
    if (!values.only || values.only === name) await measure(await server.database())
  }
} finally {
  await server.stop()
}

/** Groups of ten events, as 256 requests at a time bring them, without HTTP; then with couriers beside. */
async function measureAppend(url: string): Promise<void> {
  const outbox = postgresOutbox(url)
  const body = JSON.stringify({ text: 'x'.repeat(500) })
  const event = () => ({ tagId: TAG, id: randomUUID(), name: 'track', eventTime: Date.now(), subjects: [ORIGIN], body })
  await outbox.append([event()])
  for (const couriers of [0, 2]) {
    const until = performance.now() + seconds * 1_000
    let stored = 0
    let delivered = 0
    const senders = Array.from({ length: 256 }, async () => {
      for (; performance.now() < until; stored += 10) await outbox.append(Array.from({ length: 10 }, event))
    })
    const work = Array.from({ length: couriers }, async () => {
      while (performance.now() < until) {
        const { id, events } = await outbox.claim(TAG, { limit: 1_000, leaseMs: 60_000 })
        await outbox.settle(
          id,
          events.map(({ ref }) => ({ ref, kind: 'delivered' })),
        )
        delivered += events.length
      }
    })
    await Promise.all([...senders, ...work])
    const rate = (count: number) => `${Math.round(count / seconds).toLocaleString('en')} events/s`
    say(`outbox alone, ${couriers} couriers: stored`, rate(stored))
    if (couriers > 0) say(`outbox alone, ${couriers} couriers: delivered`, rate(delivered))
  }
  await outbox.close()
}

/** The same load on one relay, and half of it on each of two, in turns. */
async function measureRelays(outbox: string): Promise<void> {
  type Port = { port: number }
  const upstream = await start<Port>('upstream.ts')
  process.env.BENCH_TOKEN = 'token'
  const config = JSON.stringify({
    port: 0,
    host: '127.0.0.1',
    adminPort: 0,
    outbox,
    logLevel: 'error',
    capi: { url: `http://127.0.0.1:${upstream.ready.port}` },
    limits: { perAddress: false, perKey: false },
    tags: [{ id: TAG, token: 'env:BENCH_TOKEN', key: 'pk_bench', origins: [ORIGIN] }],
  })
  const relays: Child<Port>[] = [await start<Port>('server.ts', [config]), await start<Port>('server.ts', [config])]
  const load = async (count: number, perRequest: number) => {
    const request = template('127.0.0.1', ORIGIN, perRequest)
    const runs = relays
      .slice(0, count)
      .map(({ ready }) => drive({ port: ready.port, request, connections: CONNECTIONS / count, seconds }))
    const done = await Promise.all(runs)
    for (const { refused } of done) {
      if (Object.keys(refused).length > 0) throw new Error(`a relay refused requests: ${JSON.stringify(refused)}`)
    }
    return done.reduce((sum, run) => sum + (run.requests * perRequest) / run.seconds, 0)
  }
  for (const perRequest of [1, 10]) {
    await load(2, perRequest)
    const one: number[] = []
    const two: number[] = []
    for (let round = 0; round < Number(values.rounds); round += 1) {
      one.push(await load(1, perRequest))
      two.push(await load(2, perRequest))
    }
    say(`one relay, ${perRequest} a request`, `${Math.round(median(one)).toLocaleString('en')} events/s`)
    say(`two relays, ${perRequest} a request`, `${Math.round(median(two)).toLocaleString('en')} events/s`)
    say('two relays, as a part of one', (median(two) / median(one)).toFixed(2), '≥ 1')
  }
  for (const relay of relays) await relay.stop()
  await upstream.stop()
}

/** Claims of 1,000 and their settlement, with ever more events waiting. */
async function measureClaims(url: string): Promise<void> {
  const outbox = postgresOutbox(url)
  await outbox.append([{ tagId: TAG, id: 'first', name: 'track', eventTime: Date.now(), subjects: [], body: '{}' }])
  const client = new pg.Client(url)
  await client.connect()
  let waiting = 1
  let least = 0
  for (const wanted of [10_000, 100_000, 1_000_000, Number(values.backlog)]) {
    await client.query(
      `INSERT INTO uetkit.waiting (tag_id, due_at, received_at, event_time, id, name, subjects, body)
       SELECT $1, t, t, t, md5(n::text), 'track', ARRAY[md5(n::text)], repeat('x', 440)
       FROM generate_series($2::int, $3::int) AS n, (SELECT (extract(epoch FROM now()) * 1000)::bigint AS t) AS moment`,
      [TAG, waiting, wanted],
    )
    waiting = wanted
    await client.query('ANALYZE uetkit.waiting')
    await client.query('CHECKPOINT')
    const claims: number[] = []
    const settles: number[] = []
    for (let round = 0; round < 31; round += 1) {
      const begun = performance.now()
      const { id, events } = await outbox.claim(TAG, { limit: 200, leaseMs: 60_000 })
      claims.push(performance.now() - begun)
      const claimed = performance.now()
      await outbox.settle(
        id,
        events.map(({ ref }) => ({ ref, kind: 'again', inMs: 0, attempted: false })),
      )
      settles.push(performance.now() - claimed)
    }
    least ||= median(claims)
    const cost = `${median(claims).toFixed(1)} + ${median(settles).toFixed(1)} ms`
    say(`claim and settle 200 of ${wanted.toLocaleString('en')}`, cost)
    say('that claim, as a part of the first', (median(claims) / least).toFixed(2), '≤ 2')
  }
  await client.end()
  await outbox.close()
}
