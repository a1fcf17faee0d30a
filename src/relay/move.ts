import type { Outbox } from './outbox/outbox.ts'
import { subjectsOf } from './subjects.ts'

/** Progress and end of a move. */
export interface MoveOptions {
  /** Told after each step: how many events were moved so far, and how many still wait in the old store. */
  onProgress?: (progress: { moved: number; left: number }) => void
  /** Ends the move after the step under way; it can be begun again. */
  signal?: AbortSignal
}

const LEASE_MS = 60_000
const LIMIT = 1_000
const MAX_BYTES = 8 * 1024 ** 2
/** Events that another relay is sending, or that wait for their next attempt, are looked for again so often. */
const LOOK_AGAIN_MS = 1_000

/**
 * Moves the events that wait in one store into another, while relays go on working with both: what is moved is leased
 * first, stored in the new one, and only then taken out of the old one. A crash in between leaves it in both, with the
 * same id, so that the new store counts it as a duplicate when the move is begun again. Ends when nothing waits.
 * Dead letters stay where they are; `retryDead` makes them wait again.
 *
 * @returns how many events were moved.
 */
export async function moveOutbox(from: Outbox, to: Outbox, options: MoveOptions = {}): Promise<number> {
  const { onProgress, signal } = options
  let moved = 0
  for (;;) {
    const counts = await from.counts()
    const left = counts.reduce((sum, { waiting, leased }) => sum + waiting + leased, 0)
    onProgress?.({ moved, left })
    if (left === 0 || signal?.aborted) return moved
    const before = moved
    for (const { tagId, waiting } of counts) {
      if (waiting > 0 && !signal?.aborted) moved += await moveTag(from, to, tagId, signal)
    }
    if (moved === before) await new Promise((done) => setTimeout(done, LOOK_AGAIN_MS))
  }
}

async function moveTag(from: Outbox, to: Outbox, tagId: string, signal: AbortSignal | undefined): Promise<number> {
  let moved = 0
  while (!signal?.aborted) {
    const claim = await from.claim(tagId, { limit: LIMIT, maxBytes: MAX_BYTES, leaseMs: LEASE_MS })
    if (claim.events.length === 0) break
    await to.append(
      claim.events.map(({ id, name, eventTime, body }) => ({
        tagId,
        id,
        name,
        eventTime,
        subjects: subjectsOf(JSON.parse(body)),
        body,
      })),
    )
    await from.settle(
      claim.id,
      claim.events.map(({ ref }) => ({ ref, kind: 'delivered' })),
    )
    moved += claim.events.length
  }
  return moved
}
