import { createHash } from 'node:crypto'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import type { EmailRule } from '../core/normalize.ts'
import { AudienceError } from './errors.ts'
import { foldBucket, type SettledChange, touchedBuckets } from './fold.ts'
import { count } from './hashes.ts'
import type { Ledger, ListKey, ListRecord, OpenChange } from './ledger.ts'

const VERSION = 1

const SCHEMA = `
CREATE TABLE list (
  id INTEGER PRIMARY KEY, owner TEXT NOT NULL, cohort TEXT NOT NULL, list_id TEXT, name TEXT NOT NULL,
  marker TEXT NOT NULL, email_rule TEXT NOT NULL, reset INTEGER NOT NULL, members INTEGER NOT NULL DEFAULT 0,
  full_at INTEGER, last_run TEXT, UNIQUE (owner, cohort)
) STRICT;
CREATE TABLE bucket (
  list INTEGER NOT NULL REFERENCES list ON DELETE CASCADE, bucket INTEGER NOT NULL,
  members BLOB NOT NULL, doubtful BLOB NOT NULL, PRIMARY KEY (list, bucket)
) STRICT;
CREATE TABLE change (
  id INTEGER PRIMARY KEY AUTOINCREMENT, list INTEGER NOT NULL REFERENCES list ON DELETE CASCADE, action TEXT NOT NULL,
  by TEXT NOT NULL, hashes BLOB NOT NULL, request_id TEXT, rejected BLOB, doubtful BLOB
) STRICT;
CREATE INDEX change_list ON change (list, id);
PRAGMA user_version = ${VERSION};`

const EMPTY = new Uint8Array(0)
const BUSY = 5
const LOCK_POLL_MS = 250

interface ListRow {
  id: number
  owner: string
  cohort: string
  list_id: string | null
  name: string
  marker: string
  email_rule: string
  reset: number
  members: number
  full_at: number | null
  last_run: string | null
}

/** A ledger in one SQLite file, for any number of processes on one machine. The file is made 0600. */
export function sqliteLedger(path: string): Ledger {
  const db = open(path)
  const prepared = new Map<string, StatementSync>()
  const sql = (text: string): StatementSync => {
    let statement = prepared.get(text)
    if (!statement) prepared.set(text, (statement = db.prepare(text)))
    return statement
  }
  const transaction = <T>(run: () => T): T => {
    db.exec('BEGIN IMMEDIATE')
    try {
      const result = run()
      db.exec('COMMIT')
      return result
    } catch (error) {
      db.exec('ROLLBACK')
      throw error
    }
  }
  const rowOf = ({ owner, cohortId }: ListKey) =>
    sql('SELECT * FROM list WHERE owner = ? AND cohort = ?').get(owner, cohortId) as unknown as ListRow | undefined
  const idOf = (key: ListKey): number => {
    const row = rowOf(key)
    if (!row) throw new Error(`no list is known for the cohort ${key.cohortId}`)
    return row.id
  }
  const known = (list: number, bucket: number) => {
    const row = sql('SELECT members, doubtful FROM bucket WHERE list = ? AND bucket = ?').get(list, bucket)
    return { members: (row?.members ?? EMPTY) as Uint8Array, doubtful: (row?.doubtful ?? EMPTY) as Uint8Array }
  }

  return {
    lock: (key, options) => lockFile(`${path}-lock-${digest(key)}`, options),
    find: async (key) => {
      const row = rowOf(key)
      return row && recordOf(row)
    },
    all: async () => (sql('SELECT * FROM list ORDER BY owner, cohort').all() as unknown as ListRow[]).map(recordOf),
    save: async (record) => {
      const { owner, cohortId, listId, name, marker, emailRule, reset, fullAt, lastRun } = record
      sql(
        `INSERT INTO list (owner, cohort, list_id, name, marker, email_rule, reset, full_at, last_run)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (owner, cohort) DO UPDATE SET list_id = excluded.list_id, name = excluded.name,
           marker = excluded.marker, email_rule = excluded.email_rule, reset = excluded.reset,
           full_at = excluded.full_at, last_run = excluded.last_run`,
      ).run(
        ...[owner, cohortId, listId ?? null, name, marker, emailRule, Number(reset)],
        ...[fullAt ?? null, lastRun ? JSON.stringify(lastRun) : null],
      )
    },
    forget: async ({ owner, cohortId }) => {
      sql('DELETE FROM list WHERE owner = ? AND cohort = ?').run(owner, cohortId)
    },
    known: async (key, bucket) => known(rowOf(key)?.id ?? -1, bucket),
    begin: async (key, { action, by, hashes }) => {
      const { lastInsertRowid } = sql('INSERT INTO change (list, action, by, hashes) VALUES (?, ?, ?, ?)').run(
        ...[idOf(key), action, by, hashes],
      )
      return Number(lastInsertRowid)
    },
    setRequest: async (id, requestId) => {
      sql('UPDATE change SET request_id = ? WHERE id = ?').run(requestId, id)
    },
    settle: async (id, { rejected, doubtful }) => {
      sql('UPDATE change SET rejected = ?, doubtful = ? WHERE id = ?').run(rejected, doubtful, id)
    },
    open: async (key) => {
      const rows = sql('SELECT * FROM change WHERE list = ? AND rejected IS NULL ORDER BY id').all(rowOf(key)?.id ?? -1)
      return rows.map(
        ({ request_id, ...row }) => ({ ...row, requestId: request_id ?? undefined }) as unknown as OpenChange,
      )
    },
    fold: async (key) => {
      const list = idOf(key)
      return transaction(() => {
        const changes = sql('SELECT * FROM change WHERE list = ? AND rejected IS NOT NULL ORDER BY id').all(
          list,
        ) as unknown as SettledChange[]
        let { members } = rowOf(key)!
        for (const bucket of touchedBuckets(changes)) {
          const before = known(list, bucket)
          const after = foldBucket(before, bucket, changes)
          members += count(after.members) - count(before.members)
          sql(
            `INSERT INTO bucket (list, bucket, members, doubtful) VALUES (?, ?, ?, ?)
             ON CONFLICT (list, bucket) DO UPDATE SET members = excluded.members, doubtful = excluded.doubtful`,
          ).run(list, bucket, after.members, after.doubtful)
        }
        sql('DELETE FROM change WHERE list = ? AND rejected IS NOT NULL').run(list)
        sql('UPDATE list SET members = ? WHERE id = ?').run(members, list)
        return members
      })
    },
    close: async () => {
      if (db.isOpen) db.close()
    },
  }
}

const recordOf = (row: ListRow): ListRecord => ({
  owner: row.owner,
  cohortId: row.cohort,
  listId: row.list_id ?? undefined,
  name: row.name,
  marker: row.marker,
  emailRule: row.email_rule as EmailRule,
  reset: row.reset === 1,
  members: row.members,
  fullAt: row.full_at ?? undefined,
  lastRun: row.last_run ? JSON.parse(row.last_run) : undefined,
})

const digest = ({ owner, cohortId }: ListKey): string =>
  createHash('sha256')
    .update(JSON.stringify([owner, cohortId]))
    .digest('hex')
    .slice(0, 16)

function open(path: string): DatabaseSync {
  try {
    if (path !== ':memory:') {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
      // SQLite would make the file with the usual rights.
      closeSync(openSync(path, 'a', 0o600))
    }
    const db = new DatabaseSync(path, { timeout: 60_000, enableForeignKeyConstraints: true })
    // FULL: what was acknowledged is still written after a power cut. secure_delete: who left is gone from the file too.
    db.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA journal_size_limit = 67108864',
    )
    prepareSchema(db, path)
    return db
  } catch (error) {
    if (error instanceof AudienceError) throw error
    const reason = (error as { errstr?: string; code?: string }).errstr ?? (error as { code?: string }).code
    throw new AudienceError(
      'ledger',
      `${path}: the ledger of the customer lists cannot be opened (${reason}). Check the path, its permissions and the disk; when the file is damaged, restore a backup, or move it away and run with --full.`,
      { cause: error },
    )
  }
}

function prepareSchema(db: DatabaseSync, path: string): void {
  db.exec('BEGIN IMMEDIATE')
  try {
    const version = db.prepare('PRAGMA user_version').get()?.user_version as number
    if (version > VERSION) {
      throw new AudienceError('ledger', `${path}: this ledger was written by a newer uetkit. Upgrade uetkit.`)
    }
    if (version === 0) db.exec(SCHEMA)
    db.exec('COMMIT')
  } catch (error) {
    db.exec('ROLLBACK')
    throw error
  }
}

/**
 * A lock that the operating system lets go of when its process dies, however it dies: an exclusive transaction on a
 * file of its own.
 */
async function lockFile(
  path: string,
  { signal, onWait }: { signal?: AbortSignal | undefined; onWait?: () => void } = {},
): Promise<() => Promise<void>> {
  const lock = new DatabaseSync(path, { timeout: 0 })
  let waited = false
  for (;;) {
    try {
      lock.exec('BEGIN EXCLUSIVE')
      break
    } catch (error) {
      if ((error as { errcode?: number }).errcode !== BUSY) throw error
      if (!waited) onWait?.()
      waited = true
    }
    try {
      await sleep(LOCK_POLL_MS, undefined, { signal })
    } catch {
      lock.close()
      throw new AudienceError('aborted', 'stopped while waiting for another run on the same cohort.')
    }
  }
  return async () => {
    if (lock.isOpen) lock.close()
  }
}
