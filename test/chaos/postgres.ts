import { parseArgs } from 'node:util'
import { postgresOutbox } from '../../src/relay/outbox/postgres.ts'
import { startPostgres } from '../support/postgres.ts'
import { startLoad } from './load.ts'
import { startMicrosoft } from './microsoft.ts'
import { startProxy } from './proxy.ts'
import { type RelayProcess, relayProcess } from './relays.ts'
import { type Standby, startStandby } from './standby.ts'

// Three relays on one PostgreSQL with a synchronous standby, while relays and server are killed, one relay is frozen
// until its leases end, one loses its connection, and the server is lost for good, so that the standby takes its place.
// What was accepted must arrive, and what arrives twice must be explained by a disturbance.
const { events: wanted, freeze } = parseArgs({
  options: { events: { type: 'string', default: '200000' }, freeze: { type: 'string', default: '120' } },
}).values

const TAG = '97247724'
const ORIGIN = 'https://shop.example'
/** A disturbance can make an event go twice that was taken so long before it or after it, at most: a sending's time limit. */
const NEAR_MS = 20_000

const countBy = (words: string[]) => {
  const sums: Record<string, number> = {}
  for (const word of words) sums[word] = (sums[word] ?? 0) + 1
  return sums
}
const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms))
const random = (length: number) => Math.floor(Math.random() * length)

const microsoft = await startMicrosoft({ [TAG]: 'token' })
const primary = await startPostgres(['max_connections=100'])
const database = await primary.database()
const standby = await startStandby(primary)
let server: Pick<Standby, 'port' | 'crash' | 'resume'> = primary
/** The address that a failover moves, and one on a stretch of network of its own. */
const address = await startProxy(primary.port)
const proxy = await startProxy(primary.port)
const through = ({ port }: { port: number }) => database.replace(`:${primary.port}/`, `:${port}/`)
const config = (outbox: string) => ({
  port: 0,
  adminPort: 0,
  host: '127.0.0.1',
  outbox,
  logLevel: 'info',
  capi: { url: microsoft.url },
  limits: { perAddress: false, perKey: false },
  tags: [{ id: TAG, token: 'env:CHAOS_TOKEN', key: 'pk_chaos', origins: [ORIGIN] }],
})
process.env.CHAOS_TOKEN = 'token'
const relays = [address, address, proxy].map((way) => relayProcess(config(through(way))))
for (const relay of relays) await relay.start()

const frozen = new Set<RelayProcess>()
const load = startLoad(() => relays.filter((relay) => !frozen.has(relay)).flatMap((relay) => relay.url() ?? []), {
  clients: 12,
  origin: ORIGIN,
})

const disturbances: { kind: string; from: number; to: number }[] = []
const disturb = async (kind: string, work: () => Promise<void>) => {
  const from = Date.now()
  await work()
  disturbances.push({ kind, from, to: Date.now() })
  console.log(`${kind}, ${((Date.now() - from) / 1000).toFixed(1)} s; accepted ${load.accepted.size}`)
}

const killRelay = () =>
  disturb('relay killed', async () => {
    const relay = relays.filter((one) => !frozen.has(one))[random(3 - frozen.size)]!
    relay.signal('SIGKILL')
    await sleep(500)
    await relay.start()
  })
const killServer = () =>
  disturb('server killed', async () => {
    await server.crash()
    await sleep(1_500)
    await server.resume()
  })
const failOver = () =>
  disturb('server lost, standby promoted', async () => {
    await primary.crash()
    await standby.promote()
    server = standby
    for (const way of [address, proxy]) way.lead(standby.port)
  })
const cut = () => disturb('connection cut', () => proxy.cut(4_000))
const freezeRelay = () =>
  disturb(`relay frozen`, async () => {
    const relay = relays[0]!
    frozen.add(relay)
    relay.signal('SIGSTOP')
    await sleep(Number(freeze) * 1_000)
    relay.signal('SIGCONT')
    frozen.delete(relay)
  })

const started = Date.now()
microsoft.onLostReply(() => disturbances.push({ kind: 'reply lost', from: Date.now(), to: Date.now() }))
await sleep(3_000)
const freezing = freezeRelay()
let busy = true
void freezing.then(() => (busy = false))
for (let round = 0; busy || server === primary || load.accepted.size < Number(wanted); round++) {
  // By then each kind of trouble has met the first server and its standby, and more is to meet the second one.
  if (round === 8) await failOver()
  await [killRelay, killServer, cut, killRelay][round % 4]!()
  await sleep(3_000 + random(4_000))
}
await load.stop()
console.log(`load ended after ${Math.round((Date.now() - started) / 1000)} s: ${load.accepted.size} events accepted`)

const outbox = postgresOutbox(through(address))
for (let quiet = 0; quiet < 3; ) {
  const [books] = await outbox.counts()
  quiet = books && books.waiting + books.leased === 0 ? quiet + 1 : 0
  await sleep(1_000)
}
const [books] = await outbox.counts()
const dead = new Set((await outbox.deadLetters({ limit: 1_000_000 })).map(({ id }) => id))
await outbox.close()
for (const relay of relays) await relay.stop()
await standby.stop()
await primary.stop()
address.close()
proxy.close()
microsoft.close()

const taken = microsoft.taken
const lost = [...load.accepted].filter((id) => !taken.has(id) && !dead.has(id))
const doubled = [...taken].filter(([, times]) => times.length > 1)
/** Between the moment a copy was first taken and the nearest disturbance after or around it, ms. */
const distance = (times: number[]) =>
  Math.min(...disturbances.map(({ from, to }) => Math.max(from - times[0]!, times[0]! - to, 0)))
const furthest = Math.max(0, ...doubled.map(([, times]) => distance(times)))
const lines = relays.flatMap(({ lines }) => lines)
const expired = lines.filter((line) => /lease/i.test(line)).length
const recovered = lines.filter((line) => /works again/.test(line)).length
const faults: [name: string, holds: boolean][] = [
  [`accepted at least ${wanted}`, load.accepted.size >= Number(wanted)],
  ['accepted and lost: none', lost.length === 0],
  ['no dead letter', dead.size === 0],
  ['duplicates: at least one', doubled.length > 0],
  ['every duplicate explained by a disturbance or a lost reply', furthest <= NEAR_MS],
  ['a lease ended in other hands: at least once', expired > 0],
  ['a relay recovered from a missing server: at least once', recovered > 0],
]
console.log({
  accepted: load.accepted.size,
  lost: lost.length,
  taken: taken.size,
  doubled: doubled.length,
  furthestFromDisturbance: `${furthest} ms`,
  dead: dead.size,
  expired,
  recovered,
  refused: load.refused,
  disturbances: countBy(disturbances.map(({ kind }) => kind)),
  books,
})
for (const [name, holds] of faults) console.log(`${holds ? 'ok  ' : 'FAIL'} ${name}`)
process.exit(faults.every(([, holds]) => holds) ? 0 : 1)
