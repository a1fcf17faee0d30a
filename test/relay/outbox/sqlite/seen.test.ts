import { DatabaseSync } from 'node:sqlite'
import * as fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { prepareSchema } from '../../../../src/relay/outbox/sqlite/schema.ts'
import { openSeen, type Seen } from '../../../../src/relay/outbox/sqlite/seen.ts'
import { newEvent } from '../conformance.ts'

const DAY = 86_400_000
const START = Date.UTC(2026, 0, 15)
const LOG_KEYS = 3_000

const count = (db: DatabaseSync, table: string) =>
  (db.prepare(`SELECT count(*) AS n FROM ${table}`).get() as { n: number }).n

/** One transaction that adds these ids; answers those that were new. */
function add(db: DatabaseSync, seen: Seen, ids: readonly string[], now = START, end = 'COMMIT'): string[] {
  db.exec('BEGIN IMMEDIATE')
  seen.refresh()
  const fresh = ids.filter((id) => seen.add(newEvent({ id }), now))
  seen.flush(now)
  db.exec(end)
  if (end === 'COMMIT') seen.committed()
  else seen.rolledBack()
  return fresh
}

const idsFrom = (start: number, end: number) => Array.from({ length: end - start }, (_, index) => `id ${start + index}`)

describe('the keys of events already stored', () => {
  let db: DatabaseSync
  let seen: Seen

  beforeEach(() => {
    db = new DatabaseSync(':memory:')
    prepareSchema(db, START)
    seen = openSeen(db, LOG_KEYS)
  })

  it('are known before, while and after they move from the log to the index', () => {
    const ids = idsFrom(0, LOG_KEYS)
    const probe = ids.filter((_, index) => index % 50 === 0)
    add(db, seen, ids.slice(1))
    expect([count(db, 'key_log'), count(db, 'seen')]).toEqual([1, 0])
    expect(add(db, seen, probe.slice(1))).toEqual([])
    add(db, seen, ids)
    expect(count(db, 'seen'), 'a part in each transaction').toBeLessThan(LOG_KEYS)
    for (let step = 0; step < 4; step += 1) expect(add(db, seen, probe)).toEqual([])
    expect([count(db, 'key_log'), count(db, 'seen')]).toEqual([0, LOG_KEYS])
    expect(add(db, seen, probe)).toEqual([])
  })

  it('are known to the next process, wherever they were', () => {
    add(db, seen, idsFrom(0, LOG_KEYS))
    add(db, seen, idsFrom(LOG_KEYS, LOG_KEYS + 10))
    expect(count(db, 'key_log')).toBeGreaterThan(0)
    expect(count(db, 'seen')).toBeGreaterThan(0)
    expect(add(db, openSeen(db, LOG_KEYS), idsFrom(0, LOG_KEYS + 10))).toEqual([])
  })

  it('are known to another process at the same time', () => {
    const other = openSeen(db, LOG_KEYS)
    add(db, seen, idsFrom(0, 10))
    expect(add(db, other, idsFrom(0, 11))).toEqual(['id 10'])
    expect(add(db, seen, idsFrom(0, 11))).toEqual([])
  })

  it('are forgotten again when their transaction is not committed, also by what another process then writes', () => {
    const other = openSeen(db, LOG_KEYS)
    add(db, seen, idsFrom(0, 10), START, 'ROLLBACK')
    expect(add(db, other, idsFrom(5, 15))).toEqual(idsFrom(5, 15))
    expect(add(db, seen, idsFrom(0, 15))).toEqual(idsFrom(0, 5))
  })

  it('stay in the log when a move is not committed', () => {
    add(db, seen, idsFrom(0, LOG_KEYS - 1))
    for (let step = 0; step < 5; step += 1) add(db, seen, idsFrom(0, LOG_KEYS), START, 'ROLLBACK')
    expect([count(db, 'key_log'), count(db, 'seen')]).toEqual([1, 0])
    expect(add(db, openSeen(db, LOG_KEYS), idsFrom(0, LOG_KEYS))).toEqual([`id ${LOG_KEYS - 1}`])
  })

  it('leave the log after a day, however few they are', () => {
    add(db, seen, ['a'])
    const sweep = (now: number) => {
      db.exec('BEGIN IMMEDIATE')
      seen.refresh()
      const done = seen.forget(now, 10)
      seen.flush(now)
      db.exec('COMMIT')
      seen.committed()
      return done
    }
    expect(sweep(START + DAY)).toBe(0)
    expect(sweep(START + DAY + 1)).toBe(1)
    expect([count(db, 'key_log'), count(db, 'seen')]).toEqual([0, 1])
    expect(sweep(START + DAY + 1)).toBe(0)
    expect(sweep(START + 8 * DAY), 'still within the window').toBe(0)
    expect(sweep(START + 13 * DAY)).toBe(1)
    expect(count(db, 'seen')).toBe(0)
  })

  it('are what a set would hold, whatever is added, rolled back, moved or opened anew', () => {
    const step = fc.record({
      ids: fc.array(fc.integer({ min: 0, max: 60 }).map(String), { maxLength: 30 }),
      end: fc.constantFrom('COMMIT', 'COMMIT', 'ROLLBACK'),
      process: fc.nat(1),
      restart: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const own = new DatabaseSync(':memory:')
        prepareSchema(own, START)
        const processes = [openSeen(own, 20), openSeen(own, 20)]
        const model = new Set<string>()
        for (const { ids, end, process, restart } of steps) {
          if (restart) processes[process] = openSeen(own, 20)
          const expected = [...new Set(ids)].filter((id) => !model.has(id))
          expect(add(own, processes[process]!, ids, START, end)).toEqual(expected)
          if (end === 'COMMIT') for (const id of ids) model.add(id)
        }
        own.close()
      }),
    )
  })
})
