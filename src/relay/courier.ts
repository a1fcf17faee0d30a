import { CAPI_MAX_AGE } from '../core/capi-json.ts'
import { type CourierNotice, createLane, type LaneContext, type LaneState } from './courier/lane.ts'
import type { Outbox } from './outbox/outbox.ts'

export type { CourierNotice, LaneState } from './courier/lane.ts'

export interface CourierOptions {
  outbox: Outbox
  /** Tags that have a lane from the start. Others that have events waiting get one too. */
  tagIds: readonly string[]
  /** Who sends the events of this tag now: asked before each sending, so that a new token works at once. */
  sender: LaneContext['sender']
  onNotice?: (notice: CourierNotice) => void
  /** Milliseconds since the epoch. */
  now?: () => number
  /** A number in [0, 1). */
  random?: () => number
  /** How long an event waits for others to travel with. 250 ms. */
  lingerMs?: number
  /** How long events taken are ours alone; prolonged while their sending takes longer. 60 s. */
  leaseMs?: number
  /** How often to look for events that nobody told of. 5 s. */
  pollMs?: number
  /** How often to end what is too old. 60 s. */
  sweepMs?: number
}

export interface Courier {
  lanes(): LaneState[]
  /** Ends the pause of a tag, or of all: what caused it was repaired. */
  resume(tagId?: string): void
  /**
   * Takes no more events and waits for the sendings under way, `deadlineMs` at most (10 s by default); what they did not
   * finish waits again in the outbox. The outbox stays open.
   */
  close(options?: { deadlineMs?: number }): Promise<void>
}

/** Below Microsoft's request limit as far as it is known, so that a claim is one request. */
const MAX_BYTES = 900_000
/** Bytes of events on their way at the same time, all tags together: they, several times over, are the memory. */
const MAX_IN_FLIGHT = 3 * MAX_BYTES
/** So many bytes each tag may have on its way whatever the others do. */
const MIN_BYTES = 64_000
/** The store has so long to hear of the last sendings after the deadline. */
const SETTLE_MS = 2_000

/**
 * Brings events from the outbox to Microsoft: each at least once, unless Microsoft will never take it; then it becomes
 * a dead letter with the reason. Starts at once.
 */
export function createCourier(options: CourierOptions): Courier {
  const { outbox, tagIds, sender, onNotice, now = Date.now, random = Math.random } = options
  const { lingerMs = 250, leaseMs = 60_000, pollMs = 5_000, sweepMs = 60_000 } = options
  const lanes = new Map<string, ReturnType<typeof createLane>>()
  const abort = new AbortController()
  let inFlight = 0
  let closing: Promise<void> | undefined

  const notify = (notice: CourierNotice) => {
    try {
      onNotice?.(notice)
    } catch {
      // What a listener does with the news is its own matter.
    }
  }
  const context: LaneContext = {
    outbox,
    sender,
    now,
    random,
    notify,
    lingerMs,
    leaseMs,
    pollMs,
    signal: abort.signal,
    reserve(first) {
      const free = MAX_IN_FLIGHT - inFlight
      if (!first && free < MAX_BYTES) return undefined
      let bytes = Math.min(MAX_BYTES, Math.max(MIN_BYTES, free))
      const use = (next: number) => {
        inFlight += next - bytes
        bytes = next
      }
      inFlight += bytes
      return { bytes, use }
    },
  }
  const lane = (tagId: string) => {
    let found = lanes.get(tagId)
    if (!found) lanes.set(tagId, (found = createLane(tagId, context)))
    return found
  }

  const sweep = async () => {
    try {
      const { expired } = await outbox.sweep({ expireBefore: now() - CAPI_MAX_AGE * 1_000 })
      for (const [tagId, events] of Object.entries(expired)) notify({ kind: 'dead', tagId, reason: 'expired', events })
      for (const { tagId, waiting } of await outbox.counts()) if (waiting > 0 && !closing) lane(tagId)
    } catch (error) {
      notify({ kind: 'store', message: error instanceof Error ? error.message : String(error) })
    }
  }

  for (const tagId of tagIds) lane(tagId)
  const stopListening = outbox.onDue((tagId, events) => lane(tagId).wake(events))
  let swept = sweep()
  const sweeping = setInterval(() => (swept = swept.then(sweep)), sweepMs)

  return {
    lanes: () => [...lanes.values()].map(({ state }) => state()),
    resume(tagId) {
      for (const [id, { resume }] of lanes) if (tagId === undefined || id === tagId) resume()
    },
    close({ deadlineMs = 10_000 } = {}) {
      closing ??= (async () => {
        stopListening()
        clearInterval(sweeping)
        const closed = Promise.all([swept, ...[...lanes.values()].map((each) => each.close())])
        const timers = new Set<ReturnType<typeof setTimeout>>()
        const after = (ms: number) => new Promise<'late'>((resolve) => timers.add(setTimeout(resolve, ms, 'late')))
        if ((await Promise.race([closed, after(deadlineMs)])) === 'late') {
          abort.abort()
          await Promise.race([closed, after(SETTLE_MS)])
        }
        for (const timer of timers) clearTimeout(timer)
      })()
      return closing
    },
  }
}
