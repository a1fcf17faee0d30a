import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client, Pool, PoolClient, QueryResultRow } from 'pg'
import { placeOf } from '../config/postgres-place.ts'
import type { EmailRule } from '../core/normalize.ts'
import { AudienceError } from './errors.ts'
import { foldBucket, type SettledChange, touchedBuckets } from './fold.ts'
import { count } from './hashes.ts'
import type { Change, Ledger, ListKey, ListRecord } from './ledger.ts'

const VERSION = 1

const SCHEMA = `
CREATE SCHEMA uetkit_audience;
CREATE TABLE uetkit_audience.version (version int NOT NULL);
INSERT INTO uetkit_audience.version VALUES (${VERSION});
CREATE TABLE uetkit_audience.list (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, owner text NOT NULL, cohort text NOT NULL, list_id text,
  name text NOT NULL, marker text NOT NULL, email_rule text NOT NULL, reset boolean NOT NULL,
  members bigint NOT NULL DEFAULT 0, full_at bigint, last_run jsonb, UNIQUE (owner, cohort)
);
CREATE TABLE uetkit_audience.bucket (
  list bigint NOT NULL REFERENCES uetkit_audience.list ON DELETE CASCADE, bucket int NOT NULL,
  members bytea NOT NULL, doubtful bytea NOT NULL, PRIMARY KEY (list, bucket)
);
CREATE TABLE uetkit_audience.change (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  list bigint NOT NULL REFERENCES uetkit_audience.list ON DELETE CASCADE, action text NOT NULL,
  by text NOT NULL, hashes bytea NOT NULL, request_id text, rejected bytea, doubtful bytea
);
CREATE INDEX change_list ON uetkit_audience.change (list, id);`

/** Names the lock under which the tables are made. */
const MIGRATION_LOCK = 0x5545544c
const LOCK_POLL_MS = 500

interface ListRow {
  owner: string
  cohort: string
  list_id: string | null
  name: string
  marker: string
  email_rule: string
  reset: boolean
  members: string
  full_at: string | null
  last_run: ListRecord['lastRun'] | null
}

interface ChangeRow {
  id: string
  action: Change['action']
  by: Change['by']
  hashes: Buffer
  request_id: string | null
  rejected: Buffer
  doubtful: Buffer
}

const plain = (bytes: Buffer | undefined): Uint8Array => new Uint8Array(bytes ?? [])

/**
 * A ledger in PostgreSQL 13 or later, so that `watch` may run on several machines: a lock of the server keeps two runs
 * off the same cohort, and ends by itself with the connection of the run that held it. Tables are made in the schema
 * `uetkit_audience`. Needs the package `pg`.
 *
 * @param url `postgres://user:password@host:5432/database`
 */
export function postgresLedger(url: string): Ledger {
  const place = placeOf(url)
  let opening: Promise<Pool> | undefined
  /** Lists whose lock was lost: what goes on with them could meet another run. */
  const lost = new Set<string>()

  const fail = (error: unknown): AudienceError => {
    if (error instanceof AudienceError) return error
    const { code = 'no connection' } = error as { code?: string }
    const remedy =
      code === 'ERR_MODULE_NOT_FOUND' ? 'Install the package pg.' : 'Check the address, the sign-in and the server.'
    return new AudienceError('ledger', `${place}: the ledger of the customer lists cannot be used (${code}). ${remedy}`)
  }

  const open = async (): Promise<Pool> => {
    const { default: pg } = await import('pg')
    const pool = new pg.Pool({
      connectionString: url,
      max: 4,
      connectionTimeoutMillis: 10_000,
      application_name: 'uetkit audience',
      options: '-c synchronous_commit=on',
    })
    pool.on('error', () => {})
    const client = await pool.connect()
    try {
      await prepareSchema(client, place)
    } finally {
      client.release()
    }
    return pool
  }
  const pool = async (): Promise<Pool> => {
    opening ??= open()
    return opening.catch((error) => {
      opening = undefined
      throw fail(error)
    })
  }
  const query = async <R extends QueryResultRow>(text: string, values: unknown[] = []): Promise<R[]> => {
    const ready = await pool()
    try {
      return (await ready.query<R>(text, values)).rows
    } catch (error) {
      throw fail(error)
    }
  }
  const held = (key: ListKey) => {
    if (lost.has(nameOf(key))) {
      throw new AudienceError('ledger', `${place}: the lock on the cohort ${key.cohortId} was lost. Run it again.`)
    }
  }
  const idOf = async ({ owner, cohortId }: ListKey): Promise<string> => {
    const [row] = await query<{ id: string }>('SELECT id FROM uetkit_audience.list WHERE owner = $1 AND cohort = $2', [
      owner,
      cohortId,
    ])
    if (!row) throw new Error(`no list is known for the cohort ${cohortId}`)
    return row.id
  }

  return {
    async lock(key, { signal, onWait } = {}) {
      await pool()
      const client: Client = new (await import('pg')).default.Client({
        connectionString: url,
        connectionTimeoutMillis: 10_000,
        keepAlive: true,
        application_name: 'uetkit audience lock',
      })
      let released = false
      const name = nameOf(key)
      client.on('error', () => {})
      try {
        await client.connect()
        const number = createHash('sha256').update(name).digest().readBigInt64BE().toString()
        for (let waited = false; ; waited = true) {
          const { rows } = await client.query('SELECT pg_try_advisory_lock($1) AS taken', [number])
          if (rows[0].taken) break
          if (!waited) onWait?.()
          await sleep(LOCK_POLL_MS, undefined, signal && { signal })
        }
      } catch (error) {
        await client.end().catch(() => {})
        if (!signal?.aborted) throw fail(error)
        throw new AudienceError('aborted', 'stopped while waiting for another run on the same cohort.')
      }
      lost.delete(name)
      client.on('end', () => {
        if (!released) lost.add(name)
      })
      return async () => {
        released = true
        await client.end().catch(() => {})
      }
    },
    async find({ owner, cohortId }) {
      const [row] = await query<ListRow>('SELECT * FROM uetkit_audience.list WHERE owner = $1 AND cohort = $2', [
        owner,
        cohortId,
      ])
      return row && recordOf(row)
    },
    all: async () =>
      (await query<ListRow>('SELECT * FROM uetkit_audience.list ORDER BY owner COLLATE "C", cohort COLLATE "C"')).map(
        recordOf,
      ),
    async save(record) {
      held(record)
      const { owner, cohortId, listId, name, marker, emailRule, reset, fullAt, lastRun } = record
      await query(
        `INSERT INTO uetkit_audience.list (owner, cohort, list_id, name, marker, email_rule, reset, full_at, last_run)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (owner, cohort) DO UPDATE SET list_id = excluded.list_id, name = excluded.name,
           marker = excluded.marker, email_rule = excluded.email_rule, reset = excluded.reset,
           full_at = excluded.full_at, last_run = excluded.last_run`,
        [owner, cohortId, listId ?? null, name, marker, emailRule, reset, fullAt ?? null, lastRun ?? null],
      )
    },
    async forget(key) {
      held(key)
      await query('DELETE FROM uetkit_audience.list WHERE owner = $1 AND cohort = $2', [key.owner, key.cohortId])
    },
    async known({ owner, cohortId }, bucket) {
      const [row] = await query<{ members: Buffer; doubtful: Buffer }>(
        `SELECT bucket.members, doubtful FROM uetkit_audience.bucket JOIN uetkit_audience.list ON list.id = bucket.list
         WHERE owner = $1 AND cohort = $2 AND bucket = $3`,
        [owner, cohortId, bucket],
      )
      return { members: plain(row?.members), doubtful: plain(row?.doubtful) }
    },
    async begin(key, { action, by, hashes }) {
      held(key)
      const [row] = await query<{ id: string }>(
        'INSERT INTO uetkit_audience.change (list, action, by, hashes) VALUES ($1, $2, $3, $4) RETURNING id',
        [await idOf(key), action, by, Buffer.from(hashes)],
      )
      return Number(row!.id)
    },
    async setRequest(id, requestId) {
      await query('UPDATE uetkit_audience.change SET request_id = $1 WHERE id = $2', [requestId, id])
    },
    async settle(id, { rejected, doubtful }) {
      await query('UPDATE uetkit_audience.change SET rejected = $1, doubtful = $2 WHERE id = $3', [
        Buffer.from(rejected),
        Buffer.from(doubtful),
        id,
      ])
    },
    async open({ owner, cohortId }) {
      const rows = await query<ChangeRow>(
        `SELECT change.* FROM uetkit_audience.change JOIN uetkit_audience.list ON list.id = change.list
         WHERE owner = $1 AND cohort = $2 AND rejected IS NULL ORDER BY change.id`,
        [owner, cohortId],
      )
      return rows.map(({ id, action, by, hashes, request_id }) => ({
        id: Number(id),
        action,
        by,
        hashes: plain(hashes),
        requestId: request_id ?? undefined,
      }))
    },
    async fold(key) {
      held(key)
      const list = await idOf(key)
      const client = await (await pool()).connect().catch((error) => {
        throw fail(error)
      })
      try {
        await client.query('BEGIN')
        const members = await foldAll(client, list)
        await client.query('COMMIT')
        client.release()
        return members
      } catch (error) {
        client.release(true)
        throw fail(error)
      }
    },
    async close() {
      const ready = await opening?.catch(() => undefined)
      opening = undefined
      await ready?.end().catch(() => {})
    },
  }
}

async function foldAll(client: PoolClient, list: string): Promise<number> {
  const locked = await client.query('SELECT members FROM uetkit_audience.list WHERE id = $1 FOR UPDATE', [list])
  let members = Number(locked.rows[0].members)
  const settled = await client.query<ChangeRow>(
    'SELECT * FROM uetkit_audience.change WHERE list = $1 AND rejected IS NOT NULL ORDER BY id',
    [list],
  )
  const changes = settled.rows.map(
    ({ action, by, hashes, rejected, doubtful }): SettledChange => ({
      action,
      by,
      hashes: plain(hashes),
      rejected: plain(rejected),
      doubtful: plain(doubtful),
    }),
  )
  const touched = touchedBuckets(changes)
  const found = await client.query<{ bucket: number; members: Buffer; doubtful: Buffer }>(
    'SELECT bucket, members, doubtful FROM uetkit_audience.bucket WHERE list = $1 AND bucket = ANY ($2::int[])',
    [list, touched],
  )
  const before = new Map(found.rows.map((row) => [row.bucket, row]))
  const after = touched.map((bucket) => {
    const known = { members: plain(before.get(bucket)?.members), doubtful: plain(before.get(bucket)?.doubtful) }
    const folded = foldBucket(known, bucket, changes)
    members += count(folded.members) - count(known.members)
    return folded
  })
  await client.query(
    `INSERT INTO uetkit_audience.bucket
     SELECT $1, * FROM unnest($2::int[], $3::bytea[], $4::bytea[])
     ON CONFLICT (list, bucket) DO UPDATE SET members = excluded.members, doubtful = excluded.doubtful`,
    [
      list,
      touched,
      after.map((bucket) => Buffer.from(bucket.members)),
      after.map((bucket) => Buffer.from(bucket.doubtful)),
    ],
  )
  await client.query('DELETE FROM uetkit_audience.change WHERE list = $1 AND rejected IS NOT NULL', [list])
  await client.query('UPDATE uetkit_audience.list SET members = $1 WHERE id = $2', [members, list])
  return members
}

const recordOf = (row: ListRow): ListRecord => ({
  owner: row.owner,
  cohortId: row.cohort,
  listId: row.list_id ?? undefined,
  name: row.name,
  marker: row.marker,
  emailRule: row.email_rule as EmailRule,
  reset: row.reset,
  members: Number(row.members),
  fullAt: row.full_at === null ? undefined : Number(row.full_at),
  lastRun: row.last_run ?? undefined,
})

const nameOf = ({ owner, cohortId }: ListKey) => JSON.stringify(['uetkit audience', owner, cohortId])

async function prepareSchema(client: PoolClient, place: string): Promise<void> {
  await client.query('BEGIN')
  try {
    await client.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK])
    const made = await client.query(`SELECT to_regclass('uetkit_audience.version') IS NOT NULL AS made`)
    if (!made.rows[0].made) await client.query(SCHEMA)
    const { rows } = await client.query('SELECT version FROM uetkit_audience.version')
    if (rows[0].version > VERSION) {
      throw new AudienceError('ledger', `${place}: this ledger was written by a newer uetkit. Upgrade uetkit.`)
    }
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {})
    throw error
  }
}
