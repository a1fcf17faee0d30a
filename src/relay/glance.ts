import type { LaneState } from './courier.ts'
import type { DeadLetter, Outbox, OutboxHealth, TagCounts } from './outbox/outbox.ts'
import type { RelayReport } from './relay.ts'

/** What happened in one span of time. */
export interface Span {
  /** Start, milliseconds since the epoch. */
  at: number
  accepted: number
  delivered: number
  dead: number
  /** Events that waited at its end; undefined where nobody looked. */
  waiting: number | undefined
  /** 95 of 100 events were delivered within so many milliseconds; undefined where none was. */
  delayMs: number | undefined
}

/** The relay at a glance: figures and reasons, nothing that came in with an event but its name. */
export interface Glance {
  at: number
  spanMs: number
  /** Oldest first; the last one is not over yet. */
  spans: Span[]
  tags: (TagCounts & { lane?: LaneState | undefined })[]
  /** The newest first. */
  dead: DeadLetter[]
  store: OutboxHealth
}

export interface GlanceOptions {
  outbox: Outbox
  lanes(): LaneState[]
  now: () => number
}

const SPAN_MS = 10_000
/** Half an hour. */
const SPANS = 180
const DEAD_SHOWN = 20
const PAGE = 1000
/** Delays kept of a span: enough for a percentile. */
const DELAYS = 1000

const percentile = (values: number[], share: number): number | undefined =>
  values.sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))]

/** Remembers the last half hour, and looks into the store every ten seconds. */
export function createGlance({ outbox, lanes, now }: GlanceOptions) {
  let spans: (Span & { delays: number[] })[] = []

  const current = () => {
    const at = Math.floor(now() / SPAN_MS) * SPAN_MS
    let last = spans.at(-1)
    // A clock that was set back starts afresh.
    if (last && last.at > at) spans = []
    if (last?.at !== at) {
      last = { at, accepted: 0, delivered: 0, dead: 0, waiting: undefined, delayMs: undefined, delays: [] }
      spans = [...spans, last].slice(-SPANS)
    }
    return last
  }

  const look = async (): Promise<TagCounts[]> => {
    const span = current()
    const counts = await outbox.counts()
    span.waiting = counts.reduce((sum, { waiting, leased }) => sum + waiting + leased, 0)
    return counts
  }
  const timer = setInterval(() => void look().catch(() => {}), SPAN_MS)
  ;(timer as { unref?(): void }).unref?.()

  /** The store lists the oldest first. */
  const newestDead = async (total: number): Promise<DeadLetter[]> => {
    let found: DeadLetter[] = []
    // A store full of dead letters is not read to its end for a page.
    for (let read = 0; read < Math.min(total, 10 * PAGE); read += PAGE) {
      const after = found.at(-1)?.ref
      const page = await outbox.deadLetters({ limit: PAGE, ...(after !== undefined && { after }) })
      found = [...found, ...page].slice(-DEAD_SHOWN)
      if (page.length < PAGE) break
    }
    return found.reverse()
  }

  return {
    onReport(report: RelayReport): void {
      const span = current()
      if (report.kind === 'accepted') span.accepted += report.events - report.duplicates
      if (report.kind === 'dead') span.dead += report.events
      if (report.kind !== 'sent') return
      span.delivered += report.waitedMs.length
      span.delays.push(...report.waitedMs.slice(0, DELAYS - span.delays.length))
    },
    async read(): Promise<Glance> {
      const counts = await look()
      const byTag = new Map(lanes().map((lane) => [lane.tagId, lane]))
      const idle = [...byTag.keys()].filter((tagId) => !counts.some((each) => each.tagId === tagId))
      const nothing = {
        accepted: 0,
        duplicates: 0,
        delivered: 0,
        withdrawn: 0,
        purged: 0,
        waiting: 0,
        leased: 0,
        dead: 0,
      }
      const tags = [...counts, ...idle.map((tagId) => ({ tagId, ...nothing, oldestWaitingAt: undefined }))]
      return {
        at: now(),
        spanMs: SPAN_MS,
        spans: spans.map(({ delays, ...span }) => ({ ...span, delayMs: percentile(delays, 0.95) })),
        tags: tags.map((tag) => ({ ...tag, lane: byTag.get(tag.tagId) })),
        dead: await newestDead(counts.reduce((sum, { dead }) => sum + dead, 0)),
        store: await outbox.health(),
      }
    },
    close: () => clearInterval(timer),
  }
}
