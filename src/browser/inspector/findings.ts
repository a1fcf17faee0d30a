import { canonicalClickId } from '../../core/identifiers.ts'
import type { BeaconSeen } from './beacons.ts'
import { CLOCK_MS, DOUBLE_MS, type TagSeen } from './digest.ts'
import type { Facts } from './facts.ts'
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

/** An event without its beacon by then is not on its way any more. */
const LOST_MS = 5000

const names = (values: Iterable<string | undefined>) => [...new Set(values)].slice(0, 3).join(', ')
const unmanaged = ({ trackers }: Facts) =>
  trackers.filter(({ consent, consentSource }) => consent === 'unknown' && consentSource === 'off')
/** What the first tag for which it is there has seen. */
const first = (tags: Iterable<TagSeen>, pick: (tag: TagSeen) => BeaconSeen | undefined | false) => {
  for (const tag of tags) {
    const found = pick(tag)
    if (found) return found
  }
  return
}
const pairWords = ([one, other]: readonly BeaconSeen[], what: string) =>
  `Tag ${one!.params.ti} sent two ${what} ${`${other!.params.p}`.split('#')[0]}.`

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
    find: ({ digest }) => {
      const late = first(
        digest.tags.values(),
        ({ firstUnsigned, lastSigned = 0 }) => firstUnsigned && firstUnsigned.time <= lastSigned && firstUnsigned,
      )
      return late && `Tag ${late.params.ti} sent its ${late.evt} before it was told the default.`
    },
    remedy: 'Push the default before the first page load: start uetkit above every other snippet of this tag.',
  },
  {
    id: 'asc-absent',
    level: 'error',
    title: 'Beacons leave without ad storage consent (asc)',
    find: (facts) => {
      const known = unmanaged(facts).flatMap(({ tagIds }) => tagIds)
      const silent = first(
        facts.digest.tags.values(),
        ({ lastUnsigned, lastSigned = 0 }) =>
          lastUnsigned && lastUnsigned.time > lastSigned && !known.includes(lastUnsigned.params.ti!) && lastUnsigned,
      )
      return silent && `Tag ${silent.params.ti} never states consent.`
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
    find: ({ trackers, digest }) => {
      const ours = trackers.flatMap(({ tagIds }) => tagIds)
      const others = [...digest.tags.keys()].filter((id) => id && !ours.includes(id))
      return ours.length > 0 && others.length > 0 && `Tag ${names(others)}.`
    },
    remedy: 'If it is yours, list it in tagId: it then gets its own queue and the same consent. If not, remove it.',
  },
  {
    id: 'tag-twice',
    level: 'error',
    title: 'The same tag runs twice',
    find: (facts) => {
      const doubled = [...facts.doubledTags, ...facts.digest.restarted]
      return doubled.length > 0 && `Tag ${names(doubled)} was started more than once.`
    },
    remedy: 'Keep one of the two. Everything is counted twice as long as both run.',
  },
  {
    id: 'double-page-load',
    level: 'error',
    title: 'One page view, two page loads',
    find: ({ digest }) => digest.double && pairWords(digest.double, 'for'),
    remedy: 'Call page() once for each view. The script tag sends the first by itself, unless data-auto-page="false".',
  },
  {
    id: 'spa-twice',
    level: 'error',
    title: 'Navigations are tracked twice',
    find: ({ digest }) => digest.spaDouble && pairWords(digest.spaDouble, 'page loads for one navigation to'),
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
    find: ({ digest, trackers, entries, now }) => {
      const tags = [...digest.tags.values()]
      const orphan = first(
        tags,
        ({ firstLoad, firstEvent }) =>
          firstEvent && !(firstLoad && firstLoad.time <= firstEvent.time + DOUBLE_MS) && firstEvent,
      )
      if (orphan)
        return `Tag ${orphan.params.ti} sent ${orphan.params.el ?? orphan.params.ea} and no page load before it.`
      const ready = trackers.some(({ script }) => script === 'ready')
      if (!ready || tags.some(({ firstLoad }) => firstLoad)) return false
      const stuck = entries.find(
        ({ kind, beacons, time, earlier }) => kind === 'event' && !earlier && !beacons.length && now - time > LOST_MS,
      )
      return stuck && `${stuck.title} waits in the tag's queue for a page load.`
    },
    remedy:
      'Let uetkit make the page load: remove disableAutoPageView, or the snippet that starts the tag without pushing pageLoad.',
  },
  {
    id: 'revenue-without-currency',
    level: 'warning',
    title: 'Revenue without a currency',
    find: ({ digest }) => names(digest.revenueless),
    remedy:
      "Send the currency with each amount: { revenue: 25, currency: 'EUR' }. Otherwise the account's own is assumed.",
  },
  {
    id: 'value-dropped',
    level: 'warning',
    title: 'Values were left out',
    find: ({ digest: { reduced } }) => reduced && `${reduced.title}: ${reduced.notes!.join('; ')}.`,
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
    find: ({ landing, digest: { openLoad: load } }) => {
      const given = clickIdOf(landing)
      if (given === undefined) return false
      if (!canonicalClickId(given)) return 'The msclkid of the address is malformed.'
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
    find: ({ clockAhead, digest: { odd } }) => {
      if (Math.abs(clockAhead) > CLOCK_MS)
        return `The page's clock is off by ${Math.round(clockAhead / 60_000)} minutes.`
      return odd && `${odd.title} states ${new Date(odd.eventTime!).toISOString()} as its time.`
    },
    remedy:
      'State times in milliseconds since the epoch, and do not replace Date. Conversions older than 7 days are refused.',
  },
  {
    id: 'relay-refused',
    level: 'error',
    title: 'The relay does not take events',
    find: ({ digest: { answer } }) => answer?.tone === 'bad' && `${answer.title}: ${answer.detail}.`,
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
