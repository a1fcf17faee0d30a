import { randomUUID } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { type Claim, type ClaimedEvent, type ClaimOptions, MAX_DELAY_MS, type Settlement } from '../outbox.ts'
import type { Books } from './books.ts'
import type { DeadTable } from './dead.ts'
import type { Rows } from './rows.ts'
import type { Seen } from './seen.ts'

const COLUMNS = `seq, id, name, body, event_time AS eventTime, received_at AS receivedAt, attempts`

type Row = Omit<ClaimedEvent, 'ref'> & { seq: number }

/** The events on their way: what comes in, what a courier takes, and what it says became of it. */
export function openWaiting(db: DatabaseSync, books: Books, dead: DeadTable, seen: Seen) {
  const insert = db.prepare(
    `INSERT INTO waiting (tag_id, due_at, received_at, event_time, id, name, subjects, body)
     VALUES (?1, ?2, ?2, ?3, ?4, ?5, ?6, ?7)`,
  )
  const due = db.prepare(`SELECT ${COLUMNS} FROM waiting WHERE tag_id = ? AND due_at <= ? ORDER BY due_at, seq LIMIT ?`)
  const beyond = db.prepare(
    `SELECT ${COLUMNS} FROM waiting WHERE tag_id = ? AND due_at > ? ORDER BY due_at, seq LIMIT ?`,
  )
  const next = db.prepare('SELECT min(due_at) AS at FROM waiting WHERE tag_id = ? AND due_at > ?')
  const lease = db.prepare('UPDATE waiting SET lease = ?, due_at = ? WHERE seq IN (SELECT value FROM json_each(?))')
  const extend = db.prepare('UPDATE waiting SET due_at = ? WHERE lease = ?')
  const holders = db.prepare(
    'SELECT seq, tag_id AS tagId, lease FROM waiting WHERE seq IN (SELECT value FROM json_each(?))',
  )
  const remove = db.prepare('DELETE FROM waiting WHERE seq IN (SELECT value FROM json_each(?))')
  const again = db.prepare('UPDATE waiting SET lease = NULL, due_at = ?, attempts = attempts + ? WHERE seq = ?')

  return {
    /** Stores the rows from `from` up to `to`, and adds those of them to `duplicates` that were stored before. */
    append(rows: Rows, from: number, to: number, now: number, duplicates: number[]) {
      const { tagIds, ids, names, eventTimes, subjects, bodies } = rows
      for (let row = from; row < to; row += 1) {
        const tagId = tagIds[row]!
        const id = ids[row]!
        const name = names[row]!
        const fresh = seen.add({ tagId, id, name }, now)
        books.add(tagId, 'accepted', 1)
        books.add(tagId, fresh ? 'waiting' : 'duplicates', 1)
        if (fresh) insert.run(tagId, now, Math.min(eventTimes[row]!, now), id, name, subjects[row]!, bodies[row]!)
        else duplicates.push(row)
      }
    },

    claim(tagId: string, { limit, maxBytes = Number.POSITIVE_INFINITY, leaseMs }: ClaimOptions, now: number): Claim {
      const taken: Row[] = []
      let bytes = 0
      let more = false
      const take = (rows: Iterable<unknown>) => {
        for (const row of rows as Iterable<Row>) {
          bytes += row.body.length
          more = taken.length === limit || (taken.length > 0 && bytes > maxBytes)
          if (more) return
          taken.push(row)
        }
      }
      take(due.iterate(tagId, now, limit + 1))
      // The clock was set back: nothing may wait that long.
      if (!more) take(beyond.iterate(tagId, now + MAX_DELAY_MS, limit + 1 - taken.length))
      const { at } = next.get(tagId, now) as { at: number | null }
      const id = randomUUID()
      if (taken.length > 0) lease.run(id, now + leaseMs, JSON.stringify(taken.map(({ seq }) => seq)))
      const events = taken.map(({ seq, ...event }) => ({ ref: `${seq}`, ...event }))
      return { id, tagId, events, nextInMs: more ? 0 : at === null ? undefined : at - now }
    },

    extend: (claimId: string, leaseMs: number, now: number): boolean => extend.run(now + leaseMs, claimId).changes > 0,

    settle(claimId: string, settlements: readonly Settlement[], now: number): { lost: number } {
      const refs = JSON.stringify(settlements.map(({ ref }) => Number(ref)))
      const rows = new Map(
        (holders.all(refs) as { seq: number; tagId: string; lease: string | null }[]).map((row) => [`${row.seq}`, row]),
      )
      const delivered: number[] = []
      let lost = 0
      for (const settlement of settlements) {
        const row = rows.get(settlement.ref)
        const held = row?.lease === claimId
        if (!held) lost += 1
        if (!row) continue
        if (settlement.kind === 'delivered') {
          delivered.push(row.seq)
          books.add(row.tagId, 'delivered', 1)
          books.add(row.tagId, 'waiting', -1)
        } else if (held && settlement.kind === 'dead') {
          dead.bury(row.seq, row.tagId, settlement.reason, now)
        } else if (held && settlement.kind === 'again') {
          again.run(now + settlement.inMs, settlement.attempted ? 1 : 0, row.seq)
        }
      }
      if (delivered.length > 0) remove.run(JSON.stringify(delivered))
      return { lost }
    },
  }
}
