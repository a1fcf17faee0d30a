import type { DatabaseSync } from 'node:sqlite'
import {
  type ClaimOptions,
  type DeadPage,
  type DeadSelection,
  OutboxError,
  type OutboxHealth,
  type Settlement,
} from '../outbox.ts'
import { openBooks } from './books.ts'
import { openDead } from './dead.ts'
import { errorResult } from './errors.ts'
import type { AppendAnswer } from './protocol.ts'
import { type Room, roomOf } from './room.ts'
import type { Rows } from './rows.ts'
import { openSeen } from './seen.ts'
import { type Cursor, openSweep, type Withdrawal } from './sweep.ts'
import { openWaiting } from './waiting.ts'

/** So many events at most are touched by one call of an operation that may touch many. */
const STEP = 2_000

/**
 * The operations on an open database, one function each. `now` is milliseconds since the epoch. They run inside
 * a transaction that the caller makes; what they return is true only once it is committed.
 */
export function openStore(db: DatabaseSync, room: Room) {
  const books = openBooks(db)
  const dead = openDead(db, books)
  const seen = openSeen(db)
  const waiting = openWaiting(db, books, dead, seen)
  const sweep = openSweep(db, books, dead)
  const space = roomOf(db, room)

  return {
    /** Belongs behind the begin of a transaction. */
    begun() {
      seen.refresh()
      space.begun()
    },
    /** Belongs before the commit. */
    flush(now: number) {
      books.flush()
      seen.flush(now)
    },
    committed: seen.committed,
    rolledBack() {
      books.discard()
      seen.rolledBack()
    },
    operations: {
      /** @param ends Where the rows of each append end; they begin where those of the one before end. */
      append(now: number, rows: Rows, ends: readonly number[]): AppendAnswer {
        const answer: AppendAnswer = { duplicates: [], refused: [] }
        let from = 0
        ends.forEach((to, at) => {
          try {
            space.check(to - from)
            waiting.append(rows, from, to, now, answer.duplicates)
          } catch (error) {
            // Refused before anything was written: the others go on.
            if (!(error instanceof OutboxError)) throw error
            answer.refused.push({ at, ...errorResult(error) })
          }
          from = to
        })
        return answer
      },
      claim: (now: number, tagId: string, options: ClaimOptions) => waiting.claim(tagId, options, now),
      extend: (now: number, claimId: string, leaseMs: number) => waiting.extend(claimId, leaseMs, now),
      settle: (now: number, claimId: string, settlements: readonly Settlement[]) =>
        waiting.settle(claimId, settlements, now),
      withdraw: (now: number, withdrawals: readonly Withdrawal[], cursor: Cursor | undefined) =>
        sweep.withdraw(withdrawals, cursor, STEP, now),
      deadLetters: (_: number, page: DeadPage) => dead.page(page),
      deadLetter: (_: number, ref: string) => dead.one(ref),
      lastDead: () => dead.last(),
      retryDead: (now: number, selection: DeadSelection, last: number) => dead.retry(selection, last, STEP, now),
      purgeDead: (_: number, selection: DeadSelection, last: number) => dead.purge(selection, last, STEP),
      counts: (now: number) => books.counts(now),
      health: (): OutboxHealth => space.health(),
      expire: (now: number, before: number) => sweep.expire(before, STEP, now),
      purgeOld: (_: number, before: number) => dead.purgeOld(before, STEP),
      forget: (now: number) => seen.forget(now, STEP),
    },
  }
}

export type Store = ReturnType<typeof openStore>
export type Operations = Store['operations']
export type OperationName = keyof Operations
