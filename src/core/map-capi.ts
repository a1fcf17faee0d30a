import { FROM_PARAM, fromParam, readField, writeField } from './capi-fields.ts'
import { CAPI_MAX_AGE, type CapiEvent } from './capi-json.ts'
import { type Fields, hashUser, isIdentified, putUser } from './capi-user.ts'
import type { ServerEvent } from './event.ts'
import { type Mapping, mapUet } from './map-uet.ts'
import { normalizePhone } from './normalize.ts'
import { readPath } from './paths.ts'
import type { Overrides } from './stream.ts'

export interface MapCapiOptions {
  /** Milliseconds since the epoch. An event from the future counts as one of now. */
  now: number
  /** Left out: a page becomes a page load, everything else is custom. */
  as?: CapiEvent['eventType'] | undefined
  /**
   * Single fields from elsewhere. A path that leads nowhere leaves the default as it is; an unusable value, and `null`
   * given as a constant, leave the field out.
   */
  overrides?: Overrides | undefined
  /** The mapping of the browser, for events that come without `conversion`. Default: `createUet`'s defaults. */
  mapping?: Partial<Mapping> | undefined
  /** The visitor's own address, IPv4 or IPv6. */
  clientIpAddress?: string | undefined
  clientUserAgent?: string | undefined
  /** A fresh random UUID: makes of an event without consent a bare count of nobody, instead of refusing it. */
  throwawayId?: string | undefined
  /** Brings a phone number to E.164. Default: only numbers with `+` and country code pass. */
  normalizePhone?: ((raw: string) => string | undefined) | undefined
}

/** Why an event cannot go to the Conversions API. */
const REFUSALS = {
  consent_denied: 'consent: the visitor denied it',
  consent_unknown: 'consent: missing, and without it nothing may be sent',
  invalid_time: 'time: expected milliseconds since 1970',
  expired: 'time: older than the seven days that the Conversions API accepts',
  no_source_url: 'page.url: a page load needs an absolute http or https address',
  no_identifier: 'user: needs a valid anonymousId, externalId, em, ph, msclkid, idfa or gaid',
} as const
/** Why an event has no form that Microsoft would accept. */
export type RefusalCode = keyof typeof REFUSALS

export type MapResult =
  /** `dropped`: what was left out and why, for people. */
  | { ok: true; event: CapiEvent; dropped: string[]; code?: never }
  | { ok: false; code: RefusalCode; message: string; event?: never }

const refuse = (code: RefusalCode): MapResult => ({ ok: false, code, message: REFUSALS[code] })

const MAPPING: Mapping = { action: 'track', category: 'category', currency: 'currency', ecommerce: true }

/**
 * Turns an event into the JSON of the Conversions API, always into one that it accepts. Without any option a page
 * becomes a page load, and everything else is custom, with the action, label, category, revenue and products that the
 * browser tag gets for the same event. E-mail addresses, phone numbers and user ids are hashed unless they are already.
 * Neither `dropped` nor `message` ever holds a value. Answers at once unless something has to be hashed.
 * https://learn.microsoft.com/en-us/advertising/guides/uet-conversion-api-integration
 */
export function mapCapi(event: ServerEvent, options: MapCapiOptions): MapResult | Promise<MapResult> {
  const { as = event.type === 'page' ? 'pageLoad' : 'custom', overrides = {}, throwawayId } = options
  const granted = event.consent === 'granted'
  if (!granted && !throwawayId) return refuse(event.consent === 'denied' ? 'consent_denied' : 'consent_unknown')

  const dropped: string[] = []
  const fields: Fields = new Map()
  const drop = (path: string) => dropped.push(`${path}: unusable`)
  const put = (path: string, raw: unknown) => {
    if ((raw ?? '') === '') return
    const value = readField(path, raw)
    if (value === undefined) drop(path)
    else fields.set(path, value)
  }

  put('eventId', event.id)
  put('eventTime', event.time)
  put('eventSourceUrl', event.page?.url)
  put('referrerUrl', event.page?.referrer)
  put('pageTitle', event.page?.title)
  put('pageLoadId', event.page?.loadId)
  putConversion(event, as, { ...MAPPING, ...options.mapping }, fields, dropped)
  putUser(event, put)
  put('userData.clientIpAddress', options.clientIpAddress)
  put('userData.clientUserAgent', options.clientUserAgent)
  for (const path in overrides) {
    const source = overrides[path]!
    const raw = typeof source === 'string' ? readPath(event, source) : source.const
    if (typeof source !== 'string' || (raw ?? '') !== '') fields.delete(path)
    put(path, raw)
  }

  const now = Math.floor(options.now / 1000)
  const time = fields.get('eventTime') as number | undefined
  if (!time) return refuse('invalid_time')
  if (now - time > CAPI_MAX_AGE) return refuse('expired')
  fields.set('eventTime', Math.min(time, now))
  if (as === 'custom') {
    if (!fields.has('eventName')) fields.set('eventName', MAPPING.action)
  } else {
    if (!fields.has('eventSourceUrl')) return refuse('no_source_url')
    // "pageLoad" has no action to deduplicate by, and carries no revenue.
    for (const path of ['eventName', 'customData.value']) fields.delete(path)
  }

  if (!granted) return { ok: true, event: assemble(as, anonymize(fields, throwawayId!), 'D'), dropped }
  const finish = (): MapResult =>
    isIdentified(fields) ? { ok: true, event: assemble(as, fields, 'G'), dropped } : refuse('no_identifier')
  const hashing = hashUser(fields, event.user?.userId, options.normalizePhone ?? normalizePhone, drop)
  return hashing ? hashing.then(finish) : finish()
}

/** What only goals of custom events look at. */
const GOAL = /^(event_|revenue_|transaction_)/

/** What the tag gets for this event: as the browser said it, else derived the same way. */
function putConversion(
  event: ServerEvent,
  as: CapiEvent['eventType'],
  mapping: Mapping,
  fields: Fields,
  dropped: string[],
): void {
  const { params, conversion, dropped: notes } = mapUet(event, mapping)
  for (const note of notes) dropped.push(note)
  for (const param in params) {
    const path = FROM_PARAM.get(param)
    if (path === undefined || (as === 'pageLoad' && GOAL.test(param))) continue
    const value = fromParam(param, params[param])
    if (value !== undefined) fields.set(path, value)
  }
  if (as === 'pageLoad') return
  const said = event.conversion
  // All but the action is among the parameters then.
  if (!said) return void fields.set('eventName', conversion.action)
  for (const [key, path] of SAID) {
    const value = readField(path, said[key])
    if (value === undefined) fields.delete(path)
    else fields.set(path, value)
  }
}

const SAID = [
  ['action', 'eventName'],
  ['label', 'customData.eventLabel'],
  ['category', 'customData.eventCategory'],
  ['value', 'customData.value'],
  ['currency', 'customData.currency'],
] as const

/** Counts that something happened, not who did it: no page but its bare address, nothing of the visitor or the order. */
function anonymize(fields: Fields, throwawayId: string): Fields {
  const bare: Fields = new Map([['userData.anonymousId', throwawayId]])
  for (const path of ['eventId', 'eventName', 'eventTime']) if (fields.has(path)) bare.set(path, fields.get(path))
  const url = fields.get('eventSourceUrl') as string | undefined
  if (url) bare.set('eventSourceUrl', url.replace(/[?#].*/s, ''))
  return bare
}

function assemble(eventType: CapiEvent['eventType'], fields: Fields, adStorageConsent: 'G' | 'D'): CapiEvent {
  const event = { eventType, adStorageConsent }
  for (const [path, value] of fields) writeField(event, path, value)
  return event as CapiEvent
}
