import type { Uet, UetState } from '../types.ts'
import { watchBeacons } from './beacons.ts'
import { countForeignSnippets, type Facts, findDoubledTags, readClock, type Violation, watchPolicy } from './facts.ts'
import { type Finding, findAll } from './findings.ts'
import { findRawHashes, type RawHash } from './raw-hashes.ts'
import { createTimeline, type Entry, type Timeline } from './timeline.ts'

export interface Watch {
  timeline: Timeline
  states(): UetState[]
  findings(): Finding[]
  stop(): void
}

type Page = Window & typeof globalThis

/** Trackers leave themselves here by tag id, whichever way they came to the page. */
const trackersOf = (window: Page): Uet[] => [
  ...new Set(Object.values((window as never as Record<symbol, Record<string, Uet>>)[Symbol.for('uetkit')] ?? {})),
]

const LOOK_MS = 300

/** Gathers what happens on the page. It only listens: nothing it does can change what is sent. */
export function watchPage(window: Page, onChange: (entry?: Entry) => void, earlier: Entry[]): Watch {
  const { document, performance } = window
  const timeline = createTimeline(onChange, earlier)
  const known = new Map<Uet, () => void>()
  const refusals: string[] = []
  const violations: Violation[] = []
  const rawHashes: RawHash[] = []
  const checked = new Set<string>()

  const look = () => {
    for (const uet of trackersOf(window)) if (!known.has(uet)) known.set(uet, uet.on('*', timeline.report))
  }
  look()
  const timer = window.setInterval(look, LOOK_MS)

  const stops = [
    watchBeacons(
      window,
      (beacon) => {
        timeline.beacon(beacon)
        const { pid } = beacon.params
        if (!pid || checked.has(pid)) return
        checked.add(pid)
        void findRawHashes(beacon, document).then((found) => {
          rawHashes.push(...found)
          if (found.length) onChange()
        })
      },
      (message, tagId) => {
        refusals.push(message)
        timeline.fault('The tag refused data', `${message} (tag ${tagId})`)
      },
    ),
    watchPolicy(window, (violation) => {
      if (violations.some(({ directive, host }) => directive === violation.directive && host === violation.host)) return
      violations.push(violation)
      timeline.fault('Blocked by the content security policy', `${violation.directive}: ${violation.host}`)
    }),
  ]

  const states = () => [...known.keys()].map((uet) => uet.state())
  const facts = (): Facts => ({
    age: performance.now(),
    now: Date.now(),
    trackers: states(),
    entries: timeline.entries.filter((entry) => entry.earlier === undefined),
    beacons: timeline.beacons,
    refusals,
    violations,
    foreignSnippets: countForeignSnippets(document, known.size),
    doubledTags: findDoubledTags(window),
    landing: performance.getEntriesByType('navigation')[0]?.name ?? window.location.href,
    rawHashes,
    clockAhead: readClock(performance),
  })

  return {
    timeline,
    states,
    findings: () => findAll(facts()),
    stop: () => {
      window.clearInterval(timer)
      for (const stop of [...stops, ...known.values()]) stop()
    },
  }
}
