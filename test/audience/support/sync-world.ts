import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AudienceConfig } from '../../../src/audience/config.ts'
import type { AudienceProgress } from '../../../src/audience/progress.ts'
import type { RunResult } from '../../../src/audience/result.ts'
import { type SyncOptions, syncAudience } from '../../../src/audience/sync.ts'
import type { FakeAdsOptions } from '../../../src/testing/fake-ads.ts'
import { type AdsWorld, adsWorld } from './ads-world.ts'
import { scratch } from './scratch.ts'

export interface SyncWorld extends Omit<AdsWorld, 'credentials' | 'tokens'> {
  directory: string
  config: AudienceConfig
  env: Record<string, string | undefined>
  progress: AudienceProgress[]
  /** Writes the source: `user_id` and `email` of each person. */
  people(rows: readonly (readonly [userId: string, email: string])[]): void
  /** Writes the source as it is. */
  source(text: string | Uint8Array): void
  run(options?: Partial<SyncOptions>): Promise<RunResult>
  /** Who is on the cohort's list, as Microsoft has it: sorted hashes. */
  listed(): string[]
  report(path: string | null): string[]
  /** Every byte that was written to a file, as text. */
  everythingWritten(): string
  remove(): void
}

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
export const hashesOf = (...emails: string[]): string[] => emails.map(sha256).sort()
export const person = (n: number): readonly [string, string] => [`u${n}`, `person${n}@example.com`]
export const persons = (...ns: number[]) => ns.map(person)

export function syncWorld(over: Partial<AudienceConfig> = {}, options: FakeAdsOptions = {}): SyncWorld {
  const directory = scratch()
  const { fake, runtime, sleeps } = adsWorld(options)
  const { clientId, clientSecret, refreshToken, developerToken, customerId, accountId } = fake.credentials
  const env = { MSADS_CLIENT_SECRET: clientSecret, MSADS_DEVELOPER_TOKEN: developerToken }
  writeFileSync(join(directory, 'token.json'), JSON.stringify({ refreshToken }))
  const { campaign, bulk, customer, authorize, token, amplitude } = fake.endpoints()
  const config: AudienceConfig = {
    credentials: {
      clientId,
      clientSecret: 'env:MSADS_CLIENT_SECRET',
      refreshToken: 'file:./token.json',
      developerToken: 'env:MSADS_DEVELOPER_TOKEN',
      customerId,
      accountId,
    },
    endpoints: { campaign, bulk, customer, authorize, token, amplitude },
    store: 'sqlite:./data/audience.db',
    acceptCustomerMatchTerms: true,
    cohorts: [{ id: 'abc123', name: 'High Value Users', source: { file: './members.csv' } }],
    ...over,
  }
  const progress: AudienceProgress[] = []
  const file = join(directory, 'members.csv')
  const run = async (more: Partial<SyncOptions> = {}) => {
    const given = {
      audience: config,
      baseDir: directory,
      env,
      onProgress: (now: AudienceProgress) => progress.push(now),
    }
    const { runs } = await syncAudience({ ...given, ...more }, runtime)
    return runs[0]!
  }
  return {
    ...{ directory, fake, runtime, sleeps, config, env, progress, run },
    people: (rows) => writeFileSync(file, `user_id,email\n${rows.map((row) => row.join(',')).join('\n')}\n`),
    source: (text) => writeFileSync(file, text),
    listed: () => [...(fake.lists()[0]?.members ?? [])].sort(),
    report: (path) => readFileSync(path!, 'utf8').trimEnd().split('\n'),
    everythingWritten: () => {
      const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter(
        (name) => name !== 'members.csv',
      )
      const files = names.map((name) => join(directory, name)).filter((path) => statSync(path).isFile())
      return files.map((path) => `${path}\n${readFileSync(path, 'latin1')}`).join('\n')
    },
    remove: () => rmSync(directory, { recursive: true }),
  }
}

/** Calls that carry people, or change lists. */
export const writes = ({ requests }: AdsWorld['fake']): string[] =>
  requests
    .map(({ operation }) => operation)
    .filter((name) => /^(?:AddAudiences|Apply|Upload|GetBulkUploadUrl)/.test(name))
