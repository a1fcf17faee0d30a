import { statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { OutboxError, type OutboxHealth } from '../outbox.ts'

export interface Room {
  path: string
  /** The most bytes the database may take. */
  maxBytes: number
  /** What must stay free on the disk, so that events can still be delivered and removed when it fills up. */
  minFreeBytes: number
}

/** From this part of `maxBytes` on nothing more is accepted. */
const FULL = 0.95
const DISK_CHECK_MS = 1_000
/** So many events of one transaction go in between two looks. */
const EVENTS_A_LOOK = 64

const mebibytes = (bytes: number) => `${Math.round(bytes / 1_048_576)} MiB`

/** How much the store takes, and whether more may come in. */
export function roomOf(db: DatabaseSync, { path, maxBytes, minFreeBytes }: Room) {
  const pages = db.prepare(
    'SELECT page_size, page_count, freelist_count FROM pragma_page_size, pragma_page_count, pragma_freelist_count',
  )
  let checkedAt = Number.NEGATIVE_INFINITY
  let free = Number.POSITIVE_INFINITY
  let unseen = Number.POSITIVE_INFINITY

  const usedBytes = () => {
    const { page_size, page_count, freelist_count } = pages.get() as Record<string, number>
    return page_size! * (page_count! - freelist_count!)
  }
  const problem = (used: number): string | undefined => {
    if (used >= FULL * maxBytes) {
      return `${path} holds ${mebibytes(used)} of the ${mebibytes(maxBytes)} it may. It empties as Microsoft accepts; see the dead letters too, or raise maxBytes.`
    }
    if (performance.now() - checkedAt >= DISK_CHECK_MS) {
      checkedAt = performance.now()
      const { bavail, bsize } = statfsSync(dirname(path))
      free = bavail * bsize
    }
    if (free < minFreeBytes) {
      return `the disk of ${path} has ${mebibytes(free)} free, less than the ${mebibytes(minFreeBytes)} that delivery needs. Make room on it.`
    }
    return undefined
  }

  return {
    /** Belongs behind the begin of a transaction. */
    begun() {
      unseen = Number.POSITIVE_INFINITY
    },
    /** Throws `full` when no event may come in. */
    check(events: number) {
      unseen += events
      if (unseen < EVENTS_A_LOOK) return
      const found = problem(usedBytes())
      if (found) throw new OutboxError('full', `Nothing more can be stored: ${found}`, { retryAfterMs: 30_000 })
      unseen = 0
    },
    health(): OutboxHealth {
      const used = usedBytes()
      const found = problem(used)
      return { writable: !found, usedBytes: used, limitBytes: maxBytes, ...(found && { problem: found }) }
    },
  }
}
