import { existsSync, renameSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'

/** Gives a damaged database and its companions another name, which it answers. */
export function setAside(path: string, now: number): string {
  const aside = `${path}.damaged-${new Date(now).toISOString().replace(/[:.]/g, '-')}`
  for (const part of ['', '-wal', '-shm']) {
    if (existsSync(path + part)) renameSync(path + part, aside + part)
  }
  return aside
}

type Row = Record<string, SQLInputValue>

/** Rows of a table as far as they can be read: from the start, and from the end back to the damage. */
function* readable(from: DatabaseSync, table: string): Generator<Row> {
  let last = Number.MIN_SAFE_INTEGER
  try {
    for (const row of from.prepare(`SELECT * FROM ${table} NOT INDEXED ORDER BY seq`).iterate()) {
      yield row as Row
      last = Number(row.seq)
    }
    return
  } catch {
    // Damage lies ahead.
  }
  try {
    yield* from
      .prepare(`SELECT * FROM ${table} NOT INDEXED WHERE seq > ? ORDER BY seq DESC`)
      .iterate(last) as Iterable<Row>
  } catch {
    // And this is its other side.
  }
}

/** Keys have no number, so the second turn may meet some again. */
function* readableKeys(from: DatabaseSync): Generator<Row> {
  for (const order of ['', 'DESC']) {
    try {
      yield* from.prepare(`SELECT * FROM seen ORDER BY generation ${order}, key ${order}`).iterate() as Iterable<Row>
      return
    } catch {
      // The second turn reads from the other end.
    }
  }
}

function copy(rows: Iterable<Row>, table: string, to: DatabaseSync): number {
  let copied = 0
  for (const row of rows) {
    const columns = Object.keys(row)
    try {
      const insert = `INSERT OR IGNORE INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`
      copied += Number(to.prepare(insert).run(...Object.values(row)).changes)
    } catch {
      // A row that fits no column is part of the damage.
    }
  }
  return copied
}

/**
 * Copies what can be read of a damaged database into a new one: waiting events and dead letters under the numbers they
 * had, so that a courier's settlements still meet them, and the remembered keys. Answers what was saved, for people.
 */
export function salvage(aside: string, to: DatabaseSync): string {
  const counts = { waiting: 0, dead: 0 }
  let from: DatabaseSync | undefined
  to.exec('BEGIN IMMEDIATE')
  try {
    from = new DatabaseSync(aside, { readOnly: true })
    counts.waiting = copy(readable(from, 'waiting'), 'waiting', to)
    counts.dead = copy(readable(from, 'dead'), 'dead', to)
    copy(readable(from, 'key_log'), 'key_log', to)
    copy(readableKeys(from), 'seen', to)
  } catch {
    // Not even its header can be read.
  } finally {
    from?.close()
  }
  to.exec(
    `INSERT INTO books (tag_id, accepted, waiting, dead)
     SELECT tag_id, sum(waiting) + sum(dead), sum(waiting), sum(dead) FROM (
       SELECT tag_id, 1 AS waiting, 0 AS dead FROM waiting UNION ALL SELECT tag_id, 0, 1 FROM dead
     ) GROUP BY tag_id`,
  )
  to.exec('COMMIT')
  const { waiting, dead } = counts
  return `Saved from it: ${waiting} waiting events, ${dead} dead letters, and what was known of earlier events. Keep the file until you know why it was damaged.`
}
