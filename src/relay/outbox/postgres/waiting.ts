import { randomUUID } from 'node:crypto'
import type { Claim, ClaimedEvent, ClaimOptions, Settlement } from '../outbox.ts'
import type { Connection } from './connection.ts'
import { NOW } from './now.ts'
import { fromText, toText } from './text.ts'

const CLAIM =
  'SELECT ref, id, name, body, event_time, received_at, attempts, wait FROM uetkit.claim($1, $2, $3, $4, $5, $6)'

const EXTEND = `
  WITH held AS (
    UPDATE uetkit.lease SET until = ${NOW} + $4
    WHERE tag_id = $2 AND id = $3
      AND EXISTS (SELECT FROM uetkit.waiting WHERE waiting.tag_id = $2 AND ref = ANY (refs))
    RETURNING 1
  )
  SELECT count(*)::int AS n FROM held`

/**
 * Everything that a settlement does, in one transaction. `delivered` counts whoever holds the lease now; it is asked for
 * with a lock, because whoever takes over a lease that ended holds one too.
 */
const SETTLE = `
  WITH moment AS MATERIALIZED (SELECT ${NOW} AS now),
  mine AS MATERIALIZED (SELECT refs FROM uetkit.lease WHERE tag_id = $2 AND id = $3 FOR UPDATE),
  input AS MATERIALIZED (
    SELECT unnest($4::bigint[]) AS ref, 'delivered' AS kind, 0::bigint AS in_ms, 0 AS attempted, '' AS reason
    UNION ALL
    SELECT * FROM unnest($5::bigint[], $6::text[], $7::bigint[], $8::int[], $9::text[])
  ),
  gone AS (
    DELETE FROM uetkit.waiting USING input
    WHERE waiting.tag_id = $2 AND waiting.ref = input.ref
      AND (kind = 'delivered' OR (kind = 'dead' AND input.ref IN (SELECT unnest(refs) FROM mine)))
    RETURNING waiting.*, kind, reason
  ),
  again AS (
    UPDATE uetkit.waiting SET due_at = now + in_ms, attempts = attempts + attempted
    FROM input, moment
    WHERE waiting.tag_id = $2 AND waiting.ref = input.ref AND kind = 'again'
      AND input.ref IN (SELECT unnest(refs) FROM mine)
    RETURNING 1
  ),
  remaining AS MATERIALIZED (
    SELECT ARRAY(SELECT ref FROM unnest(refs) AS ref WHERE ref NOT IN (SELECT ref FROM input)) AS refs FROM mine
  ),
  ended AS (
    DELETE FROM uetkit.lease USING remaining WHERE tag_id = $2 AND id = $3 AND remaining.refs = '{}'
  ),
  shortened AS (
    UPDATE uetkit.lease SET refs = remaining.refs FROM remaining
    WHERE tag_id = $2 AND id = $3 AND remaining.refs <> '{}'
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
  SELECT (SELECT count(*) FROM gone WHERE ref IN (SELECT unnest(refs) FROM mine))::int
    + (SELECT count(*) FROM again)::int AS held`

interface Row extends Omit<ClaimedEvent, 'eventTime' | 'receivedAt' | 'ref'> {
  ref: string | null
  event_time: number
  received_at: number
  wait: number | null
}

/** A claim's id also names its tag, because every key of the tables begins with it. */
const tagOf = (claimId: string) => claimId.slice(claimId.indexOf(':') + 1)

/** The events on their way: what a courier takes, and what it says became of it. */
export function openWaiting({ query }: Connection, now: () => number | null) {
  return {
    async claim(tagId: string, { limit, maxBytes = Number.MAX_SAFE_INTEGER, leaseMs }: ClaimOptions): Promise<Claim> {
      const id = `${randomUUID()}:${tagId}`
      const rows = await query<Row>(CLAIM, [now(), tagId, limit, id, leaseMs, maxBytes])
      const nextInMs = rows.pop()!.wait ?? undefined
      const events = rows.map(({ ref, id, name, body, event_time, received_at, attempts }) => ({
        ref: ref!,
        id: fromText(id),
        name: fromText(name),
        body: fromText(body),
        eventTime: event_time,
        receivedAt: received_at,
        attempts,
      }))
      return { id, tagId, events, nextInMs }
    },

    async extend(claimId: string, leaseMs: number): Promise<boolean> {
      const [held] = await query<{ n: number }>(EXTEND, [now(), tagOf(claimId), claimId, leaseMs])
      return held!.n > 0
    },

    async settle(claimId: string, settlements: readonly Settlement[]): Promise<{ lost: number }> {
      const delivered = settlements.flatMap(({ kind, ref }) => (kind === 'delivered' ? ref : []))
      const others = settlements.filter(({ kind }) => kind !== 'delivered')
      const [answer] = await query<{ held: number }>(SETTLE, [
        now(),
        tagOf(claimId),
        claimId,
        `{${delivered.join()}}`,
        others.map(({ ref }) => ref),
        others.map(({ kind }) => kind),
        others.map((one) => (one.kind === 'again' ? Math.trunc(one.inMs) : 0)),
        others.map((one) => (one.kind === 'again' && one.attempted ? 1 : 0)),
        others.map((one) => (one.kind === 'dead' ? toText(one.reason) : '')),
      ])
      return { lost: settlements.length - answer!.held }
    },
  }
}
