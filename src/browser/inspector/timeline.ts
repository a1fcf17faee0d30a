import type { ConsentDecision } from '../../core/consent.ts'
import type { Conversion } from '../../core/event.ts'
import type { AnyReport } from '../types.ts'
import type { BeaconSeen } from './beacons.ts'
import type { Digester } from './digest.ts'
import { maskText, snapshot } from './snapshot.ts'
import { consentWords, scriptWords } from './words.ts'

/** What a row of the timeline is about. `tag`: the tag script did something that no call asked for. */
export type Kind = 'page' | 'event' | 'consent' | 'script' | 'relay' | 'tag' | 'fault'

export type Tone = 'good' | 'warn' | 'bad'

/** A row of the timeline: plain data, so that it can be copied and kept from page to page. */
export interface Entry {
  number: number
  kind: Kind
  /** Milliseconds since the epoch. */
  time: number
  title: string
  detail?: string | undefined
  tone?: Tone | undefined
  /** One id through all: of the call, on the wire, in the relay's answer. */
  id?: string | undefined
  /** The host's call. */
  call?: { method: 'page' | 'track'; name?: string | undefined; properties: unknown }
  /** Time of the event as its host states it. */
  eventTime?: number
  /** The consent in force at that time, and why. */
  consent?: ConsentDecision | undefined
  /** Arguments of the tag's `push`; empty where the tag got nothing. */
  queue?: unknown
  conversion?: Conversion | undefined
  notes?: string[]
  /** What left, one for each tag. */
  beacons: BeaconSeen[]
  /** HTTP status of each answer of the relay, 0 where none came. */
  relay: number[]
  /** Path of the page it happened on, for rows kept from a page before. */
  earlier?: string
}

/** Rows kept; the oldest go first. */
const LIMIT = 2000
/** Page views that a page load may still belong to. */
const RECENT_PAGES = 50

export interface Timeline {
  entries: Entry[]
  /** A report of a tracker. */
  report(report: AnyReport): void
  beacon(beacon: BeaconSeen): void
  fault(title: string, detail: string): void
  clear(): void
}

/** What is looked up by key, the oldest forgotten, so that no visit is too long. */
const keep = <K, V>(map: Map<K, V>, key: K, value: V): void => {
  map.set(key, value)
  if (map.size > LIMIT) map.delete(map.keys().next().value!)
}

/** Puts together what belongs together: a call, its beacons, and the relay's answers. */
export function createTimeline(
  onChange: (entry: Entry) => void,
  digest: Pick<Digester, 'beacon' | 'entry' | 'clear'>,
  earlier: readonly Entry[] = [],
): Timeline {
  const entries = [...earlier]
  const calls = new Map<string, Entry>()
  let pages: Entry[] = []
  const beacons = new Map<string, BeaconSeen>()
  const owners = new WeakMap<BeaconSeen, Entry>()
  /** Rows of beacons whose call is not known yet: by event id, one for each tag, and those of page loads. */
  const strays = new Map<string, Entry[]>()
  let strayLoads: Entry[] = []
  let number = 0
  let decision: ConsentDecision | undefined

  const add = (entry: Omit<Entry, 'number' | 'beacons' | 'relay'>): Entry => {
    const full = { ...entry, number: ++number, beacons: [], relay: [] }
    entries.push(full)
    if (entries.length > LIMIT) entries.shift()
    digest.entry(full)
    onChange(full)
    return full
  }

  /** Whether a page load is what a call asked for. It has no id of its own, so its path must tell. */
  const isLoadOf = ({ params }: BeaconSeen, { queue, beacons: seen }: Entry): boolean => {
    if (seen.some((other) => other.params.ti === params.ti)) return false
    const [command, action, given] = queue as [unknown, unknown, { page_path?: string }?]
    return command === 'pageLoad' ? !params.spa : action === 'page_view' && given?.page_path === params.page_path
  }

  const attach = (entry: Entry, beacon: BeaconSeen) => {
    entry.beacons.push(beacon)
    owners.set(beacon, entry)
    onChange(entry)
  }

  /** A running tag sends before the tracker reports: what it sent is a row of its own until then. */
  const adopt = (entry: Entry, row: Entry) => {
    const at = entries.lastIndexOf(row)
    if (at >= 0) entries.splice(at, 1)
    attach(entry, row.beacons[0]!)
  }

  const ownerOf = (beacon: BeaconSeen): Entry | undefined => {
    if (beacon.evt === 'pageLoad') return pages.find((entry) => isLoadOf(beacon, entry))
    const call = beacon.evt === 'custom' ? calls.get(beacon.params.event_id ?? '') : undefined
    return call?.kind === 'event' ? call : undefined
  }

  const take: {
    [K in AnyReport['topic']]: (report: Extract<AnyReport, { topic: K }>['report'], time: number) => void
  } = {
    event: ({ event, args, conversion, notes }, time) => {
      const isPage = event.type === 'page'
      const entry = add({
        kind: isPage ? 'page' : 'event',
        time,
        title: isPage ? 'Page view' : maskText(event.name ?? ''),
        detail: isPage ? maskText(event.page?.url ?? '') : worth(conversion),
        id: event.id,
        call: { method: event.type, name: event.name, properties: snapshot(event.properties) },
        eventTime: event.time,
        consent: decision,
        queue: snapshot(args),
        conversion,
        notes,
      })
      keep(calls, event.id, entry)
      if (isPage) {
        pages = [...pages, entry].slice(-RECENT_PAGES)
        strayLoads = strayLoads.filter((row) => {
          const fits = isLoadOf(row.beacons[0]!, entry)
          if (fits) adopt(entry, row)
          return !fits
        })
        return
      }
      for (const row of strays.get(event.id) ?? []) adopt(entry, row)
      strays.delete(event.id)
    },
    consent: (report, time) => {
      decision = report
      add({ kind: 'consent', time, consent: report, ...consentWords(report) })
    },
    script: (report, time) => add({ kind: 'script', time, ...scriptWords(report) }),
    relay: ({ status, ids }, time) => {
      const fine = status === 202
      const count = `${ids.length} event${ids.length === 1 ? '' : 's'}`
      add({
        kind: 'relay',
        time,
        title: fine ? `Relay took ${count}` : status ? `Relay refused ${count}` : 'No answer from the relay',
        detail: status ? `HTTP ${status}` : `${count} held back`,
        tone: fine ? 'good' : 'bad',
      })
      for (const id of ids) {
        const entry = calls.get(id)
        entry?.relay.push(status)
        if (entry) onChange(entry)
      }
    },
  }

  return {
    entries,
    report: ({ topic, report, time }) => take[topic](report as never, time),
    beacon: (beacon) => {
      const known = beacons.get(beacon.key)
      if (known) {
        // The tag told of it first; the browser's record of requests adds where it went.
        Object.assign(known, { host: beacon.host ?? known.host, requested: known.requested || beacon.requested })
        const owner = owners.get(known)
        if (owner) onChange(owner)
        return
      }
      keep(beacons, beacon.key, beacon)
      digest.beacon(beacon)
      const owner = ownerOf(beacon)
      if (owner) return attach(owner, beacon)
      const row = add({ kind: 'tag', time: beacon.time, title: beaconTitle(beacon), detail: beaconDetail(beacon) })
      attach(row, beacon)
      const { event_id: id } = beacon.params
      if (beacon.evt === 'custom' && id) keep(strays, id, [...(strays.get(id) ?? []), row])
      if (beacon.evt === 'pageLoad') strayLoads = [...strayLoads, row].slice(-RECENT_PAGES)
    },
    fault: (title, detail) => void add({ kind: 'fault', time: Date.now(), title, detail, tone: 'bad' }),
    clear: () => {
      entries.splice(0)
      digest.clear()
    },
  }
}

const worth = (conversion?: Conversion): string | undefined =>
  conversion?.value === undefined ? undefined : `${conversion.value} ${conversion.currency ?? '(no currency)'}`

const TITLES: Record<string, string> = {
  pageLoad: 'Page load sent by the tag itself',
  custom: 'Event sent by the tag itself',
  consent: 'Consent signal sent',
  pid: 'Hashed user data sent',
  pageHide: 'Page hidden',
  pageShow: 'Page shown',
  dedup: 'The same tag was started twice',
}

const SIGNALS: Record<string, string> = { G: 'granted', D: 'denied' }

/** What tells one beacon of a kind from the next. */
const beaconDetail = ({ evt, params }: BeaconSeen): string =>
  evt === 'consent'
    ? `${SIGNALS[params.asc ?? ''] ?? 'unknown'}, as ${params.src === 'default' ? 'the default' : params.src}`
    : `tag ${params.ti}`

const beaconTitle = ({ evt, params }: BeaconSeen): string =>
  evt === 'custom' && params.el ? params.el : (TITLES[evt] ?? `Beacon ${evt}`)
