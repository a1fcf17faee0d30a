import type { DatabaseSync } from 'node:sqlite'
import { MAX_DELAY_MS, type TagCounts } from '../outbox.ts'

type Column = 'accepted' | 'duplicates' | 'delivered' | 'withdrawn' | 'purged' | 'waiting' | 'dead'

const COLUMNS: readonly Column[] = ['accepted', 'duplicates', 'delivered', 'withdrawn', 'purged', 'waiting', 'dead']

/** The counts of each tag, written once a transaction however many events it touched. */
export function openBooks(db: DatabaseSync) {
  const write = db.prepare(
    `INSERT INTO books (tag_id, ${COLUMNS.join(', ')}) VALUES (?${', ?'.repeat(COLUMNS.length)})
     ON CONFLICT DO UPDATE SET ${COLUMNS.map((column) => `${column} = ${column} + excluded.${column}`).join(', ')}`,
  )
  const read = db.prepare('SELECT * FROM books ORDER BY tag_id')
  // A lease further away than the longest comes from a clock that was set back, and has ended.
  const leased = db.prepare(
    'SELECT count(*) AS n FROM waiting WHERE lease IS NOT NULL AND tag_id = ? AND due_at > ? AND due_at <= ?',
  )
  const oldest = db.prepare('SELECT min(received_at) AS at FROM waiting WHERE tag_id = ?')
  const changes = new Map<string, Partial<Record<Column, number>>>()

  return {
    add(tagId: string, column: Column, count: number) {
      let change = changes.get(tagId)
      if (!change) changes.set(tagId, (change = {}))
      change[column] = (change[column] ?? 0) + count
    },
    /** Writes what was added; belongs before the commit. */
    flush() {
      for (const [tagId, change] of changes) write.run(tagId, ...COLUMNS.map((column) => change[column] ?? 0))
      changes.clear()
    },
    /** Forgets what was added; belongs after a rollback. */
    discard: () => changes.clear(),
    tags: (): string[] => read.all().map((row) => row.tag_id as string),
    counts(now: number): TagCounts[] {
      this.flush()
      return (read.all() as unknown as ({ tag_id: string } & Record<Column, number>)[]).map(({ tag_id, ...row }) => {
        const { n } = leased.get(tag_id, now, now + MAX_DELAY_MS) as { n: number }
        const { at } = oldest.get(tag_id) as { at: number | null }
        return { tagId: tag_id, ...row, waiting: row.waiting - n, leased: n, oldestWaitingAt: at ?? undefined }
      })
    },
  }
}

export type Books = ReturnType<typeof openBooks>
