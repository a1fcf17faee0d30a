import type { DatabaseSync } from 'node:sqlite'
import type { DeadLetter, DeadPage, DeadSelection } from '../outbox.ts'
import type { Books } from './books.ts'

const SHARED = 'tag_id, attempts, received_at, event_time, id, name, subjects, body'
const LETTER = `CAST(seq AS TEXT) AS ref, tag_id AS tagId, id, name, reason, attempts, event_time AS eventTime,
  received_at AS receivedAt, died_at AS diedAt`

/** Dead letters. What may touch many works on at most `limit` of them, so that accepting never waits long. */
export function openDead(db: DatabaseSync, books: Books) {
  const copy = db.prepare(
    `INSERT INTO dead (reason, died_at, ${SHARED}) SELECT ?, ?, ${SHARED} FROM waiting WHERE seq = ?`,
  )
  const leave = db.prepare('DELETE FROM waiting WHERE seq = ?')
  const revive = db.prepare(
    `INSERT INTO waiting (due_at, ${SHARED}) SELECT ?, ${SHARED.replace('attempts', '0')} FROM dead WHERE seq = ?`,
  )
  const remove = db.prepare('DELETE FROM dead WHERE seq = ?')
  const one = db.prepare(`SELECT ${LETTER}, body FROM dead WHERE seq = ?`)
  const chosen = `FROM dead WHERE (?1 IS NULL OR seq IN (SELECT CAST(value AS INTEGER) FROM json_each(?1)))
    AND (?2 IS NULL OR tag_id = ?2) AND seq > ?3 AND seq <= ?4 ORDER BY seq LIMIT ?5`
  const page = db.prepare(`SELECT ${LETTER} ${chosen}`)
  const select = db.prepare(`SELECT seq, tag_id AS tagId ${chosen}`)
  const newest = db.prepare('SELECT max(seq) AS seq FROM dead')
  const aged = db.prepare('SELECT seq, tag_id AS tagId FROM dead WHERE died_at < ? LIMIT ?')
  type Row = { seq: number; tagId: string }

  const list = ({ refs, tagId }: DeadSelection, after: string, last: number, limit: number) =>
    [refs ? JSON.stringify(refs) : null, tagId ?? null, Number(after), last, limit] as const
  const purge = (rows: Row[]) => {
    for (const { seq, tagId } of rows) {
      remove.run(seq)
      books.add(tagId, 'dead', -1)
      books.add(tagId, 'purged', 1)
    }
    return rows.length
  }

  return {
    bury(seq: number, tagId: string, reason: string, now: number) {
      copy.run(reason, now, seq)
      leave.run(seq)
      books.add(tagId, 'waiting', -1)
      books.add(tagId, 'dead', 1)
    },
    page: ({ limit, after = '-1', ...selection }: DeadPage) =>
      page.all(...list(selection, after, Number.MAX_SAFE_INTEGER, limit)) as unknown as DeadLetter[],
    one: (ref: string) => one.get(Number(ref)) as unknown as (DeadLetter & { body: string }) | undefined,
    /** The newest one. Numbers only grow, unlike the time, which may be set back. */
    last: () => (newest.get() as { seq: number | null }).seq ?? 0,
    /**
     * Answers the tags of those that wait again, one entry for each. Those behind `last` stay, so that repeating this
     * comes to an end.
     */
    retry(selection: DeadSelection, last: number, limit: number, now: number): string[] {
      const rows = select.all(...list(selection, '-1', last, limit)) as Row[]
      for (const { seq, tagId } of rows) {
        revive.run(now, seq)
        remove.run(seq)
        books.add(tagId, 'dead', -1)
        books.add(tagId, 'waiting', 1)
      }
      return rows.map(({ tagId }) => tagId)
    },
    purge: (selection: DeadSelection, last: number, limit: number) =>
      purge(select.all(...list(selection, '-1', last, limit)) as Row[]),
    purgeOld: (before: number, limit: number) => purge(aged.all(before, limit) as Row[]),
  }
}

export type DeadTable = ReturnType<typeof openDead>
