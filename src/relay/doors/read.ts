import type { ServerEvent } from '../../core/event.ts'
import type { Parsed } from '../../core/parse-event.ts'
import type { Item } from './door.ts'

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Milliseconds since the epoch, from a number of them or an ISO 8601 text. Undefined for what is neither. */
export function toTime(value: unknown): number | undefined {
  const time = typeof value === 'string' ? Date.parse(value) : value
  return typeof time === 'number' && Number.isFinite(time) && time > 0 ? time : undefined
}

/** What a parser wants of an event, for the part of a message that says who and whether. */
export const SIGNAL = { type: 'page', id: 'consent', time: 1 } as const

/** A statement about consent without an event. */
export const toSignal = ({ event, faults }: Parsed<ServerEvent>, preferences?: unknown): Item =>
  event ? { kind: 'signal', event, preferences } : { kind: 'faulty', faults }
