import type { PoolClient } from 'pg'
import { CLAIM_FUNCTION, EXPIRE_FUNCTION } from './functions.ts'

/**
 * Each entry takes the schema one version on. Entries are never changed, only added, and only in ways that relays of the
 * version before still work with, so that old and new ones can run side by side during a deployment.
 *
 * Every key begins with the tag, so that the tables can be distributed by it. A claim writes one row of `lease` and none
 * of `waiting`: marking a thousand events would cost more than storing them did. An event is leased while a lease that
 * names it lasts. `tally` holds changes of the books, one row a transaction: one row a tag would make all relays wait for
 * each other's commits. `seen` is found by key and forgotten by age; its block-range index costs next to nothing, because
 * the table grows in the order of age.
 * https://www.postgresql.org/docs/current/brin.html
 */
const UPGRADES = [
  `CREATE SEQUENCE uetkit.ref;
   CREATE TABLE uetkit.waiting (
     tag_id text NOT NULL,
     ref bigint NOT NULL DEFAULT nextval('uetkit.ref'),
     due_at bigint NOT NULL,
     lease text,
     attempts int NOT NULL DEFAULT 0,
     received_at bigint NOT NULL,
     event_time bigint NOT NULL,
     id text NOT NULL,
     name text NOT NULL,
     subjects text[] NOT NULL,
     body text NOT NULL,
     PRIMARY KEY (tag_id, ref)
   ) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
   CREATE INDEX waiting_due ON uetkit.waiting (tag_id, due_at, ref);
   CREATE INDEX waiting_age ON uetkit.waiting (tag_id, received_at);
   CREATE INDEX waiting_lease ON uetkit.waiting (tag_id, lease) WHERE lease IS NOT NULL;
   CREATE TABLE uetkit.dead (
     tag_id text NOT NULL,
     ref bigint NOT NULL DEFAULT nextval('uetkit.ref'),
     reason text NOT NULL,
     died_at bigint NOT NULL,
     attempts int NOT NULL,
     received_at bigint NOT NULL,
     event_time bigint NOT NULL,
     id text NOT NULL,
     name text NOT NULL,
     subjects text[] NOT NULL,
     body text NOT NULL,
     PRIMARY KEY (tag_id, ref)
   );
   CREATE INDEX dead_ref ON uetkit.dead (ref);
   CREATE INDEX dead_age ON uetkit.dead (died_at);
   CREATE TABLE uetkit.seen (
     tag_id text NOT NULL,
     key bytea NOT NULL,
     at bigint NOT NULL,
     PRIMARY KEY (tag_id, key)
   );
   CREATE INDEX seen_age ON uetkit.seen USING brin (at) WITH (pages_per_range = 32);
   CREATE TABLE uetkit.tally (
     tag_id text NOT NULL,
     accepted bigint NOT NULL DEFAULT 0,
     duplicates bigint NOT NULL DEFAULT 0,
     delivered bigint NOT NULL DEFAULT 0,
     withdrawn bigint NOT NULL DEFAULT 0,
     purged bigint NOT NULL DEFAULT 0
   );
   CREATE UNLOGGED TABLE uetkit.state (
     key text PRIMARY KEY,
     sum bigint NOT NULL,
     until bigint NOT NULL
   );`,
  // Relays of version 1 go on with `waiting.lease`, and move `due_at` to its end: for others such an event is not due.
  `CREATE TABLE uetkit.lease (
     tag_id text NOT NULL,
     id text NOT NULL,
     until bigint NOT NULL,
     refs bigint[] NOT NULL,
     PRIMARY KEY (tag_id, id)
   ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
   ALTER TABLE uetkit.lease ALTER refs SET STORAGE EXTERNAL;
   ${CLAIM_FUNCTION}
   ${EXPIRE_FUNCTION}`,
]

/** The oldest version whose relays still work with this schema. */
const COMPATIBLE_FROM = 1

/** Names the one lock under which schemas are made; any number will do, as long as all relays use the same. */
const MIGRATION_LOCK = 0x5545544b

/** The schema was made by a later uetkit, which this one does not understand. Nothing was changed. */
export class SchemaError extends Error {}

/** Makes or upgrades the tables, one relay at a time. */
export async function prepareSchema(client: PoolClient): Promise<void> {
  await client.query('BEGIN')
  try {
    await client.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK])
    // Asked first, because a role that may not create a schema can still use one.
    const { rows } = await client.query(`SELECT to_regclass('uetkit.version') IS NOT NULL AS made`)
    if (!rows[0].made) {
      await client.query('CREATE SCHEMA IF NOT EXISTS uetkit')
      await client.query('CREATE TABLE uetkit.version (version int NOT NULL, compatible_from int NOT NULL)')
      await client.query('INSERT INTO uetkit.version VALUES (0, 0)')
    }
    const found = (await client.query('SELECT version, compatible_from FROM uetkit.version')).rows[0]
    if (found.compatible_from > UPGRADES.length) {
      throw new SchemaError(
        `its schema has version ${found.version}, and this uetkit knows ${UPGRADES.length}. Run a later uetkit.`,
      )
    }
    for (const upgrade of UPGRADES.slice(found.version)) await client.query(upgrade)
    if (found.version < UPGRADES.length) {
      await client.query('UPDATE uetkit.version SET version = $1, compatible_from = $2', [
        UPGRADES.length,
        COMPATIBLE_FROM,
      ])
    }
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {})
    throw error
  }
}
