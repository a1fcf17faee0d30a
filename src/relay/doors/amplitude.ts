import { parseServerEvent } from '../../core/parse-event.ts'
import { readPath } from '../../core/paths.ts'
import { Refusal } from '../refusal.ts'
import type { Item } from './door.ts'
import { isObject, SIGNAL, toSignal, toTime } from './read.ts'

/** The SDK's own page view. https://amplitude.com/docs/sdks/analytics/browser/browser-sdk-2#track-page-views */
const PAGE_VIEW = '[Amplitude] Page Viewed'
/** Changes of users and groups, which are no events. */
const NO_EVENT = /^\$(identify|groupidentify)$/

/**
 * Reads Amplitude events, as event streaming sends them or in the form of the HTTP V2 API: one, a list, or `{ events }`.
 * https://amplitude.com/docs/apis/analytics/http-v2
 *
 * @param now Milliseconds since the epoch, for events without a time.
 */
export function readAmplitudeBody(body: unknown, max: number, now: number): Item[] {
  const events = Array.isArray(body) ? body : isObject(body) && 'events' in body ? body.events : [body]
  if (!Array.isArray(events) || !events.length) throw new Refusal(400, 'no_events', '"events" is not a list of events')
  if (events.length > max) throw new Refusal(413, 'too_many_events', `more than ${max} events in one request`)
  return events.map((event) => toItem(event, now))
}

function toItem(source: unknown, now: number): Item {
  if (!isObject(source))
    return { kind: 'faulty', faults: [{ path: '', code: 'type', message: 'event: not an object' }] }
  const properties = source.event_properties
  const read = (path: string) => readPath(source, path)
  const property = (...names: string[]) => {
    for (const name of names) {
      const value = isObject(properties) && Object.hasOwn(properties, name) ? properties[name] : undefined
      if (value !== undefined) return value
    }
    return undefined
  }
  const preferences = property('consent_preferences') ?? read('user_properties.consent_preferences')
  const user = readUser(source, read)
  const { consent } = source
  if (typeof source.event_type === 'string' && NO_EVENT.test(source.event_type)) {
    return toSignal(parseServerEvent({ ...SIGNAL, consent, user }), preferences)
  }

  const page = source.event_type === PAGE_VIEW
  const { event, faults } = parseServerEvent({
    type: page ? 'page' : 'track',
    id: source.insert_id ?? source.$insert_id ?? source.uuid ?? crypto.randomUUID(),
    name: source.event_type,
    time: readTime(source, now),
    consent,
    page: {
      url: property('[Amplitude] Page Location', '[Amplitude] Page URL', 'page_location', 'url'),
      referrer: property('referrer', '[Amplitude] Page Referrer'),
      title: property('[Amplitude] Page Title', 'page_title', 'title'),
    },
    properties: withRevenue(source, properties),
    user,
  })
  return event ? { kind: 'event', event, preferences } : { kind: 'faulty', faults }
}

/** `time` is in milliseconds; `event_time` is UTC without saying so: `2026-11-24 01:02:03.456000`. */
function readTime(source: Record<string, unknown>, now: number): unknown {
  const { time, event_time: text } = source
  if (time !== undefined) return time
  if (text === undefined) return now
  const utc = typeof text === 'string' && !/(Z|[+-]\d\d:?\d\d)$/i.test(text) ? `${text.replace(' ', 'T')}Z` : text
  return toTime(utc) ?? text
}

function readUser(source: Record<string, unknown>, read: (path: string) => unknown): Record<string, unknown> {
  const { user_id: userId, device_id: anonymousId, idfa, adid, ip } = source
  const trait = (key: string) => read(`user_properties.${key}`) ?? read(`event_properties.${key}`)
  return {
    anonymousId,
    userId: typeof userId === 'number' ? `${userId}` : userId,
    email: trait('email'),
    phone: trait('phone'),
    msclkid: trait('msclkid'),
    idfa,
    gaid: adid,
    // `$remote` asks Amplitude to take the sender's, which is not the visitor's here.
    ipAddress: ip === '$remote' ? undefined : ip,
    userAgent: source.user_agent,
  }
}

/** Revenue stands beside the properties, as a total or as price and quantity. */
function withRevenue(source: Record<string, unknown>, properties: unknown): unknown {
  const { revenue, price, quantity = 1 } = source
  const total = typeof revenue === 'number' ? revenue : typeof price === 'number' ? price * Number(quantity) : undefined
  if (total === undefined || (properties !== undefined && !isObject(properties))) return properties
  return { revenue: total, ...properties }
}
