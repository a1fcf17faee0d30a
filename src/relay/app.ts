import { Hono } from 'hono'
import { type AcceptReport, accept, type Delivery, type Receipt } from './accept.ts'
import { clientAddress } from './address.ts'
import { type DoorRequest, fromRequest, type HeaderReader, parseJson, readBody } from './body.ts'
import { renewClickCookie } from './click-cookie.ts'
import type { SharedState } from './common-state.ts'
import { readAmplitudeBody } from './doors/amplitude.ts'
import type { DoorName } from './doors/door.ts'
import { readSegmentBody } from './doors/segment.ts'
import { readBrowserBody, readServerBody } from './doors/wire.ts'
import { readVisitor } from './enrich.ts'
import { createGuard, type RequestSite, readSite, tagsOfKey, tagsOfOrigin } from './guard.ts'
import { type Outbox, OutboxError } from './outbox/outbox.ts'
import { Refusal } from './refusal.ts'
import { createScript } from './script-file.ts'
import type { RelaySettings, TagSettings } from './settings.ts'
import { authenticate, verifyRequest } from './signature.ts'

/** Sizes beyond which a request is refused. */
export const REQUEST_LIMITS = {
  /** Browsers keep no more than 64 KiB in flight: https://fetch.spec.whatwg.org/#http-network-or-cache-fetch */
  browser: { bytes: 65_536, events: 50 },
  server: { bytes: 1_048_576, events: 1_000 },
  segment: { bytes: 1_048_576, events: 2_500 },
  amplitude: { bytes: 1_048_576, events: 2_500 },
} as const

/** What the platform knows of a connection. */
export interface RequestInfo {
  /** Address of the peer: the visitor, or the proxy in front. */
  address?: string | undefined
}

/** One request, answered. Holds nothing of it. */
export interface RequestReport {
  kind: 'request'
  door: DoorName | 'none'
  status: number
  durationMs: number
  /** Why it was refused; one of a fixed set. */
  code?: string
  /** A proxy forwarded it but none is trusted, so all visitors look like one. */
  untrustedProxy?: true
  /** A failure of ours, for operators. */
  error?: unknown
}

export interface AppOptions {
  settings: RelaySettings
  outbox: Outbox
  state: SharedState
  script: string | undefined
  inspector: string | undefined
  report: (report: RequestReport | AcceptReport) => void
  now: () => number
}

/** The public half of a relay. */
export interface App {
  fetch(request: Request, info?: RequestInfo): Promise<Response>
  /** The same for the doors alone, by path, for platforms to which `Request` and `Response` are a detour. */
  doors: ReadonlyMap<string, (request: DoorRequest, info: RequestInfo) => Promise<DoorAnswer>>
  /** Refuses what comes from now on; resolves once everything begun is answered. */
  close(): Promise<void>
}

/** What a door answers. */
export interface DoorAnswer {
  status: number
  headers: Readonly<Record<string, string>>
  body: string
}

interface Taken {
  receipt: Receipt
  cookie?: string | undefined
}

type Door = (request: DoorRequest, info: RequestInfo) => Promise<Taken>

const SEGMENT_TYPES = ['batch', 'import', 'track', 'page', 'screen', 'identify', 'group', 'alias']

/** Nothing that a relay answers is a page, or may be kept. */
const PLAIN_HEADERS = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
}
const JSON_HEADERS = { ...PLAIN_HEADERS, 'content-type': 'application/json; charset=utf-8' }

/** Routes, limits and answers: each door reads its own form, then all go the same way. */
export function createApp({ settings, outbox, state, script, inspector, report, now }: AppOptions): App {
  const { tags, trustProxy, limits, path } = settings
  const guard = createGuard(limits, state, now)
  let closing = false
  let open = 0
  let idle = () => {}

  const take = (delivery: Delivery) => accept(delivery, outbox, now(), report)

  // Not one `async` function, which would keep body and events in memory until the disk is done.
  const browser: Door = (request, { address }) => {
    const { headers } = request
    const visitor = readVisitor(headers, address, trustProxy)
    guard.admitAddress(visitor.address)
    demandPlainType(headers)
    const site = readSite(headers)
    tagsOfOrigin(tags, site, headers)
    return readBody(request, REQUEST_LIMITS.browser.bytes).then((bytes) => {
      const { key, sentAt, items } = readBrowserBody(parseJson(bytes), REQUEST_LIMITS.browser.events)
      const chosen = tagsOfOrigin(tagsOfKey(tags, key), site, headers)
      admitTags(chosen)
      const taken = take({ door: 'browser', items, tags: chosen, sentAt, visitor })
      return chosen.some(({ clickCookie }) => clickCookie) ? taken.then(renewCookie(chosen, site)) : taken
    })
  }
  const renewCookie =
    (chosen: readonly TagSettings[], site: RequestSite) =>
    ({ receipt, clickId }: { receipt: Receipt; clickId?: string }): Taken => {
      const cookies = clickId === undefined ? [] : chosen.map((tag) => renewClickCookie(clickId, tag, site))
      return { receipt, cookie: cookies.find((cookie) => cookie !== undefined) }
    }

  const server: Door = async (request, { address }) => {
    const { headers } = request
    const limit = REQUEST_LIMITS.server
    const { bytes, signers, signature } = await withCredentials(
      clientAddress(headers, address, trustProxy),
      async () => {
        const bytes = await readBody(request, limit.bytes)
        return { bytes, ...(await verifyRequest(tags, headers, bytes, now())) }
      },
    )
    await guard.refuseReplay(signature)
    const { key, sentAt, items } = readServerBody(parseJson(bytes), limit.events)
    const chosen = key === undefined ? signers : tagsOfKey(signers, key)
    admitTags(chosen)
    const { receipt } = await take({ door: 'server', items, tags: chosen, sentAt })
    await guard.useSignature(signature)
    return { receipt }
  }

  const segment =
    (type: string): Door =>
    async (request, { address }) => {
      const { headers } = request
      const limit = REQUEST_LIMITS.segment
      const read = async () =>
        readSegmentBody(parseJson(await readBody(request, limit.bytes, true)), type, limit.events, now())
      const { chosen, body } = await withCredentials(clientAddress(headers, address, trustProxy), async () => {
        const key = basicUser(headers)
        if (key !== undefined) return { chosen: await authenticate(tags, key), body: undefined }
        const body = await read()
        return { chosen: await authenticate(tags, `${body.writeKey ?? ''}`), body }
      })
      admitTags(chosen)
      const { sentAt, items } = body ?? (await read())
      return take({ door: 'segment', items, tags: chosen, sentAt })
    }

  const amplitude: Door = async (request, { address }) => {
    const { headers } = request
    const limit = REQUEST_LIMITS.amplitude
    const chosen = await withCredentials(clientAddress(headers, address, trustProxy), () =>
      authenticate(tags, /^Bearer +(\S+)$/i.exec(headers.get('authorization') ?? '')?.[1] ?? ''),
    )
    admitTags(chosen)
    const items = readAmplitudeBody(parseJson(await readBody(request, limit.bytes, true)), limit.events, now())
    return take({ door: 'amplitude', items, tags: chosen })
  }

  const admitTags = (chosen: readonly TagSettings[]) => guard.admitKey(chosen[0]!.id)

  /** Guessing keys ends soon, but costs those who know theirs nothing. */
  async function withCredentials<T>(address: string | undefined, action: () => Promise<T>): Promise<T> {
    guard.admitCredentials(address)
    try {
      return await action()
    } catch (error) {
      if (error instanceof Refusal && error.status === 401) guard.countWrongCredentials(address)
      throw error
    }
  }

  /** Lets pages of listed origins read the answer. Never with credentials, never by reflection. */
  const crossOrigin = { ...JSON_HEADERS, vary: 'Origin', 'cross-origin-resource-policy': 'cross-origin' }
  const toOrigin = new Map(
    tags
      .flatMap((tag) => tag.origins)
      .map((origin) => [
        origin,
        {
          ...crossOrigin,
          'access-control-allow-origin': origin,
          'access-control-expose-headers': 'Retry-After',
        },
      ]),
  )

  const serve =
    (name: DoorName, door: Door) =>
    async (request: DoorRequest, info: RequestInfo): Promise<DoorAnswer> => {
      const started = performance.now()
      let headers: Readonly<Record<string, string>> =
        name === 'browser' ? (toOrigin.get(request.headers.get('origin') ?? '') ?? crossOrigin) : JSON_HEADERS
      let result: { status: number; body: object; code?: string; error?: unknown }
      open += 1
      try {
        if (closing) throw new Refusal(503, 'closing', 'the relay is stopping', 2_000)
        const { receipt, cookie } = await door(request, info)
        if (cookie) headers = { ...headers, 'set-cookie': cookie }
        result = describeReceipt(name, receipt)
      } catch (error) {
        result = describeFailure(error)
        const { retryAfterMs } = error as Partial<Refusal>
        const challenge = result.status === 401 && CHALLENGES[name]
        headers = {
          ...headers,
          ...(retryAfterMs !== undefined && { 'retry-after': `${Math.max(1, Math.ceil(retryAfterMs / 1000))}` }),
          ...(challenge && { 'www-authenticate': challenge }),
        }
      } finally {
        open -= 1
        if (open === 0) idle()
      }
      const { status, body, code, error } = result
      const forwarded = (request.headers.get('x-forwarded-for') ?? request.headers.get('forwarded')) !== null
      report({
        kind: 'request',
        door: name,
        status,
        durationMs: performance.now() - started,
        ...(code !== undefined && { code }),
        ...(forwarded && trustProxy === 0 && { untrustedProxy: true as const }),
        ...(error !== undefined && { error }),
      })
      return { status, headers, body: JSON.stringify(body) }
    }

  const empty = (status: number, headers: Record<string, string> = {}) => {
    report({ kind: 'request', door: 'none', status, durationMs: 0 })
    return new Response(null, { status, headers: { ...PLAIN_HEADERS, ...headers } })
  }

  const doors = new Map([
    ...SEGMENT_TYPES.map(
      (type) => [`/v1/${type}`, serve('segment', segment(type === 'import' ? 'batch' : type))] as const,
    ),
    ['/v1/server', serve('server', server)],
    ['/v1/amplitude', serve('amplitude', amplitude)],
    [path, serve('browser', browser)],
  ])
  const app = new Hono<{ Bindings: RequestInfo }>()
  for (const [route, door] of doors) {
    app.post(route, async (context) => {
      const { status, headers, body } = await door(fromRequest(context.req.raw), context.env ?? {})
      return new Response(body, { status, headers })
    })
    app.all(route, () => empty(405, { allow: 'POST' }))
  }
  for (const [route, source] of [
    ['/uetkit.min.js', script],
    ['/uetkit-inspector.min.js', inspector],
  ] as const) {
    if (source === undefined) continue
    const file = createScript(source)
    app.get(route, (context) => file(context.req.raw))
    app.all(route, () => empty(405, { allow: 'GET, HEAD' }))
  }
  app.notFound(() => empty(404))

  return {
    fetch: async (request, info) => app.fetch(request, info ?? {}),
    doors,
    close: () => {
      closing = true
      return new Promise((resolve) => {
        idle = resolve
        if (open === 0) resolve()
      })
    },
  }
}

/** https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1. None where a browser might ask a visitor for a password. */
const CHALLENGES: Partial<Record<DoorName, string>> = {
  segment: 'Basic realm="uetkit"',
  amplitude: 'Bearer realm="uetkit"',
}

/** Forms that any page can make a browser send without asking the relay first, but for those that carry JSON. */
function demandPlainType(headers: HeaderReader): void {
  const type = (headers.get('content-type') ?? '').split(';', 1)[0]!.trim().toLowerCase()
  if (type === 'text/plain' || type === 'application/json') return
  throw new Refusal(415, 'content_type', 'Content-Type: allowed is text/plain or application/json')
}

/** https://www.rfc-editor.org/rfc/rfc7617: the key is the user, the password is empty. */
function basicUser(headers: HeaderReader): string | undefined {
  const [, encoded] = /^Basic +([\w+/=-]+)$/i.exec(headers.get('authorization') ?? '') ?? []
  if (encoded === undefined) return undefined
  try {
    return atob(encoded).split(':', 1)[0]
  } catch {
    return undefined
  }
}

function describeReceipt(door: DoorName, receipt: Receipt): { status: number; body: object; code?: string } {
  const { accepted, rejected, ignored, withdrawn } = receipt
  const body = { accepted, rejected, ...(ignored && { ignored }), ...(withdrawn && { withdrawn }) }
  if (rejected.length && !accepted && !ignored && !withdrawn) {
    const { code, message } = rejected[0]!
    return { status: 400, body: { ...describeError(code, message), ...body }, code: 'nothing_accepted' }
  }
  // Some analytics.js libraries take no other status than 200 for success.
  return door === 'segment' ? { status: 200, body: { success: true, ...body } } : { status: 202, body }
}

/** `code` and `message` stand outside too, where analytics.js libraries look for them. */
const describeError = (code: string, message: string) => ({ error: { code, message }, code, message })

function describeFailure(error: unknown): { status: number; body: object; code: string; error?: unknown } {
  if (error instanceof Refusal) {
    return { status: error.status, body: describeError(error.code, error.message), code: error.code }
  }
  if (error instanceof OutboxError) {
    const code = `store_${error.code}`
    return { status: 503, body: describeError(code, 'events cannot be stored at the moment'), code, error }
  }
  return { status: 500, body: describeError('internal', 'the relay failed; its log says why'), code: 'internal', error }
}
