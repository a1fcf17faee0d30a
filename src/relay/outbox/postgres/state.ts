import { createHash } from 'node:crypto'
import type { SharedState } from '../../common-state.ts'
import type { Connection } from './connection.ts'
import { NOW } from './now.ts'

/** Keys come sorted and once each, so that two relays cannot wait for each other in a circle. */
const ADD = `
  WITH moment AS MATERIALIZED (SELECT ${NOW} AS now)
  INSERT INTO uetkit.state AS state (key, sum, until)
  SELECT key, n, now + ttl FROM unnest($2::text[], $3::bigint[], $4::bigint[]) AS input (key, n, ttl), moment ORDER BY key
  ON CONFLICT (key) DO UPDATE SET
    sum = CASE WHEN state.until <= (SELECT now FROM moment) THEN excluded.sum ELSE state.sum + excluded.sum END,
    until = CASE WHEN state.until <= (SELECT now FROM moment) THEN excluded.until ELSE state.until END
  RETURNING key, sum::float8`

/** Keys name addresses, which the database need not know. */
const digest = (key: string) => createHash('sha256').update(key).digest('base64url').slice(0, 22)

interface Asked {
  key: string
  by: number
  ttlMs: number
  resolve(sum: number): void
  reject(error: unknown): void
}

/**
 * Rates and signatures already seen, for all relays of one database. The table is unlogged: losing it costs no event.
 * What is asked while a statement is under way goes into the next one together, so a busy relay pays little.
 */
export function openState({ query }: Connection, now: () => number | null): SharedState {
  let queue: Asked[] = []
  let busy = false

  const work = async () => {
    if (busy) return
    busy = true
    await new Promise((done) => setImmediate(done))
    while (queue.length > 0) {
      const asked = queue
      queue = []
      const sums = new Map<string, { by: number; ttlMs: number }>()
      for (const { key, by, ttlMs } of asked) sums.set(key, { by: (sums.get(key)?.by ?? 0) + by, ttlMs })
      try {
        const values = [...sums.values()]
        const rows = await query<{ key: string; sum: number }>(ADD, [
          now(),
          [...sums.keys()],
          values.map(({ by }) => by),
          values.map(({ ttlMs }) => Math.trunc(ttlMs)),
        ])
        // Each caller gets the sum as it stood after its own addition.
        const before = new Map(rows.map(({ key, sum }) => [key, sum - sums.get(key)!.by]))
        for (const { key, by, resolve } of asked) {
          const sum = before.get(key)! + by
          before.set(key, sum)
          resolve(sum)
        }
      } catch (error) {
        for (const { reject } of asked) reject(error)
      }
    }
    busy = false
  }

  const increment = (key: string, by: number, ttlMs: number) =>
    new Promise<number>((resolve, reject) => {
      queue.push({ key: digest(key), by, ttlMs, resolve, reject })
      void work()
    })

  return { increment, once: async (key, ttlMs) => (await increment(key, 1, ttlMs)) === 1 }
}
