import type { SharedState } from '../common-state.ts'
import { dueListeners } from './listeners.ts'
import { DEAD_RETENTION_MS, MAX_DELAY_MS, type Outbox, OutboxError, type OutboxOptions } from './outbox.ts'
import { insertEvents } from './postgres/append.ts'
import { readBooks } from './postgres/books.ts'
import { openConnection } from './postgres/connection.ts'
import { openDead } from './postgres/dead.ts'
import { groupAppends } from './postgres/group.ts'
import { NOW } from './postgres/now.ts'
import { openState } from './postgres/state.ts'
import { sweepAll } from './postgres/sweep.ts'
import { openWaiting } from './postgres/waiting.ts'
import { openWithdraw } from './postgres/withdraw.ts'

/** Bounds and pace of a store in PostgreSQL. */
export interface PostgresOutboxOptions extends OutboxOptions {
  /** Connections of this relay at most. 8 by default. */
  connections?: number
  /** A statement that takes longer is given up and answered with a 503. 10 seconds by default. */
  statementTimeoutMs?: number
  /** How long to wait for a connection. 5 seconds by default. */
  connectTimeoutMs?: number
  /** The most bytes that the tables may take; from 95 % of it on `append` throws `full`. No bound by default. */
  maxBytes?: number
  /** The most bytes of events that may wait to be written; beyond, `append` throws `busy`. 32 MiB by default. */
  maxQueuedBytes?: number
  /** How often to look for events that other relays left behind. 1 second by default. */
  pollMs?: number
}

/** An outbox with what its relays share besides events. */
export interface PostgresOutbox extends Outbox {
  state: SharedState
}

const DUE = `
  WITH moment AS MATERIALIZED (SELECT ${NOW} AS now),
  leased AS MATERIALIZED (
    SELECT unnest(refs) AS ref FROM uetkit.lease, moment WHERE until > now AND until <= now + ${MAX_DELAY_MS}
  )
  SELECT tag_id FROM (SELECT DISTINCT tag_id FROM uetkit.tally) AS tags, moment
  WHERE EXISTS (
    SELECT FROM uetkit.waiting WHERE waiting.tag_id = tags.tag_id
      AND due_at <= now AND ref NOT IN (SELECT ref FROM leased)
  ) OR EXISTS (
    SELECT FROM uetkit.waiting WHERE waiting.tag_id = tags.tag_id
      AND due_at > now + ${MAX_DELAY_MS} AND ref NOT IN (SELECT ref FROM leased)
  )`
const HEALTH = `
  SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::bool AS "readOnly",
    current_setting('fsync')::bool AS fsync,
    (SELECT sum(pg_total_relation_size(oid)) FROM pg_class
     WHERE relnamespace = 'uetkit'::regnamespace AND relkind = 'r')::float8 AS bytes`

/** How old the figure of used bytes may be, ms: asking is not free. */
const SIZE_AGE_MS = 5_000

/**
 * An outbox in PostgreSQL 13 or later, which any number of relays may share. An event is stored once its transaction is
 * on the server's disk (`synchronous_commit=on`). Tables are made in the schema `uetkit` by the first statement. Needs
 * the package `pg`.
 *
 * @param url `postgres://user:password@host:5432/database`, with the parameters that `pg` knows, `sslmode` among them.
 */
export function postgresOutbox(url: string, options: PostgresOutboxOptions = {}): PostgresOutbox {
  const { deadRetentionMs = DEAD_RETENTION_MS, onNotice, maxBytes, pollMs = 1_000 } = options
  const connection = openConnection({
    url,
    connections: options.connections ?? 8,
    statementTimeoutMs: options.statementTimeoutMs ?? 10_000,
    connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
  })
  const { place, query } = connection
  const now = () => (options.now ? Math.trunc(options.now()) : null)
  const listeners = dueListeners()
  const waiting = openWaiting(connection, now)
  const dead = openDead(connection, now)
  const withdraw = openWithdraw(connection)
  let size: { bytes: number; at: number } | undefined
  let working = true
  let closed = false
  const pending = new Set<Promise<unknown>>()

  /** Does one thing asked of the outbox. Tells once when the server goes away, and once when it is back. */
  const run = async <T>(work: () => Promise<T>): Promise<T> => {
    if (closed) {
      throw new OutboxError('closed', 'The outbox is closed: the relay is stopping. Send again in a moment.')
    }
    const task = work()
    pending.add(task)
    try {
      const result = await task
      if (!working) onNotice?.({ kind: 'recovered', message: `${place} works again.` })
      working = true
      return result
    } catch (error) {
      const { code, message } = error as OutboxError
      if (working && /^(unavailable|unusable|full)$/.test(code)) {
        working = false
        onNotice?.({ kind: 'failed', message })
      }
      throw error
    } finally {
      pending.delete(task)
    }
  }

  const usedBytes = async () => {
    if (!size || Date.now() - size.at > SIZE_AGE_MS) {
      const [row] = await query<{ bytes: number | null }>(HEALTH)
      size = { bytes: row?.bytes ?? 0, at: Date.now() }
    }
    return size.bytes
  }

  const append = groupAppends({
    place,
    writers: 3,
    maxEvents: 500,
    maxQueuedBytes: options.maxQueuedBytes ?? 32 * 1024 ** 2,
    write: async (events) => {
      const started = performance.now()
      if (maxBytes && (await usedBytes()) > maxBytes * 0.95) {
        throw new OutboxError('full', `${place} holds its ${maxBytes} bytes. It empties as Microsoft accepts.`)
      }
      const stored = await insertEvents(connection, events, now())
      onNotice?.({ kind: 'commit', durationMs: performance.now() - started, events: events.length })
      listeners.tellStored(events, stored)
      return stored
    },
  })

  const poll = setInterval(async () => {
    try {
      for (const { tag_id } of await query<{ tag_id: string }>(DUE, [now()])) listeners.tell(tag_id, 1)
    } catch {
      // Whoever asks next hears of it.
    }
  }, pollMs)
  poll.unref()

  const total = (rows: { tag_id: string; n: number }[]) => rows.reduce((sum, { n }) => sum + n, 0)

  return {
    append: (events) => run(() => append(events)),
    claim: (tagId, claim) => run(() => waiting.claim(tagId, claim)),
    extend: (claimId, leaseMs) => run(() => waiting.extend(claimId, leaseMs)),
    settle: (claimId, settlements) => run(() => waiting.settle(claimId, settlements)),
    withdraw: (tagId, subjects) => run(() => withdraw(tagId, subjects)),
    deadLetters: (page) => run(() => dead.list(page)),
    deadLetter: (ref) => run(() => dead.show(ref)),
    retryDead: async (selection) => {
      const rows = await run(() => dead.retry(selection))
      for (const { tag_id, n } of rows) listeners.tell(tag_id, n)
      return total(rows)
    },
    purgeDead: async (selection) => total(await run(() => dead.purge(selection))),
    counts: () => run(() => readBooks(connection, now())),
    async health() {
      try {
        const [row] = await run(() => query<{ readOnly: boolean; fsync: boolean; bytes: number | null }>(HEALTH))
        const used = row?.bytes ?? 0
        const full = maxBytes !== undefined && used > maxBytes * 0.95
        const problem = row?.readOnly
          ? `${place} is read-only. Name the primary server.`
          : full
            ? `${place} holds its ${maxBytes} bytes; it empties as Microsoft accepts`
            : row?.fsync
              ? undefined
              : `${place} runs with fsync off: a power cut there loses accepted events. Switch it on.`
        return {
          writable: !row?.readOnly && !full,
          usedBytes: used,
          ...(problem && { problem }),
          ...(maxBytes && { limitBytes: maxBytes }),
        }
      } catch (error) {
        if ((error as OutboxError).code === 'closed') throw error
        return { writable: false, usedBytes: 0, problem: (error as Error).message }
      }
    },
    sweep: ({ expireBefore }) => run(() => sweepAll(connection, now(), { expireBefore, deadRetentionMs })),
    onDue: listeners.add,
    state: openState(connection, now),
    async close() {
      closed = true
      clearInterval(poll)
      await Promise.allSettled(pending)
      await connection.close()
    },
  }
}
