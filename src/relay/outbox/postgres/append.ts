import { createHash } from 'node:crypto'
import { DEDUP_WINDOW_MS, type NewEvent, type Stored } from '../outbox.ts'
import type { Connection } from './connection.ts'
import { NOW } from './now.ts'
import { ROWS, SUBJECTS, toText } from './text.ts'

const column = (parameter: string) => `string_to_array(${parameter}, E'\\x1e')`

/**
 * One statement stores a whole group: keys first, then the events whose key was new, then the books. Keys come sorted,
 * so that two groups with the same ones cannot wait for each other in a circle. Repetitions within the group were taken
 * out before; `$3` only counts them. `IS TRUE` keeps the planner from sorting both sides of what is a look into a hash.
 */
const INSERT = `
  WITH moment AS MATERIALIZED (SELECT ${NOW} AS now),
  input AS MATERIALIZED (
    SELECT ($2::text[])[tag] AS tag_id, id, name, event_time, subjects, body, n,
      substring($10::bytea FROM n::int * 16 - 15 FOR 16) AS key
    FROM unnest($4::int[], ${column('$5')}, ${column('$6')}, $7::bigint[], ${column('$8')}, ${column('$9')})
      WITH ORDINALITY AS input (tag, id, name, event_time, subjects, body, n)
  ),
  fresh AS (
    INSERT INTO uetkit.seen AS seen (tag_id, key, at)
    SELECT tag_id, key, now FROM input, moment ORDER BY tag_id, key
    ON CONFLICT (tag_id, key) DO UPDATE SET at = excluded.at WHERE seen.at <= excluded.at - ${DEDUP_WINDOW_MS}
    RETURNING tag_id, key
  ),
  stored AS (
    INSERT INTO uetkit.waiting (tag_id, due_at, received_at, event_time, id, name, subjects, body)
    SELECT tag_id, now, now, least(event_time, now), id, name, coalesce(string_to_array(subjects, E'\\x1f'), '{}'), body
    FROM input, moment WHERE ((tag_id, key) IN (SELECT tag_id, key FROM fresh)) IS TRUE ORDER BY n
  ),
  books AS (
    INSERT INTO uetkit.tally (tag_id, accepted, duplicates)
    SELECT tag_id, n, n - (SELECT count(*) FROM fresh WHERE fresh.tag_id = asked.tag_id)
    FROM unnest($2::text[], $3::bigint[]) AS asked (tag_id, n)
  )
  SELECT n::int FROM input WHERE (tag_id, key) NOT IN (SELECT tag_id, key FROM fresh)`

/**
 * 16 bytes as hex: making many small buffers costs more than the hash does. Its form may never change: keys of eight
 * days lie in the table, and relays of other versions write there too.
 */
const keyOf = ({ id, name }: NewEvent): string =>
  createHash('sha256')
    .update(JSON.stringify([id, name]))
    .digest('hex')
    .slice(0, 32)

/** Stores all of these events in one transaction, or none. */
export async function insertEvents(
  { query }: Connection,
  events: readonly NewEvent[],
  now: number | null,
): Promise<Stored[]> {
  const answers: Stored[] = events.map(() => 'stored')
  const tags = [...new Set(events.map(({ tagId }) => tagId))]
  const accepted = tags.map(() => 0)
  const met = new Set<string>()
  const rows: { event: NewEvent; tag: number; id: string; name: string; index: number }[] = []
  events.forEach((event, index) => {
    const tag = tags.indexOf(event.tagId)
    accepted[tag]! += 1
    const id = toText(event.id)
    const name = toText(event.name)
    const key = `${tag}${ROWS}${id}${ROWS}${name}`
    if (met.has(key)) answers[index] = 'duplicate'
    else rows.push({ event, tag, id, name, index })
    met.add(key)
  })
  const known = await query<{ n: number }>(INSERT, [
    now,
    tags,
    accepted,
    // An array of numbers needs none of the care that a driver takes for texts.
    `{${rows.map(({ tag }) => tag + 1).join()}}`,
    rows.map(({ id }) => id).join(ROWS),
    rows.map(({ name }) => name).join(ROWS),
    `{${rows.map(({ event }) => Math.trunc(event.eventTime)).join()}}`,
    rows.map(({ event }) => event.subjects.map(toText).join(SUBJECTS)).join(ROWS),
    rows.map(({ event }) => toText(event.body)).join(ROWS),
    Buffer.from(rows.map(({ event }) => keyOf(event)).join(''), 'hex'),
  ])
  for (const { n } of known) answers[rows[n - 1]!.index] = 'duplicate'
  return answers
}
