import { randomUUID } from 'node:crypto'
import { type Claim, type ClaimedEvent, type ClaimOptions, MAX_DELAY_MS, type Settlement } from '../outbox.ts'
import type { Connection } from './connection.ts'
import { NOW } from './now.ts'
import { fromText, toText } from './text.ts'

/**
 * `SKIP LOCKED` gives each of any number of relays rows of its own without waiting for the others.
 * https://www.postgresql.org/docs/current/sql-select.html#SQL-FOR-UPDATE-SHARE
 * The second part finds what only a clock that was set back can have left: nothing may wait that long.
 */
const CLAIM = `
  WITH moment AS MATERIALIZED (SELECT ${NOW} AS now),
  due AS MATERIALIZED (
    SELECT ref, due_at, length(body) AS size FROM uetkit.waiting
    WHERE tag_id = $2 AND due_at <= (SELECT now FROM moment)
    ORDER BY due_at, ref LIMIT $3 FOR UPDATE SKIP LOCKED
  ),
  beyond AS MATERIALIZED (
    SELECT ref, due_at, length(body) AS size FROM uetkit.waiting
    WHERE tag_id = $2 AND due_at > (SELECT now FROM moment) + ${MAX_DELAY_MS}
    ORDER BY due_at, ref LIMIT $3 FOR UPDATE SKIP LOCKED
  ),
  chosen AS MATERIALIZED (
    SELECT ref, place, sum(size) OVER (ORDER BY place) AS bytes FROM (
      SELECT ref, size, row_number() OVER (ORDER BY late, due_at, ref) AS place
      FROM (SELECT *, 0 AS late FROM due UNION ALL SELECT *, 1 FROM beyond) AS found
    ) AS numbered
  ),
  taken AS (
    UPDATE uetkit.waiting SET lease = $4, due_at = (SELECT now FROM moment) + $5
    FROM chosen
    WHERE waiting.tag_id = $2 AND waiting.ref = chosen.ref
      AND chosen.place <= $3 AND (chosen.place = 1 OR chosen.bytes <= $6)
    RETURNING waiting.ref::text, id, name, body, event_time::float8, received_at::float8, attempts, place
  )
  SELECT * FROM taken ORDER BY place`

/** When the next event of this tag that the claim did not take is due; it sees the rows as they were before the claim. */
const NEXT = `
  WITH moment AS MATERIALIZED (SELECT ${NOW} AS now)
  SELECT greatest(0, coalesce(
    (SELECT 0 FROM uetkit.waiting
     WHERE tag_id = $2 AND due_at <= (SELECT now FROM moment) AND lease IS DISTINCT FROM $3 LIMIT 1),
    (SELECT 0 FROM uetkit.waiting
     WHERE tag_id = $2 AND due_at > (SELECT now FROM moment) + ${MAX_DELAY_MS} AND lease IS DISTINCT FROM $3 LIMIT 1),
    (SELECT due_at - (SELECT now FROM moment) FROM uetkit.waiting
     WHERE tag_id = $2 AND due_at > (SELECT now FROM moment) AND lease IS DISTINCT FROM $3
     ORDER BY due_at LIMIT 1)
  ))::float8 AS wait
  WHERE EXISTS (SELECT FROM uetkit.waiting WHERE tag_id = $2 AND lease IS DISTINCT FROM $3)`

const EXTEND = `
  WITH held AS (
    UPDATE uetkit.waiting SET due_at = ${NOW} + $4 WHERE tag_id = $2 AND lease = $3 RETURNING 1
  )
  SELECT count(*)::int AS n FROM held`

/** Everything that a settlement does, in one transaction. `delivered` counts whoever holds the lease now. */
const SETTLE = `
  WITH moment AS MATERIALIZED (SELECT ${NOW} AS now),
  input AS MATERIALIZED (
    SELECT * FROM unnest($4::bigint[], $5::text[], $6::bigint[], $7::int[], $8::text[])
      AS input (ref, kind, in_ms, attempted, reason)
  ),
  gone AS (
    DELETE FROM uetkit.waiting USING input
    WHERE waiting.tag_id = $2 AND waiting.ref = input.ref
      AND (kind = 'delivered' OR (kind = 'dead' AND waiting.lease = $3))
    RETURNING waiting.*, kind, reason
  ),
  again AS (
    UPDATE uetkit.waiting SET lease = NULL, due_at = now + in_ms, attempts = attempts + attempted
    FROM input, moment
    WHERE waiting.tag_id = $2 AND waiting.ref = input.ref AND kind = 'again' AND waiting.lease = $3
    RETURNING 1
  ),
  buried AS (
    INSERT INTO uetkit.dead (tag_id, reason, died_at, attempts, received_at, event_time, id, name, subjects, body)
    SELECT tag_id, reason, now, attempts, received_at, event_time, id, name, subjects, body
    FROM gone, moment WHERE kind = 'dead' ORDER BY ref
  ),
  books AS (
    INSERT INTO uetkit.tally (tag_id, delivered)
    SELECT tag_id, count(*) FROM gone WHERE kind = 'delivered' GROUP BY tag_id
  )
  SELECT (SELECT count(*) FROM gone WHERE lease = $3)::int + (SELECT count(*) FROM again)::int AS held`

type Row = Omit<ClaimedEvent, 'eventTime' | 'receivedAt'> & { event_time: number; received_at: number }

/** A claim's id also names its tag, because every key of the tables begins with it. */
const tagOf = (claimId: string) => claimId.slice(claimId.indexOf(':') + 1)

/** The events on their way: what a courier takes, and what it says became of it. */
export function openWaiting({ query }: Connection, now: () => number | null) {
  return {
    async claim(tagId: string, { limit, maxBytes = Number.MAX_SAFE_INTEGER, leaseMs }: ClaimOptions): Promise<Claim> {
      const id = `${randomUUID()}:${tagId}`
      const rows = await query<Row>(CLAIM, [now(), tagId, limit, id, leaseMs, maxBytes])
      const [next] = await query<{ wait: number }>(NEXT, [now(), tagId, id])
      const events = rows.map(({ ref, id, name, body, event_time, received_at, attempts }) => ({
        ref,
        id: fromText(id),
        name: fromText(name),
        body: fromText(body),
        eventTime: event_time,
        receivedAt: received_at,
        attempts,
      }))
      return { id, tagId, events, nextInMs: next?.wait }
    },

    async extend(claimId: string, leaseMs: number): Promise<boolean> {
      const [held] = await query<{ n: number }>(EXTEND, [now(), tagOf(claimId), claimId, leaseMs])
      return held!.n > 0
    },

    async settle(claimId: string, settlements: readonly Settlement[]): Promise<{ lost: number }> {
      const [answer] = await query<{ held: number }>(SETTLE, [
        now(),
        tagOf(claimId),
        claimId,
        settlements.map(({ ref }) => ref),
        settlements.map(({ kind }) => kind),
        settlements.map((one) => (one.kind === 'again' ? Math.trunc(one.inMs) : 0)),
        settlements.map((one) => (one.kind === 'again' && one.attempted ? 1 : 0)),
        settlements.map((one) => (one.kind === 'dead' ? toText(one.reason) : '')),
      ])
      return { lost: settlements.length - answer!.held }
    },
  }
}
