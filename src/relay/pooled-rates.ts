import { memoryCounters, type SharedState } from './common-state.ts'

/** How long a relay may count by itself before it tells the others. */
const SYNC_MS = 250

/**
 * Counts that all relays of one installation make together, without a request waiting for the store: each relay counts
 * at once by itself, tells the shared state now and then, and adds what the others had counted by then. So a limit holds
 * across relays but for what comes in a quarter of a second. While the shared state is away, each counts alone.
 */
export function pooledRates(shared: SharedState, now: () => number) {
  const own = memoryCounters({ now })
  const others = new Map<string, { sum: number; untold: number; toldAt: number; telling: boolean; until: number }>()

  const tell = (key: string, entry: { sum: number; untold: number; toldAt: number; telling: boolean }, ttl: number) => {
    const by = entry.untold
    entry.untold = 0
    entry.telling = true
    entry.toldAt = now()
    shared
      .increment(key, by, ttl)
      .then(
        // What the others counted is all but what this relay has told so far.
        (sum) => {
          entry.sum = sum - (own.increment(key, 0, ttl) - entry.untold)
        },
        () => {
          entry.untold += by
        },
      )
      .finally(() => {
        entry.telling = false
      })
  }

  return {
    /** As `SharedState` does, but answers at once. */
    increment(key: string, by: number, ttlMs: number): number {
      const mine = own.increment(key, by, ttlMs)
      const moment = now()
      let entry = others.get(key)
      if (!entry || entry.until <= moment) {
        if (others.size > 10_000) for (const [old, { until }] of others) if (until <= moment) others.delete(old)
        entry = { sum: 0, untold: 0, toldAt: 0, telling: false, until: moment + ttlMs }
        others.set(key, entry)
      }
      entry.untold += by
      if (!entry.telling && moment - entry.toldAt >= SYNC_MS) tell(key, entry, ttlMs)
      return mine + Math.max(0, entry.sum)
    },
  }
}
