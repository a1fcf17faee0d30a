const SECOND = 1_000
const HOUR = 3_600_000
// RFC 9110, 10.2.3: a number of seconds, or a date that starts with the name of a day.
const SECONDS = /^\d+(?:\.\d+)?$/
const DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)/i

/**
 * Milliseconds to wait that a `Retry-After` value asks for, read as seconds or as an HTTP date; a date in the past is
 * 0. Undefined when the header is missing or unreadable. `now` is in milliseconds since the epoch.
 */
export function readRetryAfter(value: string | null | undefined, now: number): number | undefined {
  const text = value?.trim() ?? ''
  if (SECONDS.test(text)) return Number(text) * SECOND
  if (!DATE.test(text)) return undefined
  const date = Date.parse(/GMT|UTC|[+-]\d{4}$/i.test(text) ? text : `${text} GMT`)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

/** The wait after a throttling answer: what it asks for, held between 1 s and 1 h; 60 s when it does not say. */
export function throttleMs(value: string | null | undefined, now: number): number {
  return Math.min(HOUR, Math.max(SECOND, readRetryAfter(value, now) ?? 60 * SECOND))
}

export interface BackoffOptions {
  /** Upper bound of the first wait, doubled with each attempt. 2 s. */
  baseMs?: number
  /** Upper bound of every wait. 15 min. */
  capMs?: number
  /** Lower bound of every wait. 1 s. */
  floorMs?: number
}

/**
 * The wait before the next attempt, with full jitter, so that many senders do not come back at the same moment.
 * `attempt` counts the failures so far minus one: 0 after the first. `random` is a number in [0, 1).
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function backoffMs(attempt: number, random: number, options: BackoffOptions = {}): number {
  const { baseMs = 2 * SECOND, capMs = 900 * SECOND, floorMs = SECOND } = options
  return Math.max(floorMs, Math.round(random * Math.min(capMs, baseMs * 2 ** Math.max(0, attempt))))
}
