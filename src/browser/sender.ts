import type { UetEvent } from '../core/event.ts'
import type { UetOptions } from './options.ts'
import type { RelayReport } from './types.ts'

/** Events on their way to a relay. */
export interface Sender {
  _send(event: UetEvent): void
  /** Forgets what was not delivered yet, and stops a request under way. */
  _clear(): void
  /**
   * Tells the relay to delete what it still holds of a user. Once and without an answer: nothing of them may be kept to try
   * it again.
   */
  _withdraw(user: object): void
  /** Takes up what the page before could not deliver. */
  _resume(): void
}

/** Browsers refuse keepalive requests and beacons above 64 KiB in flight. A UTF-16 unit takes 3 bytes at most. */
const CHARACTERS = 20_000
const LINGER_MS = 200
const RETRIES = 5

/** What is kept over a page change, in this tab's storage. Only granted events ever come here. */
const KEPT = '_uetkit_pending'

/** Sends events in batches; what gets no answer, or a temporary refusal, is tried again while the page lives. */
export function createSender(
  window: Window & typeof globalThis,
  { url, key }: NonNullable<UetOptions['relay']>,
  onReport: (report: RelayReport) => void,
  /** Called before each request: another tab may have withdrawn, and then `_clear` is called in it. */
  look: () => void,
): Sender {
  let waiting: string[] = []
  /** Events whose answer is awaited; `_clear` forgets them, so that they are not tried again. */
  let flying: string[] = []
  let stop: AbortController | undefined
  let timer: number | undefined
  let attempt = 0

  /** As many as fit into one request, at least one. */
  const take = () => {
    let size = 0
    const fit = waiting.findIndex((event) => (size += event.length) > CHARACTERS)
    return waiting.splice(0, fit < 0 ? waiting.length : fit || 1)
  }

  /** The relay is told the page's clock, which may be wrong. */
  const wrap = (events: string[]) =>
    `${JSON.stringify({ v: 1, key, sentAt: Date.now() }).slice(0, -1)},"events":[${events}]}`

  const schedule = (delay: number) => {
    if (timer === undefined) timer = window.setTimeout(flush, delay)
  }

  const flush = () => {
    timer = undefined
    look()
    if (flying[0] || !waiting[0]) return
    const events = (flying = take())
    const body = wrap(events)
    const settle = (status: number) => {
      onReport({ status, ids: events.map((event) => JSON.parse(event).id) })
      // Forgotten meanwhile: others may be on their way by now.
      if (flying !== events) return
      // Only what may pass by itself is tried again: no answer, too many, or the relay's own trouble.
      const again = (!status || status === 429 || status > 499) && ++attempt <= RETRIES
      if (again) waiting.unshift(...flying)
      else attempt = 0
      flying = []
      schedule(again ? 2 ** attempt * 500 * (0.5 + Math.random()) : 0)
    }
    stop = new AbortController()
    // Text goes as `text/plain` by itself, which needs no preflight.
    window.fetch(url, { method: 'POST', signal: stop.signal, keepalive: body.length <= CHARACTERS, body }).then(
      ({ status }) => settle(status),
      () => settle(0),
    )
  }

  const keep = (events: string[]) => {
    try {
      if (events[0]) window.sessionStorage.setItem(KEPT, `[${events}]`)
      else window.sessionStorage.removeItem(KEPT)
    } catch {}
  }

  // Answers may never be seen from here on, so all is kept for the next page; its ids make a second delivery harmless.
  window.addEventListener('pagehide', () => {
    keep([...flying, ...waiting])
    while (waiting[0]) {
      const events = take()
      if (!window.navigator.sendBeacon?.(url, wrap(events))) return waiting.unshift(...events)
    }
    return
  })

  return {
    _send: (event) => {
      try {
        waiting.push(JSON.stringify(event))
      } catch {
        // Properties that JSON cannot hold: what the event says to Microsoft is in the conversion.
        waiting.push(JSON.stringify({ ...event, properties: {} }))
      }
      schedule(LINGER_MS)
    },
    _clear: () => {
      waiting = []
      flying = []
      stop?.abort()
      keep([])
    },
    _withdraw: (user) => {
      if (JSON.stringify(user) !== '{}')
        window.navigator.sendBeacon?.(url, wrap([JSON.stringify({ type: 'consent', consent: 'denied', user })]))
    },
    _resume: () => {
      try {
        for (const event of JSON.parse(window.sessionStorage.getItem(KEPT)!) ?? []) waiting.push(JSON.stringify(event))
      } catch {}
      keep([])
      if (waiting[0]) schedule(0)
    },
  }
}
