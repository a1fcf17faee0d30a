import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { postgresLedger } from '../../src/audience/ledger-postgres.ts'
import { type PostgresServer, startPostgres } from '../support/postgres.ts'
import { ledgerSuite } from './support/ledger-suite.ts'

let server: PostgresServer
let url: string
beforeAll(async () => {
  server = await startPostgres(['fsync=off'])
  url = await server.database()
}, 60_000)
afterAll(() => server.stop())

async function execute(statement: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  await client.query(statement)
  await client.end()
}
const clear = () => execute('DROP SCHEMA IF EXISTS uetkit_audience CASCADE')

ledgerSuite('postgresLedger', async () => ({ open: async () => postgresLedger(url), remove: clear }))

describe('the ledger in PostgreSQL', () => {
  const key = { owner: '1', cohortId: 'c' }
  const record = { ...key, name: 'n', marker: 'm', emailRule: 'basic', reset: false, members: 0 } as const

  it('is made once by several that start at the same time', async () => {
    const ledgers = Array.from({ length: 4 }, () => postgresLedger(url))
    await Promise.all(ledgers.map((ledger) => ledger.save(record)))
    expect(await ledgers[0]!.all()).toHaveLength(1)
    await Promise.all(ledgers.map((ledger) => ledger.close()))
    await clear()
  })

  it('writes nothing more on a list whose lock was lost, until it is locked again', async () => {
    const ledger = postgresLedger(url)
    await ledger.save(record)
    const release = await ledger.lock(key)
    await execute(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'uetkit audience lock'",
    )
    await expect
      .poll(() =>
        ledger.save(record).then(
          () => 'saved',
          ({ code, message }) => `${code}: ${message}`,
        ),
      )
      .toMatch(/^ledger: .*the lock on the cohort c was lost/)
    await release()
    const again = await ledger.lock(key)
    await ledger.save(record)
    await again()
    await ledger.close()
    await clear()
  })

  it.each([
    ['postgres://nobody:hush@127.0.0.1:1/none', /ECONNREFUSED/],
    ['no address', /./],
  ])('that is out of reach ends in one message without the sign-in: %s', async (address, reason) => {
    const ledger = postgresLedger(address)
    const error = await ledger.all().catch((thrown) => thrown)
    expect(error).toMatchObject({ code: 'ledger', message: expect.stringMatching(reason) })
    expect(error.message).not.toMatch(/nobody|hush/)
    await ledger.close()
  })
})
