import type { DatabaseSync } from 'node:sqlite'

/** `UETK`, so that a file of another program is recognised. https://www.sqlite.org/pragma.html#pragma_application_id */
const APPLICATION_ID = 0x5545544b

/**
 * Each entry takes the schema one version on. Entries are never changed, only added: stores made by any earlier
 * version are upgraded when they are opened.
 *
 * `due_at` is the one column that a claim looks at: the moment of the next attempt, or the end of the lease.
 * AUTOINCREMENT, because a `seq` that is used again would let a late settlement delete another event.
 * `seen` remembers keys in generations, so that forgetting them touches neighbouring pages only; `key_log` holds the
 * latest, which are not in it yet.
 */
const UPGRADES = [
  `CREATE TABLE waiting (
     seq INTEGER PRIMARY KEY AUTOINCREMENT,
     tag_id TEXT NOT NULL,
     due_at INTEGER NOT NULL,
     lease TEXT,
     attempts INTEGER NOT NULL DEFAULT 0,
     received_at INTEGER NOT NULL,
     event_time INTEGER NOT NULL,
     id TEXT NOT NULL,
     name TEXT NOT NULL,
     subjects TEXT NOT NULL,
     body TEXT NOT NULL
   ) STRICT;
   CREATE INDEX waiting_due ON waiting (tag_id, due_at);
   CREATE INDEX waiting_age ON waiting (tag_id, received_at);
   CREATE INDEX waiting_lease ON waiting (lease, tag_id, due_at) WHERE lease IS NOT NULL;
   CREATE TABLE dead (
     seq INTEGER PRIMARY KEY AUTOINCREMENT,
     tag_id TEXT NOT NULL,
     reason TEXT NOT NULL,
     died_at INTEGER NOT NULL,
     attempts INTEGER NOT NULL,
     received_at INTEGER NOT NULL,
     event_time INTEGER NOT NULL,
     id TEXT NOT NULL,
     name TEXT NOT NULL,
     subjects TEXT NOT NULL,
     body TEXT NOT NULL
   ) STRICT;
   CREATE INDEX dead_age ON dead (died_at);
   CREATE TABLE key_log (
     seq INTEGER PRIMARY KEY AUTOINCREMENT,
     at INTEGER NOT NULL,
     keys BLOB NOT NULL
   ) STRICT;
   CREATE TABLE seen (
     generation INTEGER NOT NULL,
     key BLOB NOT NULL,
     PRIMARY KEY (generation, key)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE books (
     tag_id TEXT PRIMARY KEY,
     accepted INTEGER NOT NULL DEFAULT 0,
     duplicates INTEGER NOT NULL DEFAULT 0,
     delivered INTEGER NOT NULL DEFAULT 0,
     withdrawn INTEGER NOT NULL DEFAULT 0,
     purged INTEGER NOT NULL DEFAULT 0,
     waiting INTEGER NOT NULL DEFAULT 0,
     dead INTEGER NOT NULL DEFAULT 0
   ) STRICT, WITHOUT ROWID`,
]

/** A file that is no store of ours, or one of a later version. Nothing in it was changed. */
export class SchemaError extends Error {}

const number = (db: DatabaseSync, pragma: string): number =>
  Object.values(db.prepare(`PRAGMA ${pragma}`).get() ?? {})[0] as number

/** Makes or upgrades the tables, in one transaction. `now` starts the numbering, see below. */
export function prepareSchema(db: DatabaseSync, now: number): void {
  db.exec('BEGIN IMMEDIATE')
  try {
    const version = number(db, 'user_version')
    const tables = db.prepare('SELECT count(*) AS n FROM sqlite_master').get() as { n: number }
    if (number(db, 'application_id') !== APPLICATION_ID && tables.n > 0) {
      throw new SchemaError('it is an SQLite database of another program. Name another file.')
    }
    if (version > UPGRADES.length) {
      throw new SchemaError(
        `it has schema version ${version}, and this uetkit knows ${UPGRADES.length}. Run the uetkit that wrote it, or a later one.`,
      )
    }
    for (const upgrade of UPGRADES.slice(version)) db.exec(upgrade)
    if (version === 0) {
      // Numbers begin with the time, so that a settlement from before the file was replaced meets no event in the new one.
      const start = db.prepare('INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)')
      for (const table of ['waiting', 'dead']) start.run(table, Math.max(0, Math.trunc(now)) * 1_000)
    }
    if (version < UPGRADES.length) db.exec(`PRAGMA user_version = ${UPGRADES.length}`)
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}`)
    db.exec('COMMIT')
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}
