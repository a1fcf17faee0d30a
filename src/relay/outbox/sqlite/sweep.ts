import type { DatabaseSync } from 'node:sqlite'
import { MAX_DELAY_MS } from '../outbox.ts'
import type { Books } from './books.ts'
import type { DeadTable } from './dead.ts'

export interface Withdrawal {
  tagId: string
  subjects: readonly string[]
}

/** Where a search for withdrawn events stands; the search is over when there is none. */
export interface Cursor {
  /** `revived`: what waits again that was dead meanwhile. */
  part: 'waiting' | 'dead' | 'revived'
  after: number
  /** The newest event that waited when the search began, and when that was: what came later is not withdrawn. */
  last: number
  began: number
}

const AFTER: Record<Cursor['part'], (last: number) => Pick<Cursor, 'part' | 'after'> | undefined> = {
  waiting: () => ({ part: 'dead', after: -1 }),
  dead: (last) => ({ part: 'revived', after: last }),
  revived: () => undefined,
}

/** Ends events that nobody settles, a few at a time. */
export function openSweep(db: DatabaseSync, books: Books, dead: DeadTable) {
  const newest = db.prepare('SELECT max(seq) AS seq FROM waiting')
  const read = (table: string, which: string) =>
    db.prepare(`SELECT seq, tag_id AS tagId, subjects FROM ${table} WHERE seq > ?1 AND ${which} ORDER BY seq LIMIT ?2`)
  const scan = {
    waiting: read('waiting', 'seq <= ?3'),
    // All of them: the bound is 1.
    dead: read('dead', '?3'),
    revived: read('waiting', 'received_at < ?3'),
  }
  const newestWaiting = () => (newest.get() as { seq: number | null }).seq ?? 0
  const remove = {
    waiting: db.prepare('DELETE FROM waiting WHERE seq = ?'),
    dead: db.prepare('DELETE FROM dead WHERE seq = ?'),
  }
  const aged = db.prepare(
    `SELECT seq FROM waiting WHERE tag_id = ?1 AND received_at < ?2
     AND (lease IS NULL OR due_at <= ?3 OR due_at > ?4) LIMIT ?5`,
  )

  return {
    /**
     * Looks through `limit` events for those of the withdrawals and deletes them; answers how many for each. It reads
     * all that waits instead of an index, so that accepting pays nothing for what is rare.
     */
    withdraw(withdrawals: readonly Withdrawal[], from: Cursor | undefined, limit: number, now: number) {
      const { part, after, last, began } = from ?? { part: 'waiting', after: -1, last: newestWaiting(), began: now }
      const table = part === 'dead' ? 'dead' : 'waiting'
      const wanted = new Map<string, Map<string, number>>()
      withdrawals.forEach(({ tagId, subjects }, index) => {
        let ofTag = wanted.get(tagId)
        if (!ofTag) wanted.set(tagId, (ofTag = new Map()))
        for (const subject of subjects) ofTag.set(subject, index)
      })
      const counts = withdrawals.map(() => 0)
      const bound = { waiting: last, dead: 1, revived: began }[part]
      const rows = scan[part].all(after, limit, bound) as { seq: number; tagId: string; subjects: string }[]
      for (const { seq, tagId, subjects } of rows) {
        const ofTag = wanted.get(tagId)
        if (!ofTag) continue
        const index = (JSON.parse(subjects) as string[])
          .map((subject) => ofTag.get(subject))
          .find((i) => i !== undefined)
        if (index === undefined) continue
        remove[table].run(seq)
        books.add(tagId, table, -1)
        books.add(tagId, 'withdrawn', 1)
        counts[index]! += 1
      }
      const end = rows.at(-1)
      const next: Pick<Cursor, 'part' | 'after'> | undefined =
        rows.length === limit && end ? { part, after: end.seq } : AFTER[part](last)
      return { counts, cursor: next && { ...next, last, began } }
    },
    /** Lets events die that were received too long ago. Answers their tags, one entry for each. */
    expire(before: number, limit: number, now: number): string[] {
      const tags: string[] = []
      for (const tagId of books.tags()) {
        const rows = aged.all(tagId, before, now, now + MAX_DELAY_MS, limit - tags.length) as { seq: number }[]
        for (const { seq } of rows) {
          dead.bury(seq, tagId, 'expired', now)
          tags.push(tagId)
        }
        if (tags.length === limit) break
      }
      return tags
    },
  }
}
