import { existsSync, readFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { getRequestListener } from '@hono/node-server'
import pino from 'pino'
import type { Fetch } from '../http/request.ts'
import { createAdmin } from './admin.ts'
import { type RelayConfig, type RelayConfigInput, readConfig } from './config.ts'
import { createGlance } from './glance.ts'
import { createListener } from './listener.ts'
import { createLogWriter, type Log } from './log.ts'
import { createMetrics } from './metrics.ts'
import type { Outbox, OutboxNotice } from './outbox/outbox.ts'
import { type PostgresOutbox, postgresOutbox } from './outbox/postgres.ts'
import { sqliteOutbox } from './outbox/sqlite.ts'
import { createRelay, type Relay, type RelayReport } from './relay.ts'

export { ConfigError } from '../config/errors.ts'
export { type ConfigOptions, loadConfig, type RelayConfig, type RelayConfigInput, readConfig } from './config.ts'
export { type MoveOptions, moveOutbox } from './move.ts'
export { type PostgresOutbox, type PostgresOutboxOptions, postgresOutbox } from './outbox/postgres.ts'
export { type SqliteOutboxOptions, sqliteOutbox } from './outbox/sqlite.ts'
export type { RelaySettings, TagSettings } from './settings.ts'

/** What `startRelay` may be given besides the configuration. */
export interface StartOptions {
  /** Resolves `env:` references. */
  env?: Record<string, string | undefined>
  /** Where relative paths of the configuration start. The working directory by default. */
  baseDir?: string
  /** Instead of the one that the configuration names. */
  outbox?: Outbox
  /** A pino logger, or what looks like one. By default JSON lines on standard error. */
  log?: Log
  /** Told what becomes of requests, events and sendings, besides the log. */
  onReport?: (report: RelayReport) => void
  /** For sending to the Conversions API. */
  fetch?: Fetch
  /** Milliseconds since the epoch. */
  now?: () => number
}

/** A relay that listens. */
export interface RunningRelay {
  /** Where browsers and backends send to. */
  url: string
  /** Where operators look. */
  adminUrl: string
  relay: Relay
  outbox: Outbox
  /** Says "not ready", waits for `drainDelay`, finishes what was begun, and ends. Loses nothing that was accepted. */
  close(): Promise<void>
}

/** The whole of a request has to be there in this time, or its connection ends. */
const SERVER_OPTIONS: ServerOptions = {
  requestTimeout: 10_000,
  headersTimeout: 5_000,
  connectionsCheckingInterval: 2_000,
  maxHeaderSize: 8_192,
}
const MAX_CONNECTIONS = 4_096
/** Sendings under way get so long to end; what they do not finish waits in the outbox. */
const CLOSE_MS = 10_000

/**
 * Starts a relay: one listener for the public, one for operators, and delivery. Takes the content of
 * `uetkit.config.json`, or what `loadConfig` made of it.
 *
 * @throws ConfigError for a configuration that cannot be used; an error of the system when a port is taken.
 */
export async function startRelay(
  config: RelayConfigInput | RelayConfig,
  options: StartOptions = {},
): Promise<RunningRelay> {
  const { env, baseDir } = options
  const settled = isSettled(config) ? config : readConfig(config, { ...(env && { env }), ...(baseDir && { baseDir }) })
  const { port, host, adminPort, adminHost, adminToken, drainDelay, logLevel, outbox: store, ...settings } = settled
  const log =
    options.log ?? pino({ level: logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination(2))
  const metrics = createMetrics()
  const writer = createLogWriter(log)
  const onNotice = (notice: OutboxNotice) => {
    metrics.onNotice(notice)
    writer.onNotice(notice)
  }
  const clock = options.now ? { now: options.now } : {}
  const outbox: Outbox & Partial<PostgresOutbox> = options.outbox ?? openOutbox(store, { onNotice, ...clock })
  const { state } = outbox
  const script = readScript('uetkit.min.js')
  const inspector = readScript('uetkit-inspector.min.js')
  let glance: ReturnType<typeof createGlance> | undefined
  const relay = createRelay({
    ...settings,
    ...clock,
    outbox,
    ...(state && { state }),
    ...(script !== undefined && { script }),
    ...(inspector !== undefined && { inspector }),
    ...(options.fetch && { fetch: options.fetch }),
    onReport: (report) => {
      glance?.onReport(report)
      metrics.onReport(report)
      writer.onReport(report)
      options.onReport?.(report)
    },
  })
  const seen = (glance = createGlance({ outbox, lanes: relay.courier.lanes, now: options.now ?? Date.now }))
  let draining = false
  const admin = createAdmin({
    health: () => outbox.health(),
    draining: () => draining,
    metrics: () => metrics.expose({ outbox, courier: relay.courier }),
    glance: seen.read,
    token: adminToken,
    retry: (ref) => outbox.retryDead(ref === undefined ? {} : { refs: [ref] }),
  })
  const listeners: Server[] = []
  const stop = async () => {
    draining = true
    seen.close()
    await sleep(drainDelay)
    const closed = listeners.map((server) => new Promise((resolve) => server.close(resolve)))
    await relay.close({ deadlineMs: CLOSE_MS })
    for (const server of listeners) server.closeAllConnections()
    await Promise.all(closed)
  }
  try {
    // Behind a balancer, connections that it keeps must outlive its own patience.
    const keepAliveTimeout = settings.trustProxy === 0 ? 5_000 : 65_000
    listeners.push(await listen(createListener(relay), { port, hostname: host, keepAliveTimeout }))
    listeners.push(
      await listen(getRequestListener(admin.fetch, { overrideGlobalObjects: false }), {
        port: adminPort,
        hostname: adminHost,
        keepAliveTimeout: 5_000,
      }),
    )
  } catch (error) {
    await stop()
    throw error
  }
  const [url, adminUrl] = listeners.map(urlOf) as [string, string]
  log.info({ url, adminUrl, tags: settings.tags.map(({ id }) => id) }, 'the relay is listening')
  let closing: Promise<void> | undefined
  return { url, adminUrl, relay, outbox, close: () => (closing ??= stop()) }
}

const isSettled = (config: RelayConfigInput | RelayConfig): config is RelayConfig => typeof config.outbox === 'object'

const sleep = (ms: number) => (ms ? new Promise((resolve) => setTimeout(resolve, ms)) : undefined)

/** Opens the store that a configuration names. */
export function openOutbox(
  store: RelayConfig['outbox'],
  options: { onNotice?: (notice: OutboxNotice) => void; now?: () => number } = {},
): Outbox | PostgresOutbox {
  return store.kind === 'sqlite' ? sqliteOutbox(store.path, options) : postgresOutbox(store.url(), options)
}

function listen(
  listener: RequestListener,
  { port, hostname, keepAliveTimeout }: { port: number; hostname: string | undefined; keepAliveTimeout: number },
): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ ...SERVER_OPTIONS, keepAliveTimeout }, listener)
    server.maxConnections = MAX_CONNECTIONS
    server.once('error', reject)
    server.listen(port, hostname, () => {
      server.off('error', reject)
      resolve(server)
    })
  })
}

function urlOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo
  const any = address === '::' || address === '0.0.0.0'
  return `http://${any ? '127.0.0.1' : family === 'IPv6' ? `[${address}]` : address}:${port}`
}

/** A built script beside the built files, or where a checkout has it. */
function readScript(name: string): string | undefined {
  const found = [`../${name}`, `../../dist/${name}`]
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find((path) => existsSync(path))
  return found === undefined ? undefined : readFileSync(found, 'utf8')
}
