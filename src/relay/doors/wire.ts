import type { ServerEvent } from '../../core/event.ts'
import { type Parsed, parseEvent, parseServerEvent } from '../../core/parse-event.ts'
import { Refusal } from '../refusal.ts'
import type { Item } from './door.ts'
import { isObject, SIGNAL, toSignal, toTime } from './read.ts'

/** The body that browsers, and backends at `/v1/server`, send. */
export interface WireBody {
  /** Public key of the tag. */
  key: unknown
  /** Milliseconds since the epoch, by the sender's clock. */
  sentAt: number | undefined
  items: Item[]
}

/** What a browser sends: `POST /v1/e`. */
export const readBrowserBody = (body: unknown, max: number): WireBody => readWire(body, max, parseEvent)

/** The same from a backend, which may name its users in the clear. */
export const readServerBody = (body: unknown, max: number): WireBody => readWire(body, max, parseServerEvent)

function readWire(body: unknown, max: number, parse: (input: unknown) => Parsed<ServerEvent>): WireBody {
  if (!isObject(body)) throw new Refusal(400, 'invalid_body', 'the body is not an object')
  const { v, key, sentAt, events } = body
  if (v !== undefined && v !== 1) throw new Refusal(400, 'unknown_version', '"v": this relay understands version 1')
  if (!Array.isArray(events) || !events.length) throw new Refusal(400, 'no_events', '"events" is not a list of events')
  if (events.length > max) throw new Refusal(413, 'too_many_events', `more than ${max} events in one request`)
  return { key, sentAt: toTime(sentAt), items: events.map((event) => toItem(event, parse)) }
}

function toItem(input: unknown, parse: (input: unknown) => Parsed<ServerEvent>): Item {
  if (!isObject(input) || input.type !== 'consent') {
    const { event, faults } = parse(input)
    return event ? { kind: 'event', event } : { kind: 'faulty', faults }
  }
  return toSignal(parse({ ...SIGNAL, consent: input.consent, user: input.user }))
}
