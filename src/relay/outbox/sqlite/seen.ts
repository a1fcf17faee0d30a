import { hash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { DEDUP_WINDOW_MS, type NewEvent } from '../outbox.ts'

const GENERATION_MS = 2 * 86_400_000

/** From the oldest that may still matter to the one after this, which a clock set back may have left behind. */
const live = (now: number): number[] => {
  const first = Math.floor((now - DEDUP_WINDOW_MS) / GENERATION_MS)
  return Array.from({ length: DEDUP_WINDOW_MS / GENERATION_MS + 2 }, (_, index) => first + index)
}

/** Keys of the events stored in the last 8 to 10 days. Only hashes: an event id may be an order number. */
export function openSeen(db: DatabaseSync) {
  const places = live(0).map((_, index) => `?${index + 3}`)
  const remember = db.prepare(
    `INSERT INTO seen (generation, key) SELECT ?1, ?2
     WHERE NOT EXISTS (SELECT 1 FROM seen WHERE generation IN (${places.join(', ')}) AND key = ?2)`,
  )
  const forget = db.prepare(
    `DELETE FROM seen WHERE (generation, key) IN (SELECT generation, key FROM seen WHERE generation < ? LIMIT ?)`,
  )
  return {
    /** Remembers the key. False when it was known. */
    add({ tagId, id, name }: NewEvent, now: number): boolean {
      // 128 bits: two among a thousand million keys are alike with a chance of 1 in 10^21.
      const key = hash('sha256', JSON.stringify([tagId, id, name]), 'buffer').subarray(0, 16)
      return remember.run(Math.floor(now / GENERATION_MS), key, ...live(now)).changes === 1
    },
    /** Removes at most `limit` keys that are too old. Answers how many. */
    forget: (now: number, limit: number): number => Number(forget.run(live(now)[0]!, limit).changes),
  }
}
