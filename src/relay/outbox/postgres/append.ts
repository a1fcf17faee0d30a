import { createHash } from 'node:crypto'
import { DEDUP_WINDOW_MS, type NewEvent, type Stored } from '../outbox.ts'
import type { Connection } from './connection.ts'
import { NOW } from './now.ts'
import { SEPARATOR, toText } from './text.ts'

/**
 * One statement stores a whole group: keys first, then the events whose key was new, then the books. Keys come sorted,
 * so that two groups with the same ones cannot wait for each other in a circle. Repetitions within the group were taken
 * out before; `$9` and `$10` only count them.
 */
const INSERT = `
  WITH moment AS MATERIALIZED (SELECT ${NOW} AS now),
  input AS MATERIALIZED (
    SELECT * FROM unnest($2::text[], $3::text[], $4::text[], $5::bytea[], $6::bigint[], $7::text[], $8::text[])
      WITH ORDINALITY AS input (tag_id, id, name, key, event_time, subjects, body, n)
  ),
  fresh AS (
    INSERT INTO uetkit.seen AS seen (tag_id, key, at)
    SELECT tag_id, key, now FROM input, moment ORDER BY tag_id, key
    ON CONFLICT (tag_id, key) DO UPDATE SET at = excluded.at WHERE seen.at <= excluded.at - ${DEDUP_WINDOW_MS}
    RETURNING tag_id, key
  ),
  stored AS (
    INSERT INTO uetkit.waiting (tag_id, due_at, received_at, event_time, id, name, subjects, body)
    SELECT tag_id, now, now, least(event_time, now), id, name, string_to_array(subjects, E'\\x1f'), body
    FROM input JOIN fresh USING (tag_id, key), moment ORDER BY n
  ),
  books AS (
    INSERT INTO uetkit.tally (tag_id, accepted, duplicates)
    SELECT tag_id, count(*), count(*) - count(fresh.key)
    FROM input LEFT JOIN fresh USING (tag_id, key) GROUP BY tag_id
    UNION ALL SELECT tag_id, n, n FROM unnest($9::text[], $10::bigint[]) AS repeated (tag_id, n)
  )
  SELECT n::int FROM input JOIN fresh USING (tag_id, key)`

const keyOf = ({ id, name }: NewEvent): Buffer =>
  createHash('sha256')
    .update(JSON.stringify([id, name]))
    .digest()
    .subarray(0, 16)

/** Stores all of these events in one transaction, or none. */
export async function insertEvents(
  connection: Connection,
  events: readonly NewEvent[],
  now: number | null,
): Promise<Stored[]> {
  const answers: Stored[] = events.map(() => 'duplicate')
  const rows: { event: NewEvent; key: Buffer; index: number }[] = []
  const met = new Set<string>()
  const repeated = new Map<string, number>()
  events.forEach((event, index) => {
    const key = keyOf(event)
    const name = `${event.tagId} ${key.toString('latin1')}`
    if (met.has(name)) repeated.set(event.tagId, (repeated.get(event.tagId) ?? 0) + 1)
    else rows.push({ event, key, index })
    met.add(name)
  })
  const column = <T>(read: (event: NewEvent) => T) => rows.map(({ event }) => read(event))
  const fresh = await connection.query<{ n: number }>(INSERT, [
    now,
    column(({ tagId }) => tagId),
    column(({ id }) => toText(id)),
    column(({ name }) => toText(name)),
    rows.map(({ key }) => key),
    column(({ eventTime }) => Math.trunc(eventTime)),
    column(({ subjects }) => subjects.map(toText).join(SEPARATOR)),
    column(({ body }) => toText(body)),
    [...repeated.keys()],
    [...repeated.values()],
  ])
  for (const { n } of fresh) answers[rows[n - 1]!.index] = 'stored'
  return answers
}
