import { parseServerEvent } from '../../core/parse-event.ts'
import { readPath } from '../../core/paths.ts'
import { Refusal } from '../refusal.ts'
import type { Item } from './door.ts'
import { isObject, SIGNAL, toSignal, toTime } from './read.ts'

/** The names under which a message's `integrations` may leave us out: the browser plugin's, and Segment's own. */
const INTEGRATIONS = ['Microsoft Advertising UET', 'Microsoft Bing CAPI (Actions)']
/** Sent by Segment's consent wrappers when the visitor chooses anew. */
const CONSENT_EVENT = 'Segment Consent Preference Updated'

/** Calls that are no events, but may tell of consent. */
const SIGNALS: readonly unknown[] = ['identify', 'group', 'alias']

export interface SegmentBody {
  /** Mobile libraries name their key in the body. */
  writeKey: unknown
  sentAt: number | undefined
  items: Item[]
}

type Read = (path: string) => unknown

/**
 * Reads the Segment HTTP API: one message, whose type the path says, or `{ batch }`.
 * https://www.twilio.com/docs/segment/connections/sources/catalog/libraries/server/http-api
 *
 * @param type `batch`, or the type of the one message.
 * @param now Milliseconds since the epoch, for messages without a time.
 */
export function readSegmentBody(body: unknown, type: string, max: number, now: number): SegmentBody {
  if (!isObject(body)) throw new Refusal(400, 'invalid_body', 'the body is not an object')
  const messages = type === 'batch' ? body.batch : [{ ...body, type }]
  if (!Array.isArray(messages) || !messages.length) {
    throw new Refusal(400, 'no_events', '"batch" is not a list of messages')
  }
  if (messages.length > max) throw new Refusal(413, 'too_many_events', `more than ${max} messages in one request`)
  return {
    writeKey: body.writeKey,
    sentAt: toTime(body.sentAt),
    items: messages.map((message) => toItem(message, type === 'batch' ? body : undefined, now)),
  }
}

function toItem(message: unknown, batch: unknown, now: number): Item {
  if (!isObject(message))
    return { kind: 'faulty', faults: [{ path: '', code: 'type', message: 'event: not an object' }] }
  // A batch may say for all of its messages what they do not say themselves.
  const read: Read = (path) => readPath(message, path) ?? readPath(batch, path)
  if (isLeftOut(read('integrations'))) return { kind: 'ignored' }
  const { type, consent, properties } = message
  const preferences = read('context.consent.categoryPreferences')
  const user = readUser(message, read)
  if (SIGNALS.includes(type) || message.event === CONSENT_EVENT) {
    return toSignal(parseServerEvent({ ...SIGNAL, consent, user }), preferences)
  }

  const track = type === 'track'
  if (!track && type !== 'page' && type !== 'screen') {
    return {
      kind: 'faulty',
      faults: [{ path: 'type', code: 'value', message: 'type: not one of the Segment HTTP API' }],
    }
  }
  const page = (key: string) => (track ? undefined : readPath(properties, key)) ?? read(`context.page.${key}`)
  const stated = message.timestamp ?? message.originalTimestamp
  const { event, faults } = parseServerEvent({
    type: track ? 'track' : 'page',
    id: message.messageId ?? crypto.randomUUID(),
    name: track ? message.event : message.name,
    time: stated === undefined ? now : (toTime(stated) ?? stated),
    consent,
    page: { url: page('url'), referrer: page('referrer'), title: page('title') },
    properties,
    user,
  })
  return event ? { kind: 'event', event, preferences } : { kind: 'faulty', faults }
}

/** Who it is, from where the analytics.js specification puts it. https://segment.com/docs/connections/spec/common/ */
function readUser(message: Record<string, unknown>, read: Read): Record<string, unknown> {
  const trait = (key: string) =>
    read(`context.traits.${key}`) ?? readPath(message, `traits.${key}`) ?? readPath(message, `properties.${key}`)
  const apple = /^(ios|ipados|tvos)$/i.test(`${read('context.device.type') ?? read('context.os.name')}`)
  const advertisingId =
    read('context.device.adTrackingEnabled') === false ? undefined : read('context.device.advertisingId')
  return {
    anonymousId: message.anonymousId,
    userId: typeof message.userId === 'number' ? `${message.userId}` : message.userId,
    email: trait('email'),
    phone: trait('phone'),
    msclkid: readClickId(message, read),
    ...(apple ? { idfa: advertisingId } : { gaid: advertisingId }),
    ipAddress: read('context.ip'),
    userAgent: read('context.userAgent'),
  }
}

/** From the message, from where Segment's browser plugin puts it, or from the address of the page. */
function readClickId(message: Record<string, unknown>, read: Read): unknown {
  const stated = readPath(message, 'properties.msclkid') ?? read(`integrations.${INTEGRATIONS[1]}.msclkid`)
  if (stated !== undefined) return stated
  for (const text of [read('context.page.search'), read('context.page.url')]) {
    const id = typeof text === 'string' && /[?&]msclkid=([^&#]{1,100})/i.exec(text)?.[1]
    if (id) return id
  }
  return undefined
}

/** By the rule of Segment: named false, or all false and not named. https://segment.com/docs/connections/spec/common/#integrations */
function isLeftOut(integrations: unknown): boolean {
  if (!isObject(integrations)) return false
  const named = INTEGRATIONS.map((name) => readPath(integrations, name)).find((value) => value !== undefined)
  return named === undefined ? (integrations.All ?? integrations.all) === false : named === false
}
