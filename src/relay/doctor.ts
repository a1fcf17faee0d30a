import { existsSync, statSync } from 'node:fs'
import { type Fetch, request } from '../http/request.ts'
import type { RelayConfig } from './config.ts'
import { openOutbox } from './node.ts'
import { reveal, type TagSettings } from './settings.ts'

/** One thing that was looked at. Holds no secret. */
export interface Check {
  name: string
  status: 'ok' | 'warning' | 'failed'
  detail: string
  /** What to do about it. */
  remedy?: string
}

export interface ExamineOptions {
  /** Leaves out what asks the Conversions API. */
  offline?: boolean
  fetch?: Fetch
  now?: () => number
}

/** A clock that is further off makes Microsoft refuse events as from the future, or as too old. */
const CLOCK_TOLERANCE_MS = 60_000
const TIMEOUT_MS = 10_000
/** A key shorter than this can be guessed by whoever holds one signed request. */
const MIN_KEY = 16

/** Looks at everything that a relay with this configuration stands on. Sends no event. */
export async function examineRelay(config: RelayConfig, options: ExamineOptions = {}): Promise<Check[]> {
  const checks: Check[] = [{ name: 'configuration', status: 'ok', detail: `${config.tags.length} tag(s)` }]
  for (const tag of config.tags) checks.push(...examineTag(tag))
  checks.push(...(await examineStore(config)))
  if (!options.offline) for (const tag of config.tags) checks.push(...(await examineToken(config, tag, options)))
  return checks
}

function examineTag(tag: TagSettings): Check[] {
  const name = `tag ${tag.id}`
  const checks: Check[] = []
  const warn = (detail: string, remedy: string) => checks.push({ name, status: 'warning', detail, remedy })
  if (!tag.origins.length && tag.serverKey === undefined) {
    warn('nothing can reach it', 'Set "origins" for websites, or "serverKey" for backends')
  }
  if (tag.origins.length && tag.key === undefined) {
    warn('browsers need no key', 'Set "key", so that one website\'s traffic can be told from another\'s and be limited')
  }
  if (tag.origins.some((origin) => origin.startsWith('http://') && !/\/\/(localhost|127\.0\.0\.1)(:|$)/.test(origin))) {
    warn('an origin is http', 'Serve the website over https: Web Crypto, and so hashing, works there only')
  }
  if (tag.serverKey !== undefined && reveal(tag.serverKey).length < MIN_KEY) {
    warn(`the server key is shorter than ${MIN_KEY} characters`, 'Use a random one, such as: openssl rand -hex 32')
  }
  const { category, property, assume } = tag.consent
  if (tag.serverKey !== undefined && !category && !property && !assume) {
    warn('events of backends must each carry "consent"', 'Set "consent.category", or vouch with "consent.assume"')
  }
  if (tag.stream.enabled === false) warn('its stream is off', 'Nothing is sent until "stream.enabled" is true')
  return checks.length ? checks : [{ name, status: 'ok', detail: 'can be reached' }]
}

async function examineStore({ outbox: store }: RelayConfig): Promise<Check[]> {
  const name = 'store'
  if (store.kind === 'sqlite' && !existsSync(store.path)) {
    return [{ name, status: 'ok', detail: `${store.path} is made at the first start` }]
  }
  const checks: Check[] = []
  if (store.kind === 'sqlite' && process.platform !== 'win32' && (statSync(store.path).mode & 0o077) !== 0) {
    checks.push({ name, status: 'warning', detail: 'others may read the file', remedy: `Run: chmod 600 ${store.path}` })
  }
  const outbox = openOutbox(store)
  try {
    const { writable, problem, usedBytes, limitBytes } = await outbox.health()
    const size = `${Math.ceil(usedBytes / 2 ** 20)} MiB${limitBytes ? ` of ${Math.round(limitBytes / 2 ** 20)}` : ''}`
    checks.push(
      writable
        ? { name, status: problem ? 'warning' : 'ok', detail: problem ?? `accepts events, ${size} used` }
        : { name, status: 'failed', detail: problem ?? 'accepts no events', remedy: 'See the log of the relay' },
    )
    if (writable) checks.push(...(await examineBooks(outbox)))
  } catch (error) {
    checks.push({ name, status: 'failed', detail: error instanceof Error ? error.message : String(error) })
  } finally {
    await outbox.close()
  }
  return checks
}

async function examineBooks(outbox: ReturnType<typeof openOutbox>): Promise<Check[]> {
  const counts = await outbox.counts()
  return counts.flatMap((books): Check[] => {
    const { tagId, accepted, duplicates, delivered, withdrawn, purged, waiting, leased, dead } = books
    const name = `events of tag ${tagId}`
    const difference = accepted - duplicates - delivered - withdrawn - purged - waiting - leased - dead
    const detail = `${accepted} accepted = ${delivered} delivered + ${waiting} waiting + ${leased} being sent + ${dead} dead + ${duplicates} duplicate + ${withdrawn} withdrawn + ${purged} purged`
    if (difference !== 0) {
      const remedy = 'Keep a copy of the store and report this: it must not happen'
      return [{ name, status: 'failed', detail: `${detail}, which leaves ${difference} unaccounted for`, remedy }]
    }
    const remedy = 'See uetkit relay dead list'
    return [dead ? { name, status: 'warning', detail, remedy } : { name, status: 'ok', detail }]
  })
}

/**
 * An empty request tells a good token from a bad one without sending anything: the token is judged first.
 * https://learn.microsoft.com/en-us/advertising/guides/uet-conversion-api-integration
 */
async function examineToken(config: RelayConfig, tag: TagSettings, options: ExamineOptions): Promise<Check[]> {
  const { fetch = (sent: Request) => globalThis.fetch(sent), now = Date.now } = options
  const name = `token of tag ${tag.id}`
  try {
    const { status, headers } = await request(fetch, {
      url: `${config.capi.url.replace(/\/$/, '')}/v1/${tag.id}/events`,
      headers: { authorization: `Bearer ${reveal(tag.token)}`, 'content-type': 'application/json' },
      body: '{"data":[]}',
      timeoutMs: TIMEOUT_MS,
    })
    return [judgeToken(name, status), ...judgeClock(headers.get('date'), now())]
  } catch (error) {
    return [{ name, status: 'failed', detail: error instanceof Error ? error.message : String(error) }]
  }
}

function judgeToken(name: string, status: number): Check {
  if (status === 400 || (status >= 200 && status < 300)) return { name, status: 'ok', detail: 'Microsoft knows it' }
  if (status === 401 || status === 403) {
    return {
      name,
      status: 'failed',
      detail: `Microsoft refuses it (${status})`,
      remedy: 'Copy it anew: Conversions, UET tag, Use Conversions API. A new one may take 15 minutes to work',
    }
  }
  const remedy = status === 404 || status === 405 ? 'Check "capi.url" and the tag id' : 'Try again later'
  return { name, status: 'failed', detail: `the Conversions API answered ${status}`, remedy }
}

function judgeClock(date: string | null, now: number): Check[] {
  const theirs = Date.parse(date ?? '')
  if (Number.isNaN(theirs)) return []
  const seconds = Math.round((now - theirs) / 1000)
  return Math.abs(now - theirs) <= CLOCK_TOLERANCE_MS
    ? [{ name: 'clock', status: 'ok', detail: "agrees with Microsoft's" }]
    : [
        {
          name: 'clock',
          status: 'failed',
          detail: `${Math.abs(seconds)} seconds ${seconds > 0 ? 'ahead of' : 'behind'} Microsoft's`,
          remedy: 'Let the machine keep its time by NTP',
        },
      ]
}
