import { closeSync, mkdirSync, openSync, statfsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { OutboxError } from '../outbox.ts'
import { isDamage } from './errors.ts'
import { salvage, setAside } from './recover.ts'
import { prepareSchema } from './schema.ts'

/** NFS, SMB, CIFS, SMB2: WAL needs memory shared between processes. https://www.sqlite.org/wal.html#overview */
const NETWORK_FILE_SYSTEMS = new Set([0x6969, 0x517b, 0xff534d42, 0xfe534d42])

export interface OpenDatabase {
  db: DatabaseSync
  /** Throws when the file is no longer the one at its path, so that what is written to it would be lost. */
  checkPlace(): void
  /** What happened to a damaged file, if there was one. */
  setAside?: string
}

function prepareFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  if (NETWORK_FILE_SYSTEMS.has(statfsSync(dirname(path)).type)) {
    const message = `${path} is on a network file system, where SQLite cannot keep it safe. Use a local disk, or PostgreSQL.`
    throw new OutboxError('unusable', message)
  }
  // SQLite gives its other files the permissions of this one.
  closeSync(openSync(path, 'a', 0o600))
}

function open(path: string, now: number): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: 2_000 })
  try {
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON')
    db.exec('PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864')
    // What the last process left in the log goes to the file and the disk before anything is written after it: its last
    // frames may have been visible and yet never synced.
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    prepareSchema(db, now)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** Opens the database at `path`, makes it, upgrades it, or replaces a damaged one by what can be read of it. */
export function openDatabase(path: string, now: number, damaged?: unknown): OpenDatabase {
  prepareFile(path)
  let damage = damaged
  let db: DatabaseSync | undefined
  if (damage === undefined) {
    try {
      db = open(path, now)
    } catch (error) {
      if (!isDamage(error)) throw error
      damage = error
    }
  }
  let report: string | undefined
  if (!db) {
    const aside = setAside(path, now)
    prepareFile(path)
    db = open(path, now)
    const reason = damage instanceof Error ? damage.message : String(damage)
    report = `${path} was damaged (${reason}) and was set aside as ${aside}. ${salvage(aside, db)}`
  }
  const { dev, ino } = statSync(path)
  return {
    db,
    checkPlace() {
      const found = statSync(path, { throwIfNoEntry: false })
      if (found?.ino === ino && found.dev === dev) return
      throw new OutboxError(
        'unavailable',
        `${path} was removed or replaced while the relay used it. It is opened anew.`,
      )
    },
    ...(report && { setAside: report }),
  }
}
