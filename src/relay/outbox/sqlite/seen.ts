import { hash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { DEDUP_WINDOW_MS, type NewEvent } from '../outbox.ts'

const DAY_MS = 86_400_000
const GENERATION_MS = 4 * DAY_MS
/** So many keys wait in the log before they are moved, or as many as came within a day. */
const LOG_KEYS = 100_000
/** 128 bits: two among a thousand million keys are alike with a chance of 1 in 10^21. */
const KEY_BYTES = 16
const SHELVES = 256

/** From the oldest generation that still matters to the one after this, which a clock set back may have left behind. */
const live = (now: number): number[] => {
  const first = Math.floor((now - DEDUP_WINDOW_MS) / GENERATION_MS)
  return Array.from({ length: DEDUP_WINDOW_MS / GENERATION_MS + 2 }, (_, index) => first + index)
}

type Key = Pick<NewEvent, 'tagId' | 'id' | 'name'>

const keyOf = ({ tagId, id, name }: Key) =>
  hash('sha256', JSON.stringify([tagId, id, name]), 'binary').slice(0, KEY_BYTES)

/**
 * Keys of the events stored in the last 8 to 12 days. Only hashes: an event id may be an order number.
 *
 * Hashes come in no order, so each would change another page of a large index, 4 KiB for 16 bytes. New keys are
 * therefore written to a log, one row a transaction, and held in memory; when many have come together they are moved
 * to the index in its order, neighbours together. Log and index change with the events they belong to, in one
 * transaction, so that an event is never known without being stored.
 */
export function openSeen(db: DatabaseSync, logKeys = LOG_KEYS) {
  const find = db.prepare(
    `SELECT 1 FROM seen WHERE generation IN (${live(0).map((_, index) => `?${index + 2}`)}) AND key = ?1`,
  )
  const insert = db.prepare('INSERT OR IGNORE INTO seen (generation, key) VALUES (?, ?)')
  const log = db.prepare('INSERT INTO key_log (at, keys) VALUES (?, ?)')
  const newInLog = db.prepare('SELECT seq, at, keys FROM key_log WHERE seq > ? ORDER BY seq')
  const firstInLog = db.prepare('SELECT at FROM key_log ORDER BY seq LIMIT 1')
  const clearLog = db.prepare('DELETE FROM key_log WHERE seq <= ?')
  const drop = db.prepare(
    'DELETE FROM seen WHERE (generation, key) IN (SELECT generation, key FROM seen WHERE generation < ? LIMIT ?)',
  )

  /** Keys of the log, by their first byte: the order of the index, roughly. */
  const shelves = Array.from({ length: SHELVES }, () => new Set<string>())
  const shelfOf = (key: string) => shelves[key.charCodeAt(0)]!
  let held = 0
  let readTo = 0
  let readBefore = 0
  /** When the last key of the log came, which decides on the generation of all of them. */
  let youngest = 0
  /** Keys that this transaction adds. */
  let added: string[] = []
  /** Shelves that this transaction moved. */
  let moved: string[] = []
  /** The move under way: the next shelf, and up to where the log is done after the last. */
  let move: { shelf: number; upTo: number } | undefined

  const hold = (key: string) => {
    const shelf = shelfOf(key)
    if (shelf.has(key)) return false
    shelf.add(key)
    held += 1
    return true
  }
  const release = (key: string) => {
    if (shelfOf(key).delete(key)) held -= 1
  }

  const seen = {
    /** Reads what the log has that is not in memory: at the start all of it, later what another process wrote. */
    refresh() {
      readBefore = readTo
      for (const { seq, at, keys } of newInLog.all(readTo) as { seq: number; at: number; keys: Uint8Array }[]) {
        const text = Buffer.from(keys).toString('latin1')
        for (let start = 0; start < text.length; start += KEY_BYTES) hold(text.slice(start, start + KEY_BYTES))
        readBefore = readTo = seq
        youngest = at
      }
    },
    /** Remembers the key. False when it was known. */
    add(event: Key, now: number): boolean {
      const key = keyOf(event)
      if (shelfOf(key).has(key) || find.get(Buffer.from(key, 'latin1'), ...live(now))) return false
      hold(key)
      added.push(key)
      return true
    },
    /** Writes what was added, and moves some of what came together; belongs before the commit. */
    flush(now: number) {
      if (added.length > 0) {
        readTo = Number(log.run(now, Buffer.from(added.join(''), 'latin1')).lastInsertRowid)
        youngest = now
      }
      if (held >= logKeys) move ??= { shelf: 0, upTo: readTo }
      if (move) seen.step(move)
    },
    step(current: { shelf: number; upTo: number }) {
      const generation = Math.floor(youngest / GENERATION_MS)
      for (let count = 0; count < 1_000 && current.shelf < SHELVES; current.shelf += 1) {
        const keys = [...shelves[current.shelf]!].sort()
        for (const key of keys) insert.run(generation, Buffer.from(key, 'latin1'))
        moved.push(...keys)
        count += keys.length
      }
      if (current.shelf < SHELVES) return
      clearLog.run(current.upTo)
      move = undefined
    },
    committed() {
      for (const key of moved) release(key)
      added = []
      moved = []
    },
    rolledBack() {
      for (const key of added) release(key)
      added = []
      moved = []
      readTo = readBefore
      // The shelves are all still held, so the move may as well start again.
      move = undefined
    },
    /** Removes at most `limit` keys that are too old. Answers how many, or 1 while the log is being emptied for it. */
    forget(now: number, limit: number): number {
      const first = firstInLog.get() as { at: number } | undefined
      if (first && Math.abs(now - first.at) > DAY_MS) {
        move ??= { shelf: 0, upTo: readTo }
        return 1
      }
      return Number(drop.run(live(now)[0]!, limit).changes)
    },
  }
  seen.refresh()
  return seen
}

export type Seen = ReturnType<typeof openSeen>
