import { resolve as absolute } from 'node:path'
import { dueListeners } from './listeners.ts'
import { DEAD_RETENTION_MS, type NewEvent, type Outbox, OutboxError, type OutboxOptions, type Swept } from './outbox.ts'
import { openLink } from './sqlite/link.ts'
import type { Cursor, Withdrawal } from './sqlite/sweep.ts'

/** Bounds of a store in an SQLite file. */
export interface SqliteOutboxOptions extends OutboxOptions {
  /** The most bytes the file may take; from 95 % of it on `append` throws `full`. 4 GiB by default. */
  maxBytes?: number
  /** What must stay free on the disk, so that delivery goes on when it fills up. 64 MiB by default. */
  minFreeBytes?: number
  /** The most bytes of events that may wait to be written; beyond, `append` throws `busy`. 32 MiB by default. */
  maxQueuedBytes?: number
}

const bytesOf = (events: readonly NewEvent[]) => events.reduce((sum, { body }) => sum + body.length, 0)

/**
 * An outbox in an SQLite file on a local disk, which is made with its folder when it is missing. An event is stored
 * once it survives a power cut: write-ahead log, `synchronous=FULL`, one commit for all that arrives at a time.
 * Opening happens in the background; `health` tells how it went. A damaged file is set aside and replaced by what can
 * be read of it.
 */
export function sqliteOutbox(path: string, options: SqliteOutboxOptions = {}): Outbox {
  const { now = Date.now, deadRetentionMs = DEAD_RETENTION_MS, onNotice } = options
  const { maxBytes = 4 * 1024 ** 3, minFreeBytes = 64 * 1024 ** 2, maxQueuedBytes = 32 * 1024 ** 2 } = options
  const listeners = dueListeners()
  const { append, queuedBytes, call, close } = openLink(
    { path: absolute(path), maxBytes, minFreeBytes },
    {
      now,
      onStored: listeners.tell,
      onCommit: (durationMs, events) => onNotice?.({ kind: 'commit', durationMs, events }),
      onNotice: (kind, message) => onNotice?.({ kind, message }),
    },
  )
  let withdrawals: (Withdrawal & { resolve(count: number): void; reject(error: unknown): void })[] = []
  let withdrawing = false

  /** One search at a time serves all who asked meanwhile, so that many of them cannot keep the store from its work. */
  const withdraw = async () => {
    if (withdrawing) return
    withdrawing = true
    while (withdrawals.length > 0) {
      const asked = withdrawals
      withdrawals = []
      const totals = asked.map(() => 0)
      const wanted = asked.map(({ tagId, subjects }) => ({ tagId, subjects }))
      try {
        let cursor: Cursor | undefined
        do {
          const step: { counts: number[]; cursor: Cursor | undefined } = await call('withdraw', wanted, cursor)
          step.counts.forEach((count, index) => (totals[index]! += count))
          cursor = step.cursor
        } while (cursor)
        asked.forEach(({ resolve }, index) => resolve(totals[index]!))
      } catch (error) {
        for (const { reject } of asked) reject(error)
      }
    }
    withdrawing = false
  }
  /** Repeats a step until it finds nothing more to do. */
  const sum = async (step: () => Promise<number>) => {
    let total = 0
    for (let count = await step(); count > 0; count = await step()) total += count
    return total
  }

  return {
    append(events) {
      const bytes = bytesOf(events)
      const queued = queuedBytes()
      if (queued === 0 || queued + bytes <= maxQueuedBytes) return append(events, bytes)
      const message = `${path} does not keep up: ${queued} bytes of events wait to be written. Slow down, or use a faster disk.`
      return Promise.reject(new OutboxError('busy', message, { retryAfterMs: 1_000 }))
    },
    claim: (tagId, claimOptions) => call('claim', tagId, claimOptions),
    extend: (claimId, leaseMs) => call('extend', claimId, leaseMs),
    settle: (claimId, settlements) => call('settle', claimId, settlements),
    withdraw: (tagId, subjects) =>
      new Promise((resolve, reject) => {
        withdrawals.push({ tagId, subjects, resolve, reject })
        withdraw()
      }),
    deadLetters: (page) => call('deadLetters', page),
    deadLetter: (ref) => call('deadLetter', ref),
    async retryDead(selection) {
      const last = await call('lastDead')
      return sum(async () => {
        const tags = await call('retryDead', selection, last)
        for (const tagId of new Set(tags)) listeners.tell(tagId, tags.filter((other) => other === tagId).length)
        return tags.length
      })
    },
    async purgeDead(selection) {
      const last = await call('lastDead')
      return sum(() => call('purgeDead', selection, last))
    },
    counts: () => call('counts'),
    async health() {
      try {
        return await call('health')
      } catch (error) {
        if (!(error instanceof OutboxError) || error.code === 'closed') throw error
        return { writable: false, usedBytes: 0, limitBytes: maxBytes, problem: error.message }
      }
    },
    async sweep({ expireBefore }) {
      const swept: Swept = { expired: {}, purged: 0 }
      await sum(async () => {
        const tags = await call('expire', expireBefore)
        for (const tagId of tags) swept.expired[tagId] = (swept.expired[tagId] ?? 0) + 1
        return tags.length
      })
      swept.purged = await sum(() => call('purgeOld', now() - deadRetentionMs))
      await sum(() => call('forget'))
      return swept
    },
    onDue: listeners.add,
    close,
  }
}
