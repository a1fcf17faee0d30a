import type { Connection } from './connection.ts'
import { toText } from './text.ts'

/**
 * How many numbers a statement looks through. Subjects have no index: one would cost every event more than the rare
 * withdrawal saves. So a withdrawal reads all that waits, in steps that nothing else has to wait for.
 */
const STEP = 250_000

const BOUNDS = (table: string) =>
  `SELECT min(ref)::float8 AS low, max(ref)::float8 AS high FROM uetkit.${table} WHERE tag_id = $1`
const DELETE = (table: string) => `
  WITH gone AS (
    DELETE FROM uetkit.${table} WHERE tag_id = $1 AND ref >= $2 AND ref < $3 AND subjects && $4::text[] RETURNING subjects
  ),
  books AS (INSERT INTO uetkit.tally (tag_id, withdrawn) SELECT $1, count(*) FROM gone HAVING count(*) > 0)
  SELECT subjects FROM gone`

interface Asked {
  subjects: Set<string>
  count: number
  resolve(count: number): void
  reject(error: unknown): void
}

/** Deletes what is about somebody. One search at a time serves all who asked meanwhile. */
export function openWithdraw({ query }: Connection) {
  const waiting = new Map<string, Asked[]>()
  let searching = false

  const search = async (tagId: string, asked: Asked[]) => {
    const wanted = [...new Set(asked.flatMap(({ subjects }) => [...subjects]))]
    let end = 0
    // The last look finds what was dead and was sent back to wait while this one was on its way.
    for (const [table, again] of [['waiting'], ['dead'], ['waiting', true]] as const) {
      const [bounds] = await query<{ low: number | null; high: number | null }>(BOUNDS(table), [tagId])
      if (bounds?.low == null || bounds.high == null) continue
      for (let start = again ? Math.max(end, bounds.low) : bounds.low; start <= bounds.high; start += STEP) {
        const rows = await query<{ subjects: string[] }>(DELETE(table), [tagId, start, start + STEP, wanted])
        for (const { subjects } of rows) {
          const first = asked.find((one) => subjects.some((subject) => one.subjects.has(subject)))
          if (first) first.count += 1
        }
      }
      if (table === 'waiting') end = bounds.high + 1
    }
  }

  const work = async () => {
    if (searching) return
    searching = true
    for (const [tagId, asked] of waiting) {
      waiting.delete(tagId)
      try {
        await search(tagId, asked)
        for (const { count, resolve } of asked) resolve(count)
      } catch (error) {
        for (const { reject } of asked) reject(error)
      }
    }
    searching = false
  }

  return (tagId: string, subjects: readonly string[]): Promise<number> =>
    new Promise((resolve, reject) => {
      const asked = waiting.get(tagId) ?? []
      asked.push({ subjects: new Set(subjects.map(toText)), count: 0, resolve, reject })
      waiting.set(tagId, asked)
      void work()
    })
}
