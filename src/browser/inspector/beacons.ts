import { maskText } from './snapshot.ts'

/** One request of the tag script, as it was seen in the page. */
export interface BeaconSeen {
  /** Tag, page load and running number: the same in every account of it. */
  key: string
  /** Milliseconds since the epoch. */
  time: number
  /** `bat.bing.com`, or `bat.bing.net` while ad storage is denied. Unknown until the request is on record. */
  host?: string | undefined
  /** `pageLoad`, `custom`, `consent`, `pid`, `pageHide`, … */
  evt: string
  params: Record<string, string>
  /** Whether the browser's record of requests has it too. */
  requested: boolean
}

/** A request as it was seen: its query is read later, when there is time. */
export interface RawBeacon {
  query: string
  /** Milliseconds since the epoch. */
  time: number
  host?: string | undefined
}

const BEACON = /\b(bat\.bing\.(?:com|net))\/(?:actionp?|action-err)\/0\?(.*)/

export const readBeacon = ({ query, time, host }: RawBeacon): BeaconSeen => {
  const params: Record<string, string> = {}
  for (const [name, value] of new URLSearchParams(query)) params[name] = name === 'pid' ? value : maskText(value)
  const { ti, mid, bo, evt = '' } = params
  // Older copies of the script do not number their beacons.
  const key = [ti, mid, bo ?? query.replace(/&rn=\d+$/, '')].join(' ')
  return { key, time, host, evt, params, requested: Boolean(host) }
}

/**
 * Watches what the tag sends, without touching it: the tag tells of each beacon with a `UetEvent`, and the browser keeps
 * a record of requests, those from before included. https://www.w3.org/TR/resource-timing/
 */
export function watchBeacons(
  window: Window & typeof globalThis,
  onBeacon: (beacon: RawBeacon) => void,
  onRefusal: (message: string, tagId: string) => void,
): () => void {
  const stop = new AbortController()
  const { signal } = stop
  window.document.addEventListener(
    'UetEvent',
    (event) => {
      const query = (event as CustomEvent<{ uetEvent?: unknown }>).detail?.uetEvent
      if (typeof query === 'string') onBeacon({ query, time: Date.now() })
    },
    { signal },
  )
  window.addEventListener(
    'uetError',
    (event) => {
      const { errMsg, tagId } = (event as CustomEvent<Record<string, unknown>>).detail ?? {}
      onRefusal(`${errMsg}`, `${tagId}`)
    },
    { signal },
  )
  const { performance } = window
  const observer = new window.PerformanceObserver((list) => {
    for (const { name, startTime } of list.getEntries()) {
      const [, host, query] = BEACON.exec(name) ?? []
      if (query) onBeacon({ query, time: performance.timeOrigin + startTime, host })
    }
  })
  observer.observe({ type: 'resource', buffered: true })
  return () => {
    stop.abort()
    observer.disconnect()
  }
}
