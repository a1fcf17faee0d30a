/**
 * A few small facts that all relays of one installation share, each with an end: rates and signatures already seen.
 * Losing them costs no event, so they need not be durable.
 */
export interface SharedState {
  /**
   * Adds `by` to a counter that starts at 0 and vanishes `ttlMs` after its first addition. Answers the sum. Put the
   * number of the time window into the key for a rate limit with fixed windows.
   */
  increment(key: string, by: number, ttlMs: number): Promise<number>
  /** True for the first call with this key within `ttlMs`, whichever relay it comes from; false for every other. */
  once(key: string, ttlMs: number): Promise<boolean>
}

export interface MemorySharedStateOptions {
  /** Milliseconds since the epoch. */
  now?: () => number
  /** The most keys held, so that a flood of clients cannot fill the memory; the oldest go first. 100,000. */
  maxKeys?: number
}

/** The state of a single relay, which forgets it when it stops. */
export function memorySharedState(options: MemorySharedStateOptions = {}): SharedState {
  const { increment } = memoryCounters(options)
  return {
    increment: async (key, by, ttlMs) => increment(key, by, ttlMs),
    once: async (key, ttlMs) => increment(key, 1, ttlMs) === 1,
  }
}

/** Counters in memory, which answer at once. */
export function memoryCounters(options: MemorySharedStateOptions = {}) {
  const { now = Date.now, maxKeys = 100_000 } = options
  const entries = new Map<string, { sum: number; until: number }>()

  const entry = (key: string, ttlMs: number) => {
    const found = entries.get(key)
    if (found && found.until > now()) return found
    entries.delete(key)
    if (entries.size >= maxKeys) makeRoom()
    const made = { sum: 0, until: now() + ttlMs }
    entries.set(key, made)
    return made
  }
  /** Insertion order is the order of age; a tenth at once keeps the cost of an insertion flat. */
  const makeRoom = () => {
    for (const key of [...entries.keys()].slice(0, Math.ceil(maxKeys / 10))) entries.delete(key)
  }

  return { increment: (key: string, by: number, ttlMs: number): number => (entry(key, ttlMs).sum += by) }
}
