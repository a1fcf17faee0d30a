import { canonicalClickId } from '../../core/identifiers.ts'
import type { BeaconSeen } from './beacons.ts'
import type { Facts } from './facts.ts'
import type { Entry } from './timeline.ts'
import { blockedWords } from './words.ts'

/** Something that is wrong on the page, and how to mend it. */
export interface Finding {
  id: string
  /** `error`: data is lost or counted wrongly. `warning`: it may be. */
  level: 'error' | 'warning'
  title: string
  /** What was seen. */
  evidence: string
  remedy: string
}

interface Rule extends Omit<Finding, 'evidence'> {
  /** What was seen, or nothing. */
  find(facts: Facts): string | undefined | false
}

/** Two page loads within this time belong to one navigation. */
const DOUBLE_MS = 1500
/** An event without its beacon by then is not on its way any more. */
const LOST_MS = 5000
/** Hosts state the time of an event; what is further off than this is a wrong clock or a wrong unit. */
const CLOCK_MS = 10 * 60_000

const sent = ({ beacons }: Facts, ...kinds: string[]) => beacons.filter(({ evt }) => kinds.includes(evt))
const names = (values: (string | undefined)[]) => [...new Set(values)].slice(0, 3).join(', ')
const unmanaged = ({ trackers }: Facts) =>
  trackers.filter(({ consent, consentSource }) => consent === 'unknown' && consentSource === 'off')
const address = ({ params }: BeaconSeen) => `${params.p}`.split('#')[0]!

/** Page loads of one tag for one address, so close that they are one navigation. `p` of a later one may be stale. */
const doubles = (facts: Facts): [BeaconSeen, BeaconSeen][] => {
  const loads = sent(facts, 'pageLoad')
  return loads.flatMap((second, index) => {
    const first = loads
      .slice(0, index)
      .find(
        (other) =>
          other.params.ti === second.params.ti &&
          address(other) === address(second) &&
          Math.abs(second.time - other.time) < DOUBLE_MS,
      )
    return first ? [[first, second] as [BeaconSeen, BeaconSeen]] : []
  })
}

/** Beacons that say nothing about consent, split by whether the tag learned of it later. */
const unsigned = (facts: Facts, later: boolean): BeaconSeen[] =>
  sent(facts, 'pageLoad', 'custom').filter(
    (beacon) =>
      !beacon.params.asc &&
      !beacon.params.tcf &&
      later ===
        facts.beacons.some(({ params, time }) => params.ti === beacon.params.ti && params.asc && time >= beacon.time),
  )

const revenueless = ({ entries }: Facts): Entry[] =>
  entries.filter(({ conversion }) => conversion?.value && !conversion.currency)

const clickIdOf = (url: string) => /[?&]msclkid=([^&#]*)/i.exec(url)?.[1]

/** Every finding that the inspector and the doctor know. */
export const RULES: readonly Rule[] = [
  {
    id: 'no-tracker',
    level: 'error',
    title: 'uetkit does not run here',
    find: ({ trackers, age }) => !trackers.length && age > LOST_MS && 'No tracker has started on this page.',
    remedy:
      'Put the script tag into the page, or call createUet() or the plugin. A wrong option is named on the console.',
  },
  {
    id: 'consent-missing',
    level: 'warning',
    title: 'No consent signal is sent',
    find: (facts) => names(unmanaged(facts).map(({ tagIds }) => `Tag ${tagIds} runs without consent mode`)),
    remedy:
      "Set consent: { default: 'denied', category: '…' }. Without a signal, Microsoft drops conversions and remarketing from the EEA, the UK and Switzerland.",
  },
  {
    id: 'consent-late',
    level: 'error',
    title: 'The consent default came too late',
    find: (facts) => {
      const [first] = unsigned(facts, true)
      return first && `Tag ${first.params.ti} sent its ${first.evt} before it was told the default.`
    },
    remedy: 'Push the default before the first page load: start uetkit above every other snippet of this tag.',
  },
  {
    id: 'asc-absent',
    level: 'error',
    title: 'Beacons leave without ad storage consent (asc)',
    find: (facts) => {
      const known = unmanaged(facts).flatMap(({ tagIds }) => tagIds)
      const [first] = unsigned(facts, false).filter(({ params }) => !known.includes(params.ti!))
      return first && `Tag ${first.params.ti} never states consent.`
    },
    remedy: 'Give every tag on the page the consent default, or load it through uetkit.',
  },
  {
    id: 'foreign-snippet',
    level: 'warning',
    title: 'Microsoft’s own snippet is on the page too',
    find: ({ foreignSnippets }) => foreignSnippets > 0 && `Found ${foreignSnippets} beside uetkit.`,
    remedy: 'Remove it from the page or the tag manager. uetkit loads the tag script itself.',
  },
  {
    id: 'second-tag',
    level: 'warning',
    title: 'Another tag sends from this page',
    find: (facts) => {
      const ours = facts.trackers.flatMap(({ tagIds }) => tagIds)
      const others = facts.beacons.filter(({ params }) => params.ti && !ours.includes(params.ti))
      return ours.length > 0 && others.length > 0 && `Tag ${names(others.map(({ params }) => params.ti))}.`
    },
    remedy: 'If it is yours, list it in tagId: it then gets its own queue and the same consent. If not, remove it.',
  },
  {
    id: 'tag-twice',
    level: 'error',
    title: 'The same tag runs twice',
    find: (facts) => {
      const doubled = [...facts.doubledTags, ...sent(facts, 'dedup').map(({ params }) => params.ti)]
      return doubled.length > 0 && `Tag ${names(doubled)} was started more than once.`
    },
    remedy: 'Keep one of the two. Everything is counted twice as long as both run.',
  },
  {
    id: 'double-page-load',
    level: 'error',
    title: 'One page view, two page loads',
    find: (facts) => {
      const [pair] = doubles(facts).filter(([first, second]) => !first.params.spa || !second.params.spa)
      return pair && `Tag ${pair[0].params.ti} sent two for ${address(pair[1])}.`
    },
    remedy: 'Call page() once for each view. The script tag sends the first by itself, unless data-auto-page="false".',
  },
  {
    id: 'spa-twice',
    level: 'error',
    title: 'Navigations are tracked twice',
    find: (facts) => {
      const [pair] = doubles(facts).filter(([first, second]) => first.params.spa && second.params.spa)
      return pair && `Tag ${pair[0].params.ti} sent two page loads for one navigation to ${address(pair[1])}.`
    },
    remedy:
      "Choose one: pageLoads: 'calls' with your page() calls, or the tag's own SPA tracking (pageLoads: 'auto', enableAutoSpaTracking) without them.",
  },
  {
    id: 'script-blocked',
    level: 'error',
    title: 'The tag script is blocked',
    find: ({ trackers }) => {
      const blocked = trackers.find(({ script }) => script === 'blocked')
      return blocked && blockedWords(blocked.scriptReason)
    },
    remedy: 'Try without extensions. For visitors with blockers, a relay delivers page loads and events all the same.',
  },
  {
    id: 'csp',
    level: 'error',
    title: 'The content security policy lacks a host',
    find: ({ violations }) => names(violations.map(({ directive, host }) => `${directive} forbids ${host}`)),
    remedy:
      'Allow https://bat.bing.com and https://bat.bing.net in script-src, img-src and connect-src; for ID sync https://c.bing.com in img-src.',
  },
  {
    id: 'event-without-page-load',
    level: 'error',
    title: 'Events without a page load',
    find: (facts) => {
      const loads = sent(facts, 'pageLoad')
      const orphan = sent(facts, 'custom').find(
        ({ params, time }) => !loads.some((load) => load.params.ti === params.ti && load.time <= time + DOUBLE_MS),
      )
      if (orphan)
        return `Tag ${orphan.params.ti} sent ${orphan.params.el ?? orphan.params.ea} and no page load before it.`
      const ready = facts.trackers.some(({ script }) => script === 'ready')
      const stuck = facts.entries.find(
        ({ kind, beacons, time }) => kind === 'event' && !beacons.length && facts.now - time > LOST_MS,
      )
      return ready && !loads.length && stuck && `${stuck.title} waits in the tag's queue for a page load.`
    },
    remedy:
      'Let uetkit make the page load: remove disableAutoPageView, or the snippet that starts the tag without pushing pageLoad.',
  },
  {
    id: 'revenue-without-currency',
    level: 'warning',
    title: 'Revenue without a currency',
    find: (facts) => names(revenueless(facts).map(({ title, conversion }) => `${title}: ${conversion!.value}`)),
    remedy:
      "Send the currency with each amount: { revenue: 25, currency: 'EUR' }. Otherwise the account's own is assumed.",
  },
  {
    id: 'value-dropped',
    level: 'warning',
    title: 'Values were left out',
    find: ({ entries }) => {
      const entry = entries.find(({ notes }) => notes?.length)
      return entry && `${entry.title}: ${entry.notes!.join('; ')}.`
    },
    remedy: 'Correct the property. The tag would have refused the whole event for it.',
  },
  {
    id: 'tag-refused',
    level: 'error',
    title: 'The tag refused data',
    find: ({ refusals }) => names(refusals),
    remedy: 'Correct the direct push on the queue. Events sent through uetkit are checked before.',
  },
  {
    id: 'raw-hash',
    level: 'error',
    title: 'A hash that can never match',
    find: ({ rawHashes }) =>
      names(rawHashes.map(({ field, of }) => `${field === 'em' ? 'E-mail' : 'Phone'}: the hash of ${of}`)),
    remedy:
      'Pass identify() the plain value, which it normalises and hashes, or normalise by Microsoft’s rules before hashing.',
  },
  {
    id: 'click-id-lost',
    level: 'error',
    title: 'The click id was lost',
    find: (facts) => {
      const given = clickIdOf(facts.landing)
      if (given === undefined) return false
      if (!canonicalClickId(given)) return 'The msclkid of the address is malformed.'
      const load = sent(facts, 'pageLoad').find(({ params }) => params.asc !== 'D')
      if (!load) return false
      if (canonicalClickId(load.params.msclkid) !== canonicalClickId(given))
        return 'The page arrived with msclkid, and the page load left without it.'
      return load.params.msclkid!.endsWith('N') && 'The browser refused to store it.'
    },
    remedy:
      'Keep msclkid in the address until the tag has read it: no redirect or clean-up before it, and cookies allowed.',
  },
  {
    id: 'clock',
    level: 'warning',
    title: 'A clock is wrong',
    find: ({ clockAhead, entries }) => {
      if (Math.abs(clockAhead) > CLOCK_MS)
        return `The page's clock is off by ${Math.round(clockAhead / 60_000)} minutes.`
      const odd = entries.find(
        ({ eventTime, time }) => eventTime !== undefined && Math.abs(eventTime - time) > CLOCK_MS,
      )
      return odd && `${odd.title} states ${new Date(odd.eventTime!).toISOString()} as its time.`
    },
    remedy:
      'State times in milliseconds since the epoch, and do not replace Date. Conversions older than 7 days are refused.',
  },
  {
    id: 'relay-refused',
    level: 'error',
    title: 'The relay does not take events',
    find: ({ entries }) => {
      const [last] = entries.filter(({ kind }) => kind === 'relay').slice(-1)
      return last?.tone === 'bad' && `${last.title}: ${last.detail}.`
    },
    remedy: 'Check relay.url and relay.key, the tag’s origins in the relay’s configuration, and that the relay runs.',
  },
]

/** What is wrong now. */
export function findAll(facts: Facts): Finding[] {
  return RULES.flatMap(({ find, ...rule }) => {
    const evidence = find(facts)
    return evidence ? [{ ...rule, evidence }] : []
  })
}
