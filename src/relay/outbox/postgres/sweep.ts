import { DEDUP_WINDOW_MS, type Swept } from '../outbox.ts'
import { foldBooks } from './books.ts'
import type { Connection } from './connection.ts'
import { NOW } from './now.ts'

/** Rows a statement: short enough that nothing else waits for it. */
const STEP = 5_000

const EXPIRE = `SELECT uetkit.expire($1, $2, $3, ${STEP}) AS n`
const PURGE = `
  WITH gone AS (
    DELETE FROM uetkit.dead USING (
      SELECT tag_id, ref FROM uetkit.dead WHERE died_at < ${NOW} - $2 LIMIT ${STEP} FOR UPDATE SKIP LOCKED
    ) AS old
    WHERE dead.tag_id = old.tag_id AND dead.ref = old.ref RETURNING dead.tag_id
  ),
  books AS (INSERT INTO uetkit.tally (tag_id, purged) SELECT tag_id, count(*) FROM gone GROUP BY tag_id)
  SELECT count(*)::int AS n FROM gone`
const FORGET = `
  WITH gone AS (
    DELETE FROM uetkit.seen WHERE (tag_id, key) IN (
      SELECT tag_id, key FROM uetkit.seen WHERE at <= ${NOW} - ${DEDUP_WINDOW_MS} LIMIT ${STEP} FOR UPDATE SKIP LOCKED
    ) RETURNING 1
  )
  SELECT count(*)::int AS n FROM gone`
const FORGET_STATE = `WITH gone AS (DELETE FROM uetkit.state WHERE until <= ${NOW} RETURNING 1) SELECT count(*)::int AS n FROM gone`

/** Ends what is too old. Several relays may do it at once: each skips what another has in hand. */
export async function sweepAll(
  connection: Connection,
  now: number | null,
  { expireBefore, deadRetentionMs }: { expireBefore: number; deadRetentionMs: number },
): Promise<Swept> {
  const all = async (text: string, values: unknown[]) => {
    let sum = 0
    for (let n = STEP; n === STEP; sum += n) n = (await connection.query<{ n: number }>(text, values))[0]!.n
    return sum
  }
  const expired: Record<string, number> = {}
  const tags = await connection.query<{ tag_id: string }>('SELECT DISTINCT tag_id FROM uetkit.tally')
  for (const { tag_id } of tags) {
    const count = await all(EXPIRE, [now, tag_id, Math.trunc(expireBefore)])
    if (count > 0) expired[tag_id] = count
  }
  const purged = await all(PURGE, [now, deadRetentionMs])
  await all(FORGET, [now])
  await connection.query(FORGET_STATE, [now])
  await foldBooks(connection)
  return { expired, purged }
}
