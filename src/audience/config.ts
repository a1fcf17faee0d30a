import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { Cron } from 'croner'
import * as v from 'valibot'
import { check, list, object, oneOf, text, value, yesNo } from '../config/check.ts'
import { ConfigError } from '../config/errors.ts'
import { resolveSecret } from '../config/secrets.ts'
import type { EmailRule } from '../core/normalize.ts'
import type { AdsCredentials } from './ads/client.ts'
import { defaultEndpoints, type Endpoints } from './ads/endpoints.ts'
import { environmentTokenStore, fileTokenStore, type TokenStore } from './ads/token-store.ts'
import { listName } from './list-name.ts'

const REFERENCE = /^(?:env|file):./s
const reference = () => text('a reference to a secret, "env:NAME" or "file:path"', (input) => REFERENCE.test(input))

const digits = (where: string) =>
  text(`digits: ${where} in the address of ads.microsoft.com`, (input) => /^\d{1,19}$/.test(input))

// Tokens travel there. https://www.rfc-editor.org/rfc/rfc8252#section-8.3 for loopback without encryption.
const SAFE_URL = /^(?:https:\/\/|http:\/\/(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?(?:\/|$))/
const url = () => v.optional(text('an https address', (input) => SAFE_URL.test(input) && URL.canParse(input)))

const isCadence = (input: string): boolean => {
  if (input in CADENCES) return true
  try {
    new Cron(input, { paused: true })
    return true
  } catch {
    return false
  }
}

/** Cron expressions of the words. */
const CADENCES: Readonly<Record<string, string>> = {
  hourly: '0 * * * *',
  daily: '0 3 * * *',
  weekly: '0 3 * * 1',
}

const fileSource = object({
  file: text('a path, or "-" for standard input'),
  format: v.optional(oneOf(['csv', 'ndjson'])),
  email: v.optional(text('the name of a column'), 'email'),
  userId: v.optional(text('the name of a column')),
})

const amplitudeSource = object({
  amplitude: object({
    apiKey: reference(),
    secretKey: reference(),
    region: v.optional(oneOf(['us', 'eu']), 'us'),
    email: text('the name of the user property that holds the e-mail address'),
  }),
})

const cohort = object({
  id: text('the id of the cohort, in quotes'),
  name: text('the name of the cohort'),
  cadence: v.optional(text('"hourly", "daily", "weekly" or a cron expression', isCadence)),
  source: v.lazy((input) =>
    typeof input === 'object' && input && 'amplitude' in input ? amplitudeSource : fileSource,
  ),
  namePrefix: v.optional(text('the text between the brackets of the list name')),
  scope: v.optional(oneOf(['Customer', 'Account']), 'Customer'),
  membershipDays: v.optional(
    value<number>(
      '-1 (for ever) or whole days, 1 to 390',
      (input) => Number.isInteger(input) && (input === -1 || ((input as number) >= 1 && (input as number) <= 390)),
    ),
    -1,
  ),
  apply: v.optional(oneOf(['auto', 'items', 'bulk']), 'auto'),
})

const schema = object({
  credentials: v.optional(
    object({
      clientId: text('the application (client) id of your app registration'),
      clientSecret: v.optional(reference()),
      refreshToken: v.optional(reference(), 'file:./data/msads-token.json'),
      developerToken: v.optional(reference()),
      customerId: v.optional(digits('"cid"')),
      accountId: v.optional(digits('"aid" (not the account number of eight characters)')),
      identityProvider: v.optional(oneOf(['Microsoft', 'Google']), 'Microsoft'),
    }),
  ),
  endpoints: v.optional(
    v.lazy((input) =>
      typeof input === 'string'
        ? oneOf(['sandbox'])
        : object({ campaign: url(), bulk: url(), customer: url(), authorize: url(), token: url(), amplitude: url() }),
    ),
  ),
  store: v.optional(
    text(
      '"sqlite:<path>", "postgres://…", or a reference to it, "env:NAME" or "file:path"',
      (input) => /^(?:sqlite:.|postgres(?:ql)?:\/\/.)/.test(input) || REFERENCE.test(input),
    ),
    'sqlite:./data/audience.db',
  ),
  emailNormalization: v.optional(oneOf(['basic', 'microsoft']), 'basic'),
  acceptCustomerMatchTerms: v.optional(yesNo(), false),
  cohorts: v.optional(list(cohort, 'a list of cohorts'), []),
})

/** As written under `audience` in `uetkit.config.json`, secrets by reference. */
export type AudienceConfig = v.InferInput<typeof schema>
type Checked = v.InferOutput<typeof schema>

export type CohortSource =
  | { kind: 'file'; path: string; format: 'csv' | 'ndjson'; email: string; userId: string | undefined }
  | { kind: 'amplitude'; keys: () => { apiKey: string; secretKey: string }; region: 'us' | 'eu'; email: string }

export interface Cohort {
  id: string
  name: string
  listName: string
  /** A cron expression; undefined when the cohort is not on a cadence. */
  cron: string | undefined
  source: CohortSource
  scope: 'Customer' | 'Account'
  membershipDays: number
  apply: 'auto' | 'items' | 'bulk'
}

export interface AudienceSettings {
  /** Throws ConfigError when there are none, or a secret is missing: a dry run needs none. */
  credentials(needs?: { ids: boolean }): AdsCredentials
  /** Whose token signs in, for `login`, which needs no more. */
  app(): {
    clientId: string
    clientSecret: string | undefined
    identityProvider: 'Microsoft' | 'Google'
    store: TokenStore
  }
  /** The list's `ParentId`; undefined without credentials. */
  owner(scope: Cohort['scope']): string | undefined
  endpoints: Endpoints
  /** False when other services are set, but not the one that knows the accounts. */
  knowsAccounts: boolean
  store: { kind: 'sqlite'; path: string } | { kind: 'postgres'; url: string }
  /** For files that vanish. */
  scratch: string
  reports: string
  emailRule: EmailRule
  acceptTerms: boolean
  cohorts: Cohort[]
}

export interface ConfigPlace {
  /** Relative paths start here. The working directory by default. */
  baseDir?: string | undefined
  env?: Record<string, string | undefined> | undefined
  /** What messages call the configuration. */
  where?: string | undefined
}

/** https://learn.microsoft.com/en-us/advertising/guides/sandbox: one token for everybody. */
const SANDBOX_DEVELOPER_TOKEN = 'BBD37VB98'

/**
 * Checks the configuration and puts the defaults in. Secrets are read when they are used.
 *
 * @throws ConfigError naming each key that is unknown or wrong, what was found and what is allowed.
 */
export function readAudienceConfig(input: unknown, place: ConfigPlace = {}): AudienceSettings {
  const { baseDir = '.', env = process.env, where = 'audience' } = place
  const config = check(schema, input, where)
  const secret = (found: string, key: string) =>
    resolveSecret(found, { key: `${where}: ${key}`, baseDir, env }).reveal()
  const sandbox = config.endpoints === 'sandbox'
  const over = typeof config.endpoints === 'object' ? trimmed(config.endpoints) : {}
  const store = readStore(config.store, baseDir, (found) => secret(found, 'store'))
  const near = store.kind === 'sqlite' ? dirname(store.path) : resolve(baseDir, 'data')

  const given = (): NonNullable<Checked['credentials']> => {
    if (config.credentials) return config.credentials
    throw new ConfigError(
      `${where}: credentials are missing: clientId, refreshToken, developerToken, customerId and accountId of Microsoft Advertising`,
    )
  }
  const app = () => {
    const { clientId, clientSecret, refreshToken, identityProvider } = given()
    const [kind, name] = [
      refreshToken.slice(0, refreshToken.indexOf(':')),
      refreshToken.slice(refreshToken.indexOf(':') + 1),
    ]
    const kept = store.kind === 'sqlite' ? `${store.path}.token.json` : join(near, 'audience.token.json')
    return {
      clientId,
      clientSecret: clientSecret === undefined ? undefined : secret(clientSecret, 'credentials.clientSecret'),
      identityProvider,
      store:
        kind === 'file'
          ? fileTokenStore(resolve(baseDir, name))
          : environmentTokenStore(name, env[name]?.trim() || undefined, kept),
    }
  }

  return {
    app,
    credentials: ({ ids } = { ids: true }) => {
      const { developerToken, customerId, accountId } = given()
      if (ids && (customerId === undefined || accountId === undefined)) {
        const key = customerId === undefined ? 'customerId' : 'accountId'
        throw new ConfigError(
          `${where}: credentials.${key} is missing. "uetkit audience login" shows the ids that you may use`,
        )
      }
      if (developerToken === undefined && !sandbox) {
        throw new ConfigError(
          `${where}: credentials.developerToken is missing. Get one at https://ads.microsoft.com/cc/Settings/DevSettings`,
        )
      }
      const { store: refreshToken, ...rest } = app()
      const token =
        developerToken === undefined ? SANDBOX_DEVELOPER_TOKEN : secret(developerToken, 'credentials.developerToken')
      return { ...rest, refreshToken, developerToken: token, customerId: customerId ?? '', accountId: accountId ?? '' }
    },
    owner: (scope) => (scope === 'Customer' ? config.credentials?.customerId : config.credentials?.accountId),
    endpoints: { ...defaultEndpoints(sandbox, config.credentials?.identityProvider ?? 'Microsoft'), ...over },
    knowsAccounts: over.customer !== undefined || over.campaign === undefined,
    store,
    scratch: store.kind === 'sqlite' ? near : tmpdir(),
    reports: join(near, 'reports'),
    emailRule: config.emailNormalization,
    acceptTerms: config.acceptCustomerMatchTerms,
    cohorts: readCohorts(config.cohorts, baseDir, where, secret),
  }
}

function trimmed(endpoints: object): Partial<Endpoints> {
  const set = Object.entries(endpoints).filter(([, address]) => address !== undefined)
  return Object.fromEntries(set.map(([key, address]) => [key, `${address}`.replace(/\/+$/, '')]))
}

function readStore(found: string, baseDir: string, secret: (found: string) => string): AudienceSettings['store'] {
  const store = REFERENCE.test(found) ? secret(found) : found
  if (store.startsWith('sqlite:')) return { kind: 'sqlite', path: resolve(baseDir, store.slice('sqlite:'.length)) }
  if (/^postgres(?:ql)?:\/\//.test(store)) return { kind: 'postgres', url: store }
  throw new ConfigError(`store: what ${found} names is neither "sqlite:<path>" nor "postgres://…"`)
}

function readCohorts(
  cohorts: Checked['cohorts'],
  baseDir: string,
  where: string,
  secret: (found: string, key: string) => string,
): Cohort[] {
  const seen = new Set<string>()
  return cohorts.map((cohort, index) => {
    const { id, name, cadence, source, namePrefix, scope, membershipDays, apply } = cohort
    const key = `cohorts.${index}`
    if (seen.has(id))
      throw new ConfigError(`${where}: ${key}.id: ${JSON.stringify(id)} is there twice; each cohort has its own list`)
    seen.add(id)
    const prefix = namePrefix ?? ('amplitude' in source ? 'Amplitude' : 'uetkit')
    const fullName = listName(prefix, name, id)
    if (!fullName) {
      throw new ConfigError(
        `${where}: ${key}: there is no list name "[${prefix}] name: ${id}" of at most 128 characters; shorten namePrefix or id, and let each have something to show`,
      )
    }
    const cron = cadence === undefined ? undefined : (CADENCES[cadence] ?? cadence)
    const settled =
      'amplitude' in source
        ? amplitudeOf(source.amplitude, (found, name) => secret(found, `${key}.source.amplitude.${name}`))
        : fileOf(source, baseDir)
    return { id, name, listName: fullName, cron, source: settled, scope, membershipDays, apply }
  })
}

function fileOf({ file, format, email, userId }: v.InferOutput<typeof fileSource>, baseDir: string): CohortSource {
  const guessed = /\.(?:ndjson|jsonl)$/i.test(file) ? 'ndjson' : 'csv'
  return { kind: 'file', path: file === '-' ? file : resolve(baseDir, file), format: format ?? guessed, email, userId }
}

function amplitudeOf(
  { apiKey, secretKey, region, email }: v.InferOutput<typeof amplitudeSource>['amplitude'],
  secret: (found: string, key: string) => string,
): CohortSource {
  const keys = () => ({ apiKey: secret(apiKey, 'apiKey'), secretKey: secret(secretKey, 'secretKey') })
  return { kind: 'amplitude', keys, region, email }
}
