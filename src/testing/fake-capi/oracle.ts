/** An event that the API took. */
export interface AcceptedEvent {
  tagId: string
  /** What is kept of it: without the fields that a warning removed. */
  event: Record<string, unknown>
  /** `granted` also for an event without a valid `adStorageConsent`. */
  consent: 'granted' | 'denied'
}

/** Knows what the API took, to compare with what should have come. */
export interface Oracle {
  /** The latest events taken, oldest first, as many as the option `keep` says. */
  readonly accepted: readonly AcceptedEvent[]
  /** How many events were taken, duplicates included. */
  readonly total: number
  /** How many conversions and page loads they make: the same tag, `eventName` and `eventId` count once. */
  readonly distinct: number
  /** How often an event id was taken, of whatever tag and name. */
  timesAccepted(eventId: string): number
  /** Ids taken, each once, in the order in which they first came. */
  ids(): string[]
  /** Ids taken more than once, with how often. */
  duplicates(): Record<string, number>
}

export interface OracleRecord extends Oracle {
  record(accepted: AcceptedEvent): void
}

export function createOracle(keep: number): OracleRecord {
  const accepted: AcceptedEvent[] = []
  const times = new Map<string, number>()
  const keys = new Set<string>()
  let total = 0
  let nameless = 0
  return {
    accepted,
    get total() {
      return total
    },
    get distinct() {
      return keys.size + nameless
    },
    timesAccepted: (eventId) => times.get(eventId) ?? 0,
    ids: () => [...times.keys()],
    duplicates: () => Object.fromEntries([...times].filter(([, count]) => count > 1)),
    record(entry) {
      total++
      accepted.push(entry)
      // Removing one by one from the front is slow in large numbers.
      if (accepted.length > 2 * keep) accepted.splice(0, accepted.length - keep)
      const { eventId, eventName } = entry.event
      if (typeof eventId !== 'string') {
        nameless++
        return
      }
      times.set(eventId, (times.get(eventId) ?? 0) + 1)
      keys.add(JSON.stringify([entry.tagId, eventName ?? '', eventId]))
    },
  }
}
