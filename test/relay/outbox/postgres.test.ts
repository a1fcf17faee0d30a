import { afterAll, beforeAll } from 'vitest'
import { postgresOutbox } from '../../../src/relay/outbox/postgres.ts'
import { type PostgresServer, startPostgres } from '../../support/postgres.ts'
import { outboxConformance } from './conformance.ts'

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres(['fsync=off'])
}, 60_000)
afterAll(() => server.stop())

outboxConformance('the outbox in PostgreSQL', {
  durable: true,
  shared: true,
  async make() {
    const url = await server.database()
    return { open: (options) => postgresOutbox(url, { ...options, connections: 3 }) }
  },
})
