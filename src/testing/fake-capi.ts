import { answerCompanion, type IdSync } from './fake-capi/companions.ts'
import { createFaults, type Fault } from './fake-capi/faults.ts'
import { type Complaint, type Profile, toDetails, withoutFields } from './fake-capi/finding.ts'
import { isObject, parseJson } from './fake-capi/json.ts'
import { createOracle, type Oracle } from './fake-capi/oracle.ts'
import { validateEvent } from './fake-capi/validate-event.ts'

export type { Fault as FakeCapiFault } from './fake-capi/faults.ts'
export type { Complaint as FakeCapiComplaint } from './fake-capi/finding.ts'
export type { AcceptedEvent as FakeCapiEvent, Oracle as FakeCapiOracle } from './fake-capi/oracle.ts'

export interface FakeCapiOptions {
  /** Tag id → its token. */
  tags: Record<string, string>
  /** Milliseconds since the epoch. */
  now?: () => number
  /** Microsoft's guide of this month: `2026-08`, the default, or `2025-10`. */
  profile?: Profile
  /** How far in the future an event may lie. 10 minutes by default; Microsoft names no figure. */
  futureToleranceMs?: number
  /** `false` by default. */
  undashedClickIds?: boolean
  /** `true` by default. */
  countRemovedIdentifiers?: boolean
  /** Bodies above this are refused with 413. 1,000,000 by default; Microsoft names no figure. */
  maxBytes?: number
  /** More requests than this are answered with 429. No limit by default. */
  rate?: { requests: number; perMs: number }
  /** One more rule, for what nobody documents. */
  rule?: (event: Record<string, unknown>, index: number) => Complaint | undefined
  /** How many events are kept to look at, and a tenth as many requests. Counts have no limit. 10,000 by default. */
  keep?: number
}

/** A request that came, with its answer. */
export interface FakeCapiRequest {
  method: string
  url: string
  headers: Record<string, string>
  body: string
  /** Undefined while it is not answered, and where a fault left it so. */
  status: number | undefined
}

export interface FakeCapi {
  /** Mount it on a server, or give it to a client as its `fetch`. */
  fetch(request: Request): Promise<Response>
  oracle: Oracle
  /** The latest requests, oldest first. */
  readonly requests: readonly FakeCapiRequest[]
  /** ID-sync images that were asked for. */
  readonly idSyncs: readonly IdSync[]
  /** Lets the next request, or the next `times` ones, go wrong. Faults take their turn in the order of the calls. */
  inject(fault: Fault, times?: number): void
  /** Takes back every fault that was not suffered yet. */
  heal(): void
}

const MAX_EVENTS = 1_000

/**
 * A stand-in for Microsoft's Conversions API, as strict as its guide, and where the guide is silent as strict as it
 * could be: `POST /v1/{tagId}/events`. Nothing leaves the process.
 * https://learn.microsoft.com/en-us/advertising/guides/uet-conversion-api-integration
 */
export function createFakeCapi(options: FakeCapiOptions): FakeCapi {
  const { tags, now = Date.now, profile = '2026-08', maxBytes = 1_000_000, rate, rule, keep = 10_000 } = options
  const faults = createFaults()
  const oracle = createOracle(keep)
  const requests: FakeCapiRequest[] = []
  const idSyncs: IdSync[] = []
  let recent: number[] = []

  const validate = (data: readonly unknown[]): Complaint[][] => {
    const rules = {
      profile,
      now: Math.floor(now() / 1000),
      futureTolerance: (options.futureToleranceMs ?? 600_000) / 1000,
      undashedClickIds: options.undashedClickIds ?? false,
      countRemovedIdentifiers: options.countRemovedIdentifiers ?? true,
    }
    return data.map((event, index) => {
      const more = isObject(event) && rule?.(event, index)
      const complaints = [...validateEvent(event, rules), ...(more ? [more] : [])]
      // The older guide knows no warnings.
      return profile === '2025-10' ? complaints.filter(({ warning }) => !warning) : complaints
    })
  }

  const answerEvents = (request: FakeCapiRequest, tagId: string, bytes: number): Response => {
    const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1]
    if (!token || !Object.hasOwn(tags, tagId) || tags[tagId] !== token)
      return fail(401, 'Unauthorized', 'You are not authorized to access this resource.')
    if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) return new Response(null, { status: 415 })
    if (bytes > maxBytes) return new Response(null, { status: 413 })
    if (rate) {
      recent = recent.filter((time) => time > now() - rate.perMs)
      if (recent.length >= rate.requests) {
        const seconds = Math.ceil((recent[0]! + rate.perMs - now()) / 1000)
        return new Response(null, { status: 429, headers: { 'retry-after': `${seconds}` } })
      }
      recent.push(now())
    }
    const body = parseJson(request.body)
    if (!isObject(body)) return fail(400, 'ValidationError', 'The request body is not valid.')
    const { data, continueOnValidationError } = body
    if (!Array.isArray(data) || !data.length || data.length > MAX_EVENTS) {
      const many = Array.isArray(data) && data.length > MAX_EVENTS
      return fail(400, 'ValidationError', 'One or more validation errors occurred.', [
        {
          index: 0,
          propertyName: 'data',
          errorMessage: many ? `'data' must not hold more than ${MAX_EVENTS} events.` : "'data' must not be empty.",
          errorCode: many ? 'MockTooManyEvents' : 'Empty',
          isWarning: false,
        },
      ])
    }

    const complaints = validate(data)
    const bad = complaints.map((list) => list.some(({ warning }) => !warning))
    const refused = bad.some(Boolean)
    const details = toDetails(complaints, profile)
    if (refused && (continueOnValidationError !== true || bad.every(Boolean)))
      return fail(400, 'ValidationError', 'One or more validation errors occurred.', details)
    data.forEach((raw: object, index) => {
      if (bad[index]) return
      const event = withoutFields(raw, complaints[index]!)
      oracle.record({ tagId, event, consent: event.adStorageConsent === 'D' ? 'denied' : 'granted' })
    })
    const error = { code: refused ? 'ValidationError' : 'ValidationWarning', message: 'See the details.', details }
    return Response.json({ eventsReceived: bad.filter((is) => !is).length, ...(details.length && { error }) })
  }

  return {
    oracle,
    requests,
    idSyncs,
    inject: (fault, times = 1) => faults.inject(fault, times),
    heal: faults.clear,
    async fetch(request) {
      const { pathname, searchParams } = new URL(request.url)
      const bytes = new Uint8Array(await request.arrayBuffer())
      const record: FakeCapiRequest = {
        method: request.method,
        url: request.url,
        headers: Object.fromEntries(request.headers),
        body: new TextDecoder().decode(bytes),
        status: undefined,
      }
      requests.push(record)
      if (requests.length > keep / 5) requests.splice(0, requests.length - keep / 10)
      const process = async (): Promise<Response> => {
        const [, tagId] = /^\/v1\/([^/]+)\/events$/.exec(pathname) ?? []
        if (!tagId)
          return answerCompanion(record, pathname, searchParams, tags, idSyncs) ?? new Response(null, { status: 404 })
        if (request.method !== 'POST') return new Response(null, { status: 405, headers: { allow: 'POST' } })
        return answerEvents(record, tagId, bytes.length)
      }
      const response = await faults.answer(request, process)
      record.status = response.status
      // A server on which it is mounted would state its own clock.
      if (!response.headers.has('date')) response.headers.set('date', new Date(now()).toUTCString())
      return response
    },
  }
}

const fail = (status: number, code: string, message: string, details?: unknown): Response =>
  Response.json({ error: { code, message, ...(details !== undefined && { details }) } }, { status })
