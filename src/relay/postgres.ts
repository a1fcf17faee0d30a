// An entry of its own, because `uetkit/relay/node` needs what only Node has: files, threads, a listener.
export { type PostgresOutbox, type PostgresOutboxOptions, postgresOutbox } from './outbox/postgres.ts'
