import { execFileSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { crashServer, freePort, type PostgresServer, programOf } from '../support/postgres.ts'

/** A server that follows another one, until it is promoted. */
export interface Standby {
  port: number
  /** Makes it a server of its own, which can be written to. */
  promote(): Promise<void>
  crash(): Promise<void>
  resume(): Promise<void>
  stop(): Promise<void>
}

/** What belongs to one running server and not to its copy. https://www.postgresql.org/docs/current/continuous-archiving.html */
const NOT_COPIED = ['postmaster.pid', 'postmaster.opts', 'pg_wal/*', 'pg_replslot/*', 'pg_stat_tmp/*', 'pg_subtrans/*']

const connectTo = async (port: number) => {
  const client = new pg.Client(`postgres://postgres:postgres@127.0.0.1:${port}/postgres`)
  client.on('error', () => {})
  await client.connect()
  return client
}

/** Asks until the answer is yes. */
async function until(port: number, question: string): Promise<void> {
  for (;;) {
    try {
      const client = await connectTo(port)
      const { rows } = await client.query(`SELECT (${question}) AS yes`).finally(() => client.end())
      if (rows[0].yes) return
    } catch {
      // It is still starting.
    }
    await new Promise((done) => setTimeout(done, 100))
  }
}

/**
 * A synchronous standby of a running server: from here on a commit is acknowledged once it is on the disks of both, so
 * that a failover loses nothing acknowledged. Made by hand from a copy of the files, because `pg_basebackup` is not
 * among the programs that come with the package.
 */
export async function startStandby(primary: PostgresServer): Promise<Standby> {
  const port = await freePort()
  const data = join(dirname(primary.data), 'standby')
  const client = await connectTo(primary.port)
  await client.query(`SELECT pg_create_physical_replication_slot('standby', true)`)
  await client.query(`SELECT pg_backup_start('standby', true)`)
  // `cp` and `tar` keep whose the files are; a file that goes away meanwhile is no harm.
  const excluded = NOT_COPIED.map((path) => `--exclude=./${path}`).join(' ')
  execFileSync('sh', [
    '-c',
    `mkdir -m 700 "$2" && chown --reference="$1" "$2" && tar -C "$1" ${excluded} --warning=no-file-changed --warning=no-file-removed -cf - . | tar -C "$2" -xpf -`,
    'sh',
    primary.data,
    data,
  ])
  const { rows } = await client.query('SELECT labelfile FROM pg_backup_stop(false)')
  writeFileSync(join(data, 'backup_label'), rows[0].labelfile)
  writeFileSync(join(data, 'standby.signal'), '')
  execFileSync('chown', [`--reference=${primary.data}`, join(data, 'backup_label'), join(data, 'standby.signal')])

  const server = programOf(data, port, [
    `primary_conninfo=host=127.0.0.1 port=${primary.port} user=postgres password=postgres application_name=standby`,
    'primary_slot_name=standby',
    'wal_retrieve_retry_interval=200ms',
    'max_connections=100',
  ])
  // The package waits for words that a standby does not say before it is promoted.
  server.start().catch(() => {})
  await until(port, 'pg_is_in_recovery()')
  await client.query(`ALTER SYSTEM SET synchronous_standby_names = 'standby'`)
  await client.query('SELECT pg_reload_conf()')
  await until(primary.port, `EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync')`)
  await client.end()

  return {
    port,
    async promote() {
      const own = await connectTo(port)
      await own.query('SELECT pg_promote()')
      await own.end()
      await until(port, 'NOT pg_is_in_recovery()')
    },
    crash: () => crashServer(server, data),
    resume: () => server.start(),
    async stop() {
      await server.stop()
      rmSync(data, { recursive: true, force: true })
    },
  }
}
