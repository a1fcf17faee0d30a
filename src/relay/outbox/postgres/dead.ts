import type { DeadLetter, DeadPage, DeadSelection } from '../outbox.ts'
import type { Connection } from './connection.ts'
import { NOW } from './now.ts'
import { fromText } from './text.ts'

const COLUMNS =
  'ref::text, tag_id, id, name, reason, attempts, event_time::float8, received_at::float8, died_at::float8'

/** `$1`: refs or null, `$2`: tag or null. Refs are compared as numbers; what is none names nothing. */
const SELECTED = '($1::bigint[] IS NULL OR ref = ANY ($1)) AND ($2::text IS NULL OR tag_id = $2)'

const LIST = `SELECT ${COLUMNS} FROM uetkit.dead WHERE ${SELECTED} AND ref > $3 ORDER BY dead.ref LIMIT $4`
const SHOW = `SELECT ${COLUMNS}, body FROM uetkit.dead WHERE ref = $1`
const PURGE = `
  WITH gone AS (DELETE FROM uetkit.dead WHERE ${SELECTED} RETURNING tag_id),
  books AS (INSERT INTO uetkit.tally (tag_id, purged) SELECT tag_id, count(*) FROM gone GROUP BY tag_id)
  SELECT tag_id, count(*)::int AS n FROM gone GROUP BY tag_id`
const RETRY = `
  WITH moment AS MATERIALIZED (SELECT ${NOW.replace('$1', '$3')} AS now),
  gone AS (DELETE FROM uetkit.dead WHERE ${SELECTED} RETURNING *),
  waiting AS (
    INSERT INTO uetkit.waiting (tag_id, due_at, received_at, event_time, id, name, subjects, body)
    SELECT tag_id, now, received_at, event_time, id, name, subjects, body FROM gone, moment ORDER BY ref
  )
  SELECT tag_id, count(*)::int AS n FROM gone GROUP BY tag_id`

interface Row {
  ref: string
  tag_id: string
  id: string
  name: string
  reason: string
  attempts: number
  event_time: number
  received_at: number
  died_at: number
  body?: string
}

const letterOf = (row: Row): DeadLetter => ({
  ref: row.ref,
  tagId: row.tag_id,
  id: fromText(row.id),
  name: fromText(row.name),
  reason: fromText(row.reason),
  attempts: row.attempts,
  eventTime: row.event_time,
  receivedAt: row.received_at,
  diedAt: row.died_at,
})

const isRef = (ref: string) => /^\d{1,18}$/.test(ref)

const parameters = ({ refs, tagId }: DeadSelection) => [refs ? refs.filter(isRef) : null, tagId ?? null]

/** Events that will not be sent again unless somebody asks for it. */
export function openDead({ query }: Connection, now: () => number | null) {
  return {
    list: async ({ limit, after, ...selection }: DeadPage): Promise<DeadLetter[]> => {
      const start = after !== undefined && isRef(after) ? after : '0'
      return (await query<Row>(LIST, [...parameters(selection), start, limit])).map(letterOf)
    },
    show: async (ref: string): Promise<(DeadLetter & { body: string }) | undefined> => {
      const [row] = isRef(ref) ? await query<Row>(SHOW, [ref]) : []
      return row && { ...letterOf(row), body: fromText(row.body!) }
    },
    /** How many were taken of which tag. */
    retry: (selection: DeadSelection) => query<{ tag_id: string; n: number }>(RETRY, [...parameters(selection), now()]),
    purge: (selection: DeadSelection) => query<{ tag_id: string; n: number }>(PURGE, parameters(selection)),
  }
}
