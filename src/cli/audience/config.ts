import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { AudienceConfig } from '../../audience/config.ts'
import { ConfigError } from '../../config/errors.ts'
import { CONFIG_FILE, readJsonFile } from '../../config/file.ts'
import { usageError } from '../output.ts'

export interface AudienceFlags {
  json?: boolean
  config?: string
  sandbox?: boolean
  file?: string
  format?: 'csv' | 'ndjson'
  cohortId?: string
  cohortName?: string
  emailColumn?: string
  userIdColumn?: string
  acceptCustomerMatchTerms?: boolean
  full?: boolean
  dryRun?: boolean
  yes?: boolean
  report?: string
}

export interface LoadedConfig {
  audience: AudienceConfig
  baseDir: string
  where: string
  env: Record<string, string | undefined>
}

type Env = Record<string, string | undefined>

/**
 * The configuration of a command: the file given, else `uetkit.config.json` in the working directory, else the
 * environment; flags on top of it. What is in it is checked by the audience sync.
 */
export function loadAudienceConfig(flags: AudienceFlags, env: Env = process.env, cwd = process.cwd()): LoadedConfig {
  const path = resolve(cwd, flags.config ?? CONFIG_FILE)
  const fromFile = flags.config !== undefined || existsSync(path)
  const written = fromFile ? audienceOf(readJsonFile(path), path) : {}
  const credentials = written.credentials ?? environmentCredentials(env)
  const audience = {
    ...written,
    ...(credentials && { credentials }),
    ...(flags.sandbox && { endpoints: 'sandbox' as const }),
    ...(flags.file !== undefined && { cohorts: [fileCohort(flags, cwd)] }),
    ...(flags.acceptCustomerMatchTerms && { acceptCustomerMatchTerms: true }),
  }
  return {
    audience,
    baseDir: fromFile ? dirname(path) : cwd,
    where: fromFile ? `${path}: audience` : 'the environment',
    env,
  }
}

function audienceOf(content: unknown, path: string): AudienceConfig {
  const { audience } = (content ?? {}) as { audience?: unknown }
  if (typeof audience === 'object' && audience !== null) return audience as AudienceConfig
  throw new ConfigError(`${path} has no "audience"; see docs/audience.md for what belongs there`)
}

/** Where the credentials stand when no file holds them. */
export const CREDENTIALS = {
  clientId: 'MSADS_CLIENT_ID',
  clientSecret: 'MSADS_CLIENT_SECRET',
  refreshToken: 'MSADS_REFRESH_TOKEN',
  developerToken: 'MSADS_DEVELOPER_TOKEN',
  customerId: 'MSADS_CUSTOMER_ID',
  accountId: 'MSADS_ACCOUNT_ID',
} as const

/** The short form: ids by value, secrets by reference. Undefined when nothing of it is set. */
function environmentCredentials(env: Env): AudienceConfig['credentials'] {
  const value = (key: keyof typeof CREDENTIALS) => env[CREDENTIALS[key]]?.trim() || undefined
  const reference = (key: keyof typeof CREDENTIALS) => value(key) && `env:${CREDENTIALS[key]}`
  if (!Object.values(CREDENTIALS).some((name) => env[name]?.trim())) return undefined
  const clientId = value('clientId')
  if (!clientId)
    throw new ConfigError('MSADS_CLIENT_ID is not set: the application (client) id of your app registration')
  const provider = env.MSADS_IDENTITY_PROVIDER?.trim() as 'Microsoft' | 'Google' | undefined
  const given = {
    clientSecret: reference('clientSecret'),
    refreshToken: reference('refreshToken'),
    developerToken: reference('developerToken'),
    customerId: value('customerId'),
    accountId: value('accountId'),
    identityProvider: provider || undefined,
  }
  return { clientId, ...Object.fromEntries(Object.entries(given).filter(([, text]) => text !== undefined)) }
}

function fileCohort(
  { file, format, cohortId, cohortName, emailColumn, userIdColumn }: AudienceFlags,
  cwd: string,
): NonNullable<AudienceConfig['cohorts']>[number] {
  if (cohortId === undefined || cohortName === undefined) {
    throw usageError('--file needs --cohort-id and --cohort-name: both become part of the name of the list')
  }
  return {
    id: cohortId,
    name: cohortName,
    source: {
      file: file === '-' ? '-' : resolve(cwd, file!),
      ...(format && { format }),
      ...(emailColumn !== undefined && { email: emailColumn }),
      ...(userIdColumn !== undefined && { userId: userIdColumn }),
    },
  }
}

/** Flags that only make sense together. */
export function checkFlags({ file, cohortName, format, emailColumn, userIdColumn }: AudienceFlags): void {
  if (file !== undefined) return
  const alone = {
    '--cohort-name': cohortName,
    '--format': format,
    '--email-column': emailColumn,
    '--user-id-column': userIdColumn,
  }
  const [flag] = Object.entries(alone).find(([, given]) => given !== undefined) ?? []
  if (flag) throw usageError(`${flag} needs --file; for cohorts of the configuration it stands there`)
}
