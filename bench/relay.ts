import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { smallMemoryArgs } from '../src/cli/small-memory.ts'
import { type Child, start } from './relay/children.ts'
import { drive, percentile, template } from './relay/client.ts'

/**
 * What the relay does on this machine, load generator included, beside a bare `node:http` server in the same run. The
 * relay runs with the flags that `uetkit relay` starts itself with: left alone, V8 takes more memory the more there is.
 *
 *   npm run bench:relay -- [--outbox sqlite|postgres|postgres://…] [--seconds 10] [--rounds 3] [--backlog 1000000] [--json]
 */
const { values } = parseArgs({
  options: {
    outbox: { type: 'string', default: 'sqlite' },
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '3' },
    backlog: { type: 'string', default: '1000000' },
    json: { type: 'boolean', default: false },
  },
})
const seconds = Number(values.seconds)
const rounds = Number(values.rounds)
const backlog = Number(values.backlog)
const CONNECTIONS = 256
const FLAGS = smallMemoryArgs([''], [], undefined)!.slice(1)
const ORIGIN = 'https://shop.example'

interface Figure {
  name: string
  value: number
  unit: string
  /** The goal: at least, or at most. */
  least?: number
  most?: number
}

const figures: Figure[] = []
const say = (figure: Figure) => {
  figures.push(figure)
  const { name, value, unit, least, most } = figure
  const goal = least !== undefined ? `≥ ${least}` : most !== undefined ? `≤ ${most}` : ''
  const met = (least === undefined || value >= least) && (most === undefined || value <= most)
  const shown = value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(2)
  if (!values.json)
    console.log(`${name.padEnd(62)} ${`${shown} ${unit}`.padStart(20)}   ${goal} ${goal && (met ? '✓' : '✗')}`)
}
const median = (numbers: number[]) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1]!
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

const folder = mkdtempSync(join(tmpdir(), 'uetkit-bench-'))
const postgres =
  values.outbox === 'postgres' ? await (await import('../test/support/postgres.ts')).startPostgres() : undefined
const outbox =
  values.outbox === 'sqlite' ? `sqlite:${folder}/relay.db` : postgres ? await postgres.database() : values.outbox

type Port = { port: number; adminUrl: string }
type Received = { received: number; ages: number[] }
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
  tags: [{ id: '97247724', token: 'env:BENCH_TOKEN', key: 'pk_bench', origins: [ORIGIN] }],
})
let relay: Child<Port> | undefined
const startRelay = async () => (relay = await start<Port>('server.ts', [config], FLAGS))
const one = template('127.0.0.1', ORIGIN, 1)
const ten = template('127.0.0.1', ORIGIN, 10)
const fifty = template('127.0.0.1', ORIGIN, 50)
const waiting = async () => {
  const text = await (await fetch(`${relay!.ready.adminUrl}/metrics`)).text()
  const states = [...text.matchAll(/^relay_outbox_rows\{[^}]*state="(?:waiting|leased)"[^}]*\} (\d+)/gm)]
  return states.reduce((sum, [, count]) => sum + Number(count), 0)
}
/** Until everything accepted was delivered. */
const drained = async () => {
  for (;;) {
    if ((await waiting()) === 0) return
    await sleep(100)
  }
}
const check = (refused: Record<string, number>) => {
  if (Object.keys(refused).length > 0) throw new Error(`the relay refused requests: ${JSON.stringify(refused)}`)
}

try {
  if (!values.json)
    console.log(`${cpus().length} cores, ${cpus()[0]?.model}, Node ${process.version}, ${values.outbox}\n`)
  say({ name: 'start to ready, empty store', value: (await startRelay()).startMs, unit: 'ms', most: 1_000 })

  const baseline = await start<Port>('baseline.ts')
  const ratios: number[] = []
  const bare: number[] = []
  const single: number[] = []
  await drive({ port: baseline.ready.port, request: one, connections: CONNECTIONS, seconds: 2 })
  await drive({ port: relay!.ready.port, request: one, connections: CONNECTIONS, seconds: 2 })
  for (let round = 0; round < rounds; round += 1) {
    const fast = await drive({ port: baseline.ready.port, request: one, connections: CONNECTIONS, seconds })
    const own = await drive({ port: relay!.ready.port, request: one, connections: CONNECTIONS, seconds })
    check(own.refused)
    bare.push(fast.requests / fast.seconds)
    single.push(own.requests / own.seconds)
    ratios.push(single.at(-1)! / bare.at(-1)!)
    await drained()
  }
  say({ name: 'bare node:http, parse and 204', value: median(bare), unit: 'requests/s' })
  say({ name: 'durable accept, one event a request', value: median(single), unit: 'requests/s' })
  say({ name: 'durable accept, as a part of bare node:http', value: median(ratios), unit: '', least: 0.5 })

  const tens: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    const own = await drive({ port: relay!.ready.port, request: ten, connections: CONNECTIONS, seconds })
    check(own.refused)
    tens.push((own.requests * 10) / own.seconds)
    await drained()
  }
  say({ name: 'durable accept, ten events a request', value: median(tens), unit: 'events/s', least: 25_000 })
  await baseline.stop()

  await upstream.ask<Received>({ delayMs: 50 })
  const steady = await drive({
    port: relay!.ready.port,
    request: one,
    connections: 50,
    seconds: 2 * seconds,
    rate: 1_000,
  })
  check(steady.refused)
  await drained()
  const { ages } = await upstream.ask<Received>({})
  say({ name: 'accept at 1,000 requests/s, p50', value: percentile(steady.latencies, 0.5), unit: 'ms' })
  say({ name: 'accept at 1,000 requests/s, p99', value: percentile(steady.latencies, 0.99), unit: 'ms', most: 100 })
  say({
    name: 'accept to upstream (50 ms) at 1,000 requests/s, p99',
    value: percentile(ages, 0.99),
    unit: 'ms',
    most: 1_000,
  })

  await upstream.ask<Received>({ down: true, delayMs: 100 })
  await relay!.stop()
  await startRelay()
  const fill = await drive({
    port: relay!.ready.port,
    request: fifty,
    connections: 16,
    requests: Math.ceil(backlog / 50),
  })
  check(fill.refused)
  say({ name: 'memory while a backlog comes in as fast as it can', value: relay!.memory().most, unit: 'MB' })
  await relay!.stop()

  await startRelay()
  say({ name: 'events waiting', value: await waiting(), unit: 'events' })
  say({ name: 'start to ready, with them waiting', value: relay!.startMs, unit: 'ms', most: 1_000 })
  check((await drive({ port: relay!.ready.port, request: one, connections: 50, seconds, rate: 1_000 })).refused)
  say({ name: 'memory with them waiting, at 1,000 requests/s', value: relay!.memory().most, unit: 'MB', most: 200 })
  await relay!.stop()

  await upstream.ask<Received>({ down: false })
  const before = await upstream.ask<Received>({})
  const started = performance.now()
  await startRelay()
  await drained()
  say({ name: 'their drain, upstream 100 ms', value: (performance.now() - started) / 1_000, unit: 's', most: 180 })
  const { received } = await upstream.ask<Received>({})
  say({ name: 'events delivered in it', value: received - before.received, unit: 'events' })
  say({ name: 'memory while draining', value: relay!.memory().most, unit: 'MB' })
  if (values.json)
    console.log(JSON.stringify({ outbox: values.outbox, cores: cpus().length, node: process.version, figures }))
} finally {
  await relay?.stop()
  await upstream.stop()
  await postgres?.stop()
  rmSync(folder, { recursive: true })
}
