import { type NewEvent, OutboxError, type Stored } from '../outbox.ts'
import type { AppendAnswer } from './protocol.ts'
import { addRow, emptyRows } from './rows.ts'

/**
 * Appends that travel and are answered together. Many wait for the disk at a time, so that of each only the two
 * functions that end its waiting are kept; its events are let go as soon as they are on their way.
 */
export function openAppends(onStored: (tagId: string, events: number) => void, onEnd: (bytes: number) => void) {
  const rows = emptyRows()
  const ends: number[] = []
  const { tagIds } = rows
  const resolves: ((stored: Stored[]) => void)[] = []
  const rejects: ((error: OutboxError) => void)[] = []
  let bytes = 0

  /** Tells of the events that are new, those of one tag together. */
  const tell = (isOld: (row: number) => boolean) => {
    const fresh = new Map<string, number>()
    tagIds.forEach((tagId, row) => {
      if (!isOld(row)) fresh.set(tagId, (fresh.get(tagId) ?? 0) + 1)
    })
    for (const [tagId, count] of fresh) onStored(tagId, count)
  }

  return {
    /** What the worker is called with. */
    args: [rows, ends] as const,
    /** The worker has its own copy. */
    letGo() {
      for (const list of [rows.ids, rows.names, rows.eventTimes, rows.subjects, rows.bodies]) list.length = 0
    },
    add(events: readonly NewEvent[], size: number): Promise<Stored[]> {
      for (const event of events) addRow(rows, event)
      ends.push(tagIds.length)
      bytes += size
      return new Promise((resolve, reject) => {
        resolves.push(resolve)
        rejects.push(reject)
      })
    },
    resolve({ duplicates, refused }: AppendAnswer) {
      const old = new Set(duplicates)
      const errors = new Map(refused.map(({ at, error }) => [at, error]))
      onEnd(bytes)
      for (const at of errors.keys()) for (let row = ends[at - 1] ?? 0; row < ends[at]!; row += 1) old.add(row)
      tell((row) => old.has(row))
      ends.forEach((end, at) => {
        const error = errors.get(at)
        if (error) return rejects[at]!(new OutboxError(error.code, error.message, error))
        const from = ends[at - 1] ?? 0
        const stored = new Array<Stored>(end - from).fill('stored')
        if (old.size > 0) for (let row = from; row < end; row += 1) if (old.has(row)) stored[row - from] = 'duplicate'
        resolves[at]!(stored)
      })
    },
    reject(error: OutboxError) {
      onEnd(bytes)
      for (const reject of rejects) reject(error)
    },
  }
}
