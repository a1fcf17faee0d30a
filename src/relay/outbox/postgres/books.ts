import { MAX_DELAY_MS, type TagCounts } from '../outbox.ts'
import type { Connection } from './connection.ts'
import { NOW } from './now.ts'

/**
 * One statement sees one moment, so the books balance. Counting millions of waiting rows would take seconds: their
 * number follows from the books, only the few leased and dead ones are counted.
 */
const COUNTS = `
  WITH moment AS MATERIALIZED (SELECT ${NOW} AS now),
  totals AS (
    SELECT tag_id, sum(accepted) AS accepted, sum(duplicates) AS duplicates, sum(delivered) AS delivered,
      sum(withdrawn) AS withdrawn, sum(purged) AS purged
    FROM uetkit.tally GROUP BY tag_id
  )
  SELECT tag_id, accepted::float8, duplicates::float8, delivered::float8, withdrawn::float8, purged::float8,
    (SELECT count(*) FROM uetkit.dead WHERE dead.tag_id = totals.tag_id)::float8 AS dead,
    (SELECT count(*) FROM moment, uetkit.lease, unnest(refs) AS held (ref), uetkit.waiting
     WHERE lease.tag_id = totals.tag_id AND until > now AND until <= now + ${MAX_DELAY_MS}
       AND waiting.tag_id = totals.tag_id AND waiting.ref = held.ref)::float8 AS leased,
    (SELECT min(received_at) FROM uetkit.waiting WHERE waiting.tag_id = totals.tag_id)::float8 AS oldest
  FROM totals ORDER BY tag_id`

interface Row
  extends Record<'accepted' | 'duplicates' | 'delivered' | 'withdrawn' | 'purged' | 'dead' | 'leased', number> {
  tag_id: string
  oldest: number | null
}

export async function readBooks({ query }: Connection, now: number | null): Promise<TagCounts[]> {
  const rows = await query<Row>(COUNTS, [now])
  return rows.map(({ tag_id, oldest, ...counts }) => ({
    tagId: tag_id,
    ...counts,
    waiting:
      counts.accepted -
      counts.duplicates -
      counts.delivered -
      counts.withdrawn -
      counts.purged -
      counts.dead -
      counts.leased,
    oldestWaitingAt: oldest ?? undefined,
  }))
}

/** Turns the many changes of the books into one row a tag. Others may go on writing meanwhile. */
export const foldBooks = ({ query }: Connection) =>
  query(`
    WITH gone AS (DELETE FROM uetkit.tally WHERE ctid IN (SELECT ctid FROM uetkit.tally FOR UPDATE SKIP LOCKED) RETURNING *)
    INSERT INTO uetkit.tally
    SELECT tag_id, sum(accepted), sum(duplicates), sum(delivered), sum(withdrawn), sum(purged) FROM gone GROUP BY tag_id`)
