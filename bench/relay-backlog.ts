import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { start } from './relay/children.ts'
import { drive, template } from './relay/client.ts'

/**
 * How `uetkit relay` does with a million events waiting: the memory of its process, the time to start, and the time to
 * deliver them to an upstream that takes 100 ms for each request. SQLite, every flag as the command has it.
 *
 *   npm run bench:relay:backlog -- [--events 1000000] [--keep file.db] [--json]
 *
 * `--keep` holds on to the filled store, and begins with it the next time.
 */
const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '1000000' },
    keep: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})
const events = Number(values.events)
const ORIGIN = 'https://shop.example'
const SAMPLE_MS = 50

const figures: { name: string; value: number; unit: string; most?: number }[] = []
const say = (name: string, value: number, unit: string, most?: number) => {
  figures.push({ name, value, unit, ...(most !== undefined && { most }) })
  const shown = value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(2)
  const goal = most === undefined ? '' : `≤ ${most} ${value <= most ? '✓' : '✗'}`
  if (!values.json) console.log(`${name.padEnd(60)} ${`${shown} ${unit}`.padStart(18)}   ${goal}`)
}
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

const folder = mkdtempSync(join(tmpdir(), 'uetkit-backlog-'))
const path = join(folder, 'data', 'relay.db')
const upstream = await start<{ port: number }>('upstream.ts')
const config = join(folder, 'uetkit.config.json')
writeFileSync(
  config,
  JSON.stringify({
    port: 0,
    host: '127.0.0.1',
    adminPort: 0,
    outbox: `sqlite:${path}`,
    logLevel: 'error',
    capi: { url: `http://127.0.0.1:${upstream.ready.port}` },
    limits: { perAddress: false, perKey: false },
    tags: [{ id: '97247724', token: 'env:BENCH_TOKEN', key: 'pk_bench', origins: [ORIGIN] }],
  }),
)

interface Relay {
  port: number
  startMs: number
  /** Events waiting or on their way. */
  waiting(): Promise<number>
  /** The most megabytes of memory since it was asked last. */
  mostMemory(): number
  stop(): Promise<void>
}

/** The command itself, in a process of its own. */
async function startRelay(): Promise<Relay> {
  const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
  const started = performance.now()
  const child: ChildProcess = spawn(process.execPath, [cli, 'relay', '--config', config, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, BENCH_TOKEN: 'token' },
  })
  const exited = new Promise<never>((_, reject) => child.once('exit', (code) => reject(new Error(`it ended: ${code}`))))
  const said = new Promise<string>((resolve) => createInterface(child.stdout!).once('line', resolve))
  const { url, adminUrl } = JSON.parse(await Promise.race([said, exited])) as { url: string; adminUrl: string }
  // Listening is not yet ready: the store has to be open.
  while (!(await fetch(`${adminUrl}/readyz`)).ok) await sleep(5)
  const startMs = performance.now() - started
  exited.catch(() => {})

  let most = 0
  const sample = () => {
    const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]
    most = Math.max(most, Number(kilobytes ?? 0) / 1_024)
  }
  const sampling = setInterval(sample, SAMPLE_MS)
  return {
    port: Number(new URL(url).port),
    startMs,
    async waiting() {
      const text = await (await fetch(`${adminUrl}/metrics`)).text()
      const rows = text.matchAll(/^relay_outbox_rows\{[^}]*state="(?:waiting|leased)"[^}]*\} (\d+)/gm)
      return [...rows].reduce((sum, [, count]) => sum + Number(count), 0)
    },
    mostMemory() {
      sample()
      const answer = most
      most = 0
      return answer
    },
    stop() {
      clearInterval(sampling)
      return new Promise((resolve) => {
        child.once('exit', () => resolve())
        child.kill('SIGTERM')
      })
    },
  }
}

type Pressure = { connections: number; requests?: number; seconds?: number; rate?: number }

const accept = async (port: number, perRequest: number, how: Pressure) => {
  const { refused, seconds } = await drive({ port, request: template('127.0.0.1', ORIGIN, perRequest), ...how })
  if (Object.keys(refused).length > 0) throw new Error(`the relay refused requests: ${JSON.stringify(refused)}`)
  return seconds
}

let relay: Relay | undefined
try {
  if (!values.json) console.log(`${cpus().length} cores, ${cpus()[0]?.model}, Node ${process.version}\n`)
  const kept = values.keep !== undefined && existsSync(values.keep)
  if (kept) {
    mkdirSync(join(folder, 'data'))
    cpSync(values.keep!, path)
  }
  await upstream.ask({ down: true, delayMs: 100 })
  if (!kept) {
    relay = await startRelay()
    say('start to ready, empty store', relay.startMs, 'ms', 1_000)
    await sleep(1_000)
    say('memory of an idle relay', relay.mostMemory(), 'MB')
    const seconds = await accept(relay.port, 50, { connections: 16, requests: Math.ceil(events / 50) })
    say('events accepted, fifty a request', events / seconds, 'events/s')
    say('memory while they come in as fast as they can', relay.mostMemory(), 'MB', 200)
    await relay.stop()
    if (values.keep !== undefined) cpSync(path, values.keep)
  }
  say('size of the store', statSync(path).size / 1_048_576, 'MB')

  relay = await startRelay()
  say('start to ready, with them waiting', relay.startMs, 'ms', 1_000)
  say('events waiting', await relay.waiting(), 'events')
  // Few connections, because one that is not used for five seconds is ended.
  await accept(relay.port, 1, { connections: 4, seconds: 10, rate: 1_000 })
  say('memory with them waiting, at 1,000 requests/s', relay.mostMemory(), 'MB', 200)
  await relay.stop()

  await upstream.ask({ down: false })
  const before = await upstream.ask<{ received: number }>({})
  const started = performance.now()
  relay = await startRelay()
  // Others come in meanwhile.
  const incoming = accept(relay.port, 1, { connections: 16, seconds: 10, rate: 1_000 })
  while ((await relay.waiting()) > 0) await sleep(250)
  say('their drain, upstream 100 ms', (performance.now() - started) / 1_000, 's', 180)
  await incoming
  const { received } = await upstream.ask<{ received: number }>({})
  say('events delivered in it', received - before.received, 'events')
  say('memory while draining, the first 10 s at 1,000 requests/s', relay.mostMemory(), 'MB', 200)
  if (values.json) console.log(JSON.stringify({ cores: cpus().length, node: process.version, figures }))
} finally {
  await relay?.stop()
  await upstream.stop()
  rmSync(folder, { recursive: true })
}
