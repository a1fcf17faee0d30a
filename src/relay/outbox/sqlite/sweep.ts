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
  table: 'waiting' | 'dead'
  after: number
}

/** Ends events that nobody settles, a few at a time. */
export function openSweep(db: DatabaseSync, books: Books, dead: DeadTable) {
  const read = (table: string) =>
    db.prepare(`SELECT seq, tag_id AS tagId, subjects FROM ${table} WHERE seq > ? ORDER BY seq LIMIT ?`)
  const scan = { waiting: read('waiting'), dead: read('dead') }
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
    withdraw(withdrawals: readonly Withdrawal[], { table, after }: Cursor, limit: number) {
      const wanted = new Map<string, Map<string, number>>()
      withdrawals.forEach(({ tagId, subjects }, index) => {
        let ofTag = wanted.get(tagId)
        if (!ofTag) wanted.set(tagId, (ofTag = new Map()))
        for (const subject of subjects) ofTag.set(subject, index)
      })
      const counts = withdrawals.map(() => 0)
      const rows = scan[table].all(after, limit) as { seq: number; tagId: string; subjects: string }[]
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
      const last = rows.at(-1)
      const cursor: Cursor | undefined =
        rows.length === limit && last
          ? { table, after: last.seq }
          : table === 'waiting'
            ? { table: 'dead', after: -1 }
            : undefined
      return { counts, cursor }
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
