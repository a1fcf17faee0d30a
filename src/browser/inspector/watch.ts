import type { Properties } from '../../core/event.ts'
import type { AnyReport, Uet, UetState } from '../types.ts'
import { readBeacon, watchBeacons } from './beacons.ts'
import { createDigest } from './digest.ts'
import { createSnippetCounter, type Facts, findDoubledTags, readClock, type Violation, watchPolicy } from './facts.ts'
import { type Finding, findAll } from './findings.ts'
import { findRawHashes, type RawHash } from './raw-hashes.ts'
import { snapshot } from './snapshot.ts'
import { createTimeline, type Entry, type Timeline } from './timeline.ts'
import { createWork } from './work.ts'

export interface Watch {
  timeline: Timeline
  states(): UetState[]
  findings(): Finding[]
  /** Takes in at once what has been seen and waits. */
  drain(): void
  stop(): void
}

type Page = Window & typeof globalThis

/** Trackers leave themselves here by tag id, whichever way they came to the page. */
const trackersOf = (window: Page): Uet[] => [
  ...new Set(Object.values((window as never as Record<symbol, Record<string, Uet>>)[Symbol.for('uetkit')] ?? {})),
]

const LOOK_MS = 300
/** Kept as examples. */
const REFUSALS = 20

type EventEntry = Extract<AnyReport, { topic: 'event' }>

const asIs = (text: string) => text

/** The host and the tag may change their objects, so that much is done at once. Texts are read later. */
const copyEvent = ({ report, ...rest }: EventEntry): EventEntry => ({
  ...rest,
  report: {
    ...report,
    args: snapshot(report.args, asIs) as unknown[],
    event: { ...report.event, properties: snapshot(report.event.properties, asIs) as Properties },
  },
})

/** Gathers what happens on the page. It only listens: nothing it does can change what is sent. */
export function watchPage(window: Page, onChange: (entry?: Entry) => void, earlier: Entry[]): Watch {
  const { document, performance } = window
  const digester = createDigest()
  const timeline = createTimeline(onChange, digester, earlier)
  const countSnippets = createSnippetCounter(document)
  const known = new Map<Uet, () => void>()
  const refusals: string[] = []
  const violations: Violation[] = []
  const rawHashes: RawHash[] = []
  const checked = new Set<string>()

  const work = createWork(onChange)
  const take = (report: AnyReport) => {
    const copy = report.topic === 'event' ? copyEvent(report) : report
    work.add(() => timeline.report(copy))
  }

  const look = () => {
    for (const uet of trackersOf(window)) if (!known.has(uet)) known.set(uet, uet.on('*', take))
  }
  look()
  const timer = window.setInterval(look, LOOK_MS)

  const stops = [
    watchBeacons(
      window,
      (raw) =>
        work.add(() => {
          const beacon = readBeacon(raw)
          timeline.beacon(beacon)
          const { pid } = beacon.params
          if (!pid || checked.has(pid)) return
          checked.add(pid)
          void findRawHashes(beacon, document).then((found) => {
            rawHashes.push(...found)
            if (found.length) onChange()
          })
        }),
      (message, tagId) => {
        if (refusals.length < REFUSALS) refusals.push(message)
        work.add(() => timeline.fault('The tag refused data', `${message} (tag ${tagId})`))
      },
    ),
    watchPolicy(window, (violation) => {
      if (violations.some(({ directive, host }) => directive === violation.directive && host === violation.host)) return
      violations.push(violation)
      work.add(() =>
        timeline.fault('Blocked by the content security policy', `${violation.directive}: ${violation.host}`),
      )
    }),
  ]

  const states = () => [...known.keys()].map((uet) => uet.state())
  const facts = (): Facts => ({
    age: performance.now(),
    now: Date.now(),
    trackers: states(),
    entries: timeline.entries,
    digest: digester.digest,
    refusals,
    violations,
    foreignSnippets: countSnippets(known.size),
    doubledTags: findDoubledTags(window),
    landing: performance.getEntriesByType('navigation')[0]?.name ?? window.location.href,
    rawHashes,
    clockAhead: readClock(performance),
  })

  return {
    timeline,
    states,
    findings: () => findAll(facts()),
    drain: work.drain,
    stop: () => {
      window.clearInterval(timer)
      for (const stop of [...stops, ...known.values()]) stop()
    },
  }
}
