import type { BeaconSeen } from './beacons.ts'
import type { Entry } from './timeline.ts'

/** Two page loads within this time belong to one navigation. */
export const DOUBLE_MS = 1500
/** Hosts state the time of an event; what is further off than this is a wrong clock or a wrong unit. */
export const CLOCK_MS = 10 * 60_000
/** Page loads of a tag that the next one is compared with. */
const RECENT = 20
/** Examples kept of what may happen often. */
const EXAMPLES = 3

/** What one tag has sent. `first` and `last` are by time. */
export interface TagSeen {
  firstLoad?: BeaconSeen
  firstEvent?: BeaconSeen
  /** Page loads and events that say nothing about consent. */
  firstUnsigned?: BeaconSeen
  lastUnsigned?: BeaconSeen
  /** Time of the last beacon that states consent. */
  lastSigned?: number
}

type Pair = [first: BeaconSeen, second: BeaconSeen]

/** What the findings remember of all that happened. It does not grow with it, so a long visit costs as little as a short one. */
export interface Digest {
  tags: Map<string, TagSeen>
  /** First page load that may carry ids. */
  openLoad?: BeaconSeen
  /** Tags that said they were started twice. */
  restarted: Set<string>
  /** Two page loads of one tag for one view, by whether both are of an SPA. */
  double?: Pair
  spaDouble?: Pair
  /** Events with a value and no currency. */
  revenueless: Set<string>
  /** First event of which something was left out. */
  reduced?: Entry
  /** First event with a time of its own that cannot be. */
  odd?: Entry
  /** The relay's last answer. */
  answer?: Entry
}

export interface Digester {
  digest: Digest
  beacon(beacon: BeaconSeen): void
  entry(entry: Entry): void
  /** Forgets the entries, as the timeline does. */
  clear(): void
}

const address = ({ params }: BeaconSeen) => `${params.p}`.split('#')[0]
const earlier = (one: BeaconSeen | undefined, other: BeaconSeen) => (one && one.time <= other.time ? one : other)

export function createDigest(): Digester {
  const digest: Digest = { tags: new Map(), restarted: new Set(), revenueless: new Set() }
  const recent = new Map<string, BeaconSeen[]>()

  /** Page loads of one tag for one address, so close that they are one navigation. */
  const pair = (tag: string, load: BeaconSeen) => {
    const loads = recent.get(tag) ?? []
    const first = loads.find(
      (other) => address(other) === address(load) && Math.abs(load.time - other.time) < DOUBLE_MS,
    )
    recent.set(tag, [...loads, load].slice(-RECENT))
    if (!first) return
    if (first.params.spa && load.params.spa) digest.spaDouble ??= [first, load]
    else digest.double ??= [first, load]
  }

  return {
    digest,
    beacon: (beacon) => {
      const { evt, params, time } = beacon
      const id = params.ti ?? ''
      const tag = digest.tags.get(id) ?? {}
      digest.tags.set(id, tag)
      const isLoad = evt === 'pageLoad'
      const isEvent = evt === 'custom'
      if (params.asc) tag.lastSigned = Math.max(tag.lastSigned ?? 0, time)
      else if ((isLoad || isEvent) && !params.tcf) {
        tag.firstUnsigned = earlier(tag.firstUnsigned, beacon)
        if (!tag.lastUnsigned || time >= tag.lastUnsigned.time) tag.lastUnsigned = beacon
      }
      if (isEvent) tag.firstEvent = earlier(tag.firstEvent, beacon)
      if (evt === 'dedup') digest.restarted.add(id)
      if (!isLoad) return
      if (params.asc !== 'D') digest.openLoad ??= beacon
      tag.firstLoad = earlier(tag.firstLoad, beacon)
      pair(id, beacon)
    },
    entry: (entry) => {
      const { kind, title, conversion, notes, eventTime, time } = entry
      if (conversion?.value && !conversion.currency && digest.revenueless.size < EXAMPLES)
        digest.revenueless.add(`${title}: ${conversion.value}`)
      if (notes?.length) digest.reduced ??= entry
      if (eventTime !== undefined && Math.abs(eventTime - time) > CLOCK_MS) digest.odd ??= entry
      if (kind === 'relay') digest.answer = entry
    },
    clear: () => {
      digest.revenueless.clear()
      delete digest.reduced
      delete digest.odd
      delete digest.answer
    },
  }
}
