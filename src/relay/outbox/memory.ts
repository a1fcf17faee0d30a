import { dueListeners } from './listeners.ts'
import {
  type ClaimedEvent,
  DEAD_RETENTION_MS,
  DEDUP_WINDOW_MS,
  type DeadLetter,
  type DeadSelection,
  MAX_DELAY_MS,
  type NewEvent,
  type Outbox,
  OutboxError,
  type OutboxOptions,
  type TagCounts,
} from './outbox.ts'

export interface MemoryOutboxOptions extends OutboxOptions {
  /** Waiting events and dead letters together; from there on `append` throws `full`. 100,000 by default. */
  maxEvents?: number
}

interface Row extends NewEvent {
  ref: number
  receivedAt: number
  /** While leased, the end of the lease. */
  dueAt: number
  lease: string | undefined
  attempts: number
}

interface Corpse extends Row {
  reason: string
  diedAt: number
}

/**
 * An outbox without a disk, for tests and for runtimes that have none: everything in it is gone when the process ends,
 * so a 202 promises less here. It keeps every other rule of `Outbox`.
 */
export function memoryOutbox(options: MemoryOutboxOptions = {}): Outbox {
  const { now = Date.now, deadRetentionMs = DEAD_RETENTION_MS, maxEvents = 100_000, onNotice } = options
  const waiting = new Map<number, Row>()
  const dead = new Map<number, Corpse>()
  /** Key to the moment it was stored, in the order of storing. */
  const seen = new Map<string, number>()
  const books = new Map<string, Omit<TagCounts, 'waiting' | 'leased' | 'dead' | 'oldestWaitingAt'>>()
  const listeners = dueListeners()
  let lastRef = 0
  let lastClaim = 0
  let closed = false

  const open = () => {
    if (closed) throw new OutboxError('closed', 'The outbox is closed: the relay is stopping. Send again in a moment.')
  }
  const book = (tagId: string) => {
    let found = books.get(tagId)
    if (!found) books.set(tagId, (found = { tagId, accepted: 0, duplicates: 0, delivered: 0, withdrawn: 0, purged: 0 }))
    return found
  }
  const isDue = ({ dueAt }: Row, moment: number) => dueAt <= moment || dueAt > moment + MAX_DELAY_MS
  const isLeased = (row: Row, moment: number) => row.lease !== undefined && !isDue(row, moment)
  const bury = (row: Row, reason: string) => {
    waiting.delete(row.ref)
    const ref = ++lastRef
    dead.set(ref, { ...row, ref, lease: undefined, reason, diedAt: now() })
  }
  const select = ({ refs, tagId }: DeadSelection) =>
    [...dead.values()].filter(
      (letter) => (!refs || refs.includes(`${letter.ref}`)) && (tagId === undefined || letter.tagId === tagId),
    )
  const letterOf = ({ ref, tagId, id, name, reason, attempts, eventTime, receivedAt, diedAt }: Corpse): DeadLetter => ({
    ref: `${ref}`,
    tagId,
    id,
    name,
    reason,
    attempts,
    eventTime,
    receivedAt,
    diedAt,
  })

  return {
    async append(events) {
      open()
      const started = now()
      if (waiting.size + dead.size + events.length > maxEvents) {
        throw new OutboxError(
          'full',
          `The outbox in memory holds its ${maxEvents} events. It empties as Microsoft accepts.`,
        )
      }
      const stored = events.map((event) => {
        const { tagId, id, name } = event
        const key = JSON.stringify([tagId, id, name])
        book(tagId).accepted += 1
        const last = seen.get(key)
        if (last !== undefined && last > started - DEDUP_WINDOW_MS) {
          book(tagId).duplicates += 1
          return 'duplicate'
        }
        seen.delete(key)
        seen.set(key, started)
        const ref = ++lastRef
        const eventTime = Math.min(event.eventTime, started)
        const row = { ...event, eventTime, ref, receivedAt: started, dueAt: started, lease: undefined, attempts: 0 }
        waiting.set(ref, row)
        return 'stored'
      })
      onNotice?.({ kind: 'commit', durationMs: now() - started, events: events.length })
      listeners.tellStored(events, stored)
      return stored
    },

    async claim(tagId, { limit, maxBytes = Number.POSITIVE_INFINITY, leaseMs }) {
      open()
      const moment = now()
      const id = `${++lastClaim}`
      const events: ClaimedEvent[] = []
      const ofTag = [...waiting.values()].filter((row) => row.tagId === tagId)
      const due = ofTag.filter((row) => isDue(row, moment)).sort((a, b) => a.dueAt - b.dueAt || a.ref - b.ref)
      let bytes = 0
      for (const row of due) {
        bytes += row.body.length
        if (events.length === limit || (events.length > 0 && bytes > maxBytes)) break
        row.lease = id
        row.dueAt = moment + leaseMs
        const { ref, id: eventId, name, body, eventTime, receivedAt, attempts } = row
        events.push({ ref: `${ref}`, id: eventId, name, body, eventTime, receivedAt, attempts })
      }
      const others = ofTag.filter((row) => row.lease !== id)
      const waits = others.map((row) => (isDue(row, moment) ? 0 : row.dueAt - moment))
      return { id, tagId, events, nextInMs: waits.length ? waits.reduce((a, b) => Math.min(a, b)) : undefined }
    },

    async extend(claimId, leaseMs) {
      open()
      const held = [...waiting.values()].filter(({ lease }) => lease === claimId)
      for (const row of held) row.dueAt = now() + leaseMs
      return held.length > 0
    },

    async settle(claimId, settlements) {
      open()
      let lost = 0
      for (const settlement of settlements) {
        const row = waiting.get(Number(settlement.ref))
        const held = row?.lease === claimId
        if (!held) lost += 1
        if (!row) continue
        if (settlement.kind === 'delivered') {
          waiting.delete(row.ref)
          book(row.tagId).delivered += 1
        } else if (held && settlement.kind === 'dead') {
          bury(row, settlement.reason)
        } else if (held && settlement.kind === 'again') {
          row.lease = undefined
          row.dueAt = now() + settlement.inMs
          if (settlement.attempted) row.attempts += 1
        }
      }
      return { lost }
    },

    async withdraw(tagId, subjects) {
      open()
      let count = 0
      for (const rows of [waiting, dead]) {
        for (const row of rows.values()) {
          if (row.tagId !== tagId || !row.subjects.some((subject) => subjects.includes(subject))) continue
          rows.delete(row.ref)
          count += 1
        }
      }
      if (count > 0) book(tagId).withdrawn += count
      return count
    },

    async deadLetters({ limit, after, ...selection }) {
      open()
      const start = after === undefined ? 0 : Number(after)
      return select(selection)

        .filter(({ ref }) => ref > start)
        .slice(0, limit)
        .map(letterOf)
    },

    async deadLetter(ref) {
      open()
      const letter = dead.get(Number(ref))
      return letter && { ...letterOf(letter), body: letter.body }
    },

    async retryDead(selection) {
      open()
      const letters = select(selection)
      for (const { reason: _, diedAt: __, ...row } of letters) {
        dead.delete(row.ref)
        const ref = ++lastRef
        waiting.set(ref, { ...row, ref, dueAt: now(), attempts: 0 })
        listeners.tell(row.tagId, 1)
      }
      return letters.length
    },

    async purgeDead(selection) {
      open()
      const letters = select(selection)
      for (const { ref, tagId } of letters) {
        dead.delete(ref)
        book(tagId).purged += 1
      }
      return letters.length
    },

    async counts() {
      open()
      const moment = now()
      return [...books.values()].map((totals) => {
        const rows = [...waiting.values()].filter(({ tagId }) => tagId === totals.tagId)
        const leased = rows.filter((row) => isLeased(row, moment)).length
        return {
          ...totals,
          waiting: rows.length - leased,
          leased,
          dead: select({ tagId: totals.tagId }).length,
          oldestWaitingAt: rows.length
            ? rows.reduce((a, b) => (a.receivedAt <= b.receivedAt ? a : b)).receivedAt
            : undefined,
        }
      })
    },

    async health() {
      open()
      const used = waiting.size + dead.size
      const usedBytes = [...waiting.values(), ...dead.values()].reduce((sum, { body }) => sum + body.length, 0)
      if (used < maxEvents) return { writable: true, usedBytes }
      return { writable: false, usedBytes, problem: `holds its ${maxEvents} events; it empties as Microsoft accepts` }
    },

    async sweep({ expireBefore }) {
      open()
      const moment = now()
      const expired: Record<string, number> = {}
      for (const row of waiting.values()) {
        if (row.receivedAt >= expireBefore || isLeased(row, moment)) continue
        bury(row, 'expired')
        expired[row.tagId] = (expired[row.tagId] ?? 0) + 1
      }
      let purged = 0
      for (const { ref, tagId, diedAt } of dead.values()) {
        if (diedAt >= moment - deadRetentionMs) continue
        dead.delete(ref)
        book(tagId).purged += 1
        purged += 1
      }
      for (const [key, at] of seen) if (at <= moment - DEDUP_WINDOW_MS) seen.delete(key)
      return { expired, purged }
    },

    onDue: listeners.add,

    async close() {
      closed = true
    },
  }
}
