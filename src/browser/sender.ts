import type { UetEvent } from '../core/event.ts'
import type { Log } from './log.ts'
import type { UetOptions } from './options.ts'
import type { RelayReport } from './types.ts'

/** Browsers refuse keepalive requests beyond 64 KiB in flight: https://fetch.spec.whatwg.org/#http-network-or-cache-fetch */
const BYTES = 60_000
const LINGER_MS = 200
const RETRIES = 5
const KEPT = '_uetkit_pending'

/** Events on their way to the relay. Called only with events that the visitor granted. */
export interface Sender {
  send(event: UetEvent): void
  /** Consent was withdrawn: nothing that waits may leave, here or on a later page. */
  clear(): void
  /** Sends what an earlier page left behind. */
  resume(): void
}

export function createSender(
  window: Window & typeof globalThis,
  { url, key }: NonNullable<UetOptions['relay']>,
  log: Log,
  onReport: (report: RelayReport) => void,
): Sender {
  let waiting: string[] = []
  /** Events whose answer is awaited; `clear` forgets them, so that they are not tried again. */
  let flying: string[] = []
  let timer: number | undefined
  let attempt = 0

  /** As many as fit into one request. The relay is told the page's clock, which may be wrong. */
  const take = (): [events: string[], body: string] => {
    let bytes = 0
    const fit = waiting.findIndex((event) => (bytes += event.length * 3) > BYTES)
    const events = waiting.splice(0, fit < 0 ? waiting.length : fit)
    const id = key ? `"key":${JSON.stringify(key)},` : ''
    return [events, `{"v":1,${id}"sentAt":${Date.now()},"events":[${events}]}`]
  }

  const schedule = (delay: number) => {
    if (timer === undefined) timer = window.setTimeout(flush, delay)
  }

  const flush = () => {
    timer = undefined
    if (flying.length || !waiting.length) return
    const [events, body] = take()
    const settle = (status: number) => {
      onReport({ status, ids: events.map((event) => JSON.parse(event).id) })
      // Only what may pass by itself is tried again: no answer, too many, or the relay's own trouble.
      const again = (!status || status === 429 || status > 499) && ++attempt <= RETRIES
      if (again) waiting.unshift(...flying)
      else attempt = 0
      flying = []
      if (waiting.length) schedule(again ? 2 ** attempt * 500 * (0.5 + Math.random()) : 0)
    }
    flying = events
    window
      .fetch(url, { method: 'POST', keepalive: true, body, headers: { 'Content-Type': 'text/plain;charset=UTF-8' } })
      .then(({ status }) => settle(status))
      .catch(() => settle(0))
  }

  const store = (events: string[]) => {
    try {
      if (events.length) window.sessionStorage.setItem(KEPT, `[${events}]`)
      else window.sessionStorage.removeItem(KEPT)
    } catch {}
  }

  window.addEventListener('pagehide', () => {
    // Answers may never be seen from here on, so all is kept; its ids make a second delivery harmless.
    store([...flying, ...waiting])
    const [events, body] = take()
    if (events.length && !window.navigator.sendBeacon?.(url, body)) waiting.unshift(...events)
  })

  return {
    send: (event) => {
      try {
        const text = JSON.stringify(event)
        if (text.length * 3 > BYTES) return log('too large for the relay', event.id)
        waiting.push(text)
        schedule(LINGER_MS)
      } catch (error) {
        log(error)
      }
    },
    clear: () => {
      waiting = []
      flying = []
      store([])
    },
    resume: () => {
      try {
        const kept = JSON.parse(window.sessionStorage.getItem(KEPT) ?? '[]') as UetEvent[]
        store([])
        waiting.unshift(...kept.map((event) => JSON.stringify(event)))
        if (waiting.length) schedule(0)
      } catch {}
    },
  }
}
