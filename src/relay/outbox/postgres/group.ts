import { type NewEvent, OutboxError, type Stored } from '../outbox.ts'

interface Asked {
  events: readonly NewEvent[]
  bytes: number
  resolve(stored: Stored[]): void
  reject(error: unknown): void
}

export interface GroupOptions {
  place: string
  /** Statements under way at a time: while the server works at some, the relay makes the next one ready. */
  writers: number
  /**
   * The most events of one statement. Without a bound, all senders that wait for an answer end up in one statement, and
   * relay and server take turns instead of working at the same time.
   */
  maxEvents: number
  /** The most bytes of events that may wait to be written; beyond, `append` throws `busy`. */
  maxQueuedBytes: number
  write(events: readonly NewEvent[]): Promise<Stored[]>
}

/** Group commit: what is asked while the statements before are under way goes into the next one together. */
export function groupAppends({ place, writers, maxEvents, maxQueuedBytes, write }: GroupOptions) {
  const queue: Asked[] = []
  let queuedBytes = 0
  let writing = 0

  const take = (): Asked[] => {
    let count = 0
    const end = queue.findIndex(({ events }) => (count += events.length) > maxEvents)
    return queue.splice(0, end < 0 ? queue.length : Math.max(1, end))
  }

  const work = async () => {
    if (writing >= writers) return
    writing += 1
    // One turn of the loop, so that requests which arrive together are written together.
    await new Promise((done) => setImmediate(done))
    for (let group = take(); group.length > 0; group = take()) {
      try {
        const stored = await write(group.flatMap(({ events }) => events))
        let start = 0
        for (const { events, resolve } of group) resolve(stored.slice(start, (start += events.length)))
      } catch (error) {
        for (const { reject } of group) reject(error)
      }
      for (const { bytes } of group) queuedBytes -= bytes
    }
    writing -= 1
  }

  return (events: readonly NewEvent[]): Promise<Stored[]> => {
    const bytes = events.reduce((sum, { body }) => sum + body.length, 0)
    if (queuedBytes > 0 && queuedBytes + bytes > maxQueuedBytes) {
      const message = `${place} does not keep up: ${queuedBytes} bytes of events wait to be written. Slow down, or give it more.`
      return Promise.reject(new OutboxError('busy', message, { retryAfterMs: 1_000 }))
    }
    queuedBytes += bytes
    return new Promise((resolve, reject) => {
      queue.push({ events, bytes, resolve, reject })
      void work()
    })
  }
}
