import type { Pool, QueryResultRow } from 'pg'
import { placeOf } from '../../../config/postgres-place.ts'
import { isContention, toOutboxError } from './errors.ts'
import { prepareSchema } from './schema.ts'

export interface ConnectionOptions {
  url: string
  /** Connections at most. */
  connections: number
  /** A statement that takes longer is given up, ms. */
  statementTimeoutMs: number
  /** How long to wait for a connection, ms. */
  connectTimeoutMs: number
}

export interface Connection {
  place: string
  /** Runs one statement, which is its own transaction. Throws `OutboxError` only. */
  query<R extends QueryResultRow>(text: string, values?: unknown[]): Promise<R[]>
  close(): Promise<void>
}

/**
 * A pool that is made, with the schema, by the first statement, and that is made again while the server is away. Each
 * statement is prepared once a connection.
 */
export function openConnection({ url, connections, ...timeouts }: ConnectionOptions): Connection {
  const place = placeOf(url)
  let opening: Promise<Pool> | undefined

  const open = async (): Promise<Pool> => {
    const { default: pg } = await import('pg')
    const pool = new pg.Pool({
      connectionString: url,
      max: connections,
      connectionTimeoutMillis: timeouts.connectTimeoutMs,
      query_timeout: timeouts.statementTimeoutMs + 2_000,
      keepAlive: true,
      application_name: 'uetkit',
      // A frozen relay must not hold locks for ever, and a 202 means on stable storage, whatever the server's default is.
      options: `-c synchronous_commit=on -c statement_timeout=${timeouts.statementTimeoutMs} -c idle_in_transaction_session_timeout=${timeouts.statementTimeoutMs}`,
    })
    // A connection that breaks while idle is replaced by the pool; without a listener it would end the process.
    pool.on('error', () => {})
    try {
      const client = await pool.connect()
      try {
        await prepareSchema(client)
      } finally {
        client.release()
      }
      return pool
    } catch (error) {
      await pool.end().catch(() => {})
      throw error
    }
  }

  /** Names make the server keep the plan. https://node-postgres.com/features/queries#prepared-statements */
  const names = new Map<string, string>()
  const nameOf = (text: string) => {
    let name = names.get(text)
    if (name === undefined) names.set(text, (name = `uetkit_${names.size}`))
    return name
  }

  return {
    place,
    async query(text, values = []) {
      for (let attempt = 1; ; attempt++) {
        try {
          opening ??= open()
          const pool = await opening.catch((error) => {
            opening = undefined
            throw error
          })
          return (await pool.query({ name: nameOf(text), text, values })).rows
        } catch (error) {
          if (attempt < 4 && isContention(error)) continue
          throw toOutboxError(error, place)
        }
      }
    },
    async close() {
      const pool = await opening?.catch(() => undefined)
      await pool?.end().catch(() => {})
    },
  }
}
