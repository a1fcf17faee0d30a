import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import * as v from 'valibot'
import { check, object, oneOf, text, whole } from '../config/check.ts'
import { ConfigError } from '../config/errors.ts'
import { CONFIG_FILE, readJsonFile } from '../config/file.ts'
import { resolveSecret } from '../config/secrets.ts'
import { type RelaySettings, sharedEntries, tagList } from './settings.ts'

const REFERENCE = /^(env|file):./s

const reference = text('a reference to a secret, "env:NAME" or "file:path"', (input) => REFERENCE.test(input))

const isOutbox = (input: string) => /^sqlite:.|^postgres(ql)?:\/\/./.test(input) || REFERENCE.test(input)

/** `uetkit.config.json`. What belongs to the audience sync is checked by it. */
const fileSchema = object({
  ...sharedEntries,
  tags: tagList(reference),
  port: v.optional(whole(0, 65_535), 8787),
  host: v.optional(text('an address to listen on, such as "127.0.0.1"')),
  adminPort: v.optional(whole(0, 65_535), 8788),
  adminHost: v.optional(text('an address to listen on, such as "127.0.0.1"'), '127.0.0.1'),
  outbox: v.optional(
    text('"sqlite:<path>", "postgres://…", or a reference to it, "env:NAME" or "file:path"', isOutbox),
    'sqlite:./data/relay.db',
  ),
  /** Allows retrying dead letters from the admin page. */
  adminToken: v.optional(reference),
  /** Milliseconds between "not ready" and the end of listening, so that a balancer can look elsewhere. */
  drainDelay: v.optional(whole(0, 120_000), 0),
  logLevel: v.optional(oneOf(['debug', 'info', 'warn', 'error', 'silent']), 'info'),
  audience: v.optional(v.unknown()),
})

/** As written in `uetkit.config.json`, secrets by reference. */
export type RelayConfigInput = v.InferInput<typeof fileSchema>

/** Checked, with defaults, paths made absolute and secrets resolved. */
export interface RelayConfig
  extends RelaySettings,
    Pick<v.InferOutput<typeof fileSchema>, 'port' | 'host' | 'adminPort' | 'adminHost' | 'drainDelay' | 'logLevel'> {
  adminToken?: () => string
  outbox: { kind: 'sqlite'; path: string } | { kind: 'postgres'; url: () => string }
}

/** Where a configuration comes from. */
export interface ConfigOptions {
  /** Relative paths start here: the folder of the file. The working directory by default. */
  baseDir?: string
  /** Where `env:` references are looked up. `process.env` by default. */
  env?: Record<string, string | undefined>
  /** What the message calls the configuration. */
  where?: string
}

type Env = Record<string, string | undefined>

/**
 * Checks a configuration and resolves its references.
 *
 * @throws ConfigError naming each key that is unknown or wrong, what was found and what is allowed.
 */
export function readConfig(input: unknown, options: ConfigOptions = {}): RelayConfig {
  const { baseDir = '.', env = process.env, where = 'the configuration' } = options
  const { outbox, tags, adminToken, audience: _, ...rest } = check(fileSchema, input, where)
  const reader = (found: string, key: string) => {
    const secret = resolveSecret(found, { key: `${where}: ${key}`, baseDir, env })
    return () => secret.reveal()
  }
  return {
    ...rest,
    ...(adminToken !== undefined && { adminToken: reader(adminToken, 'adminToken') }),
    tags: tags.map(({ token, serverKey, ...tag }, index) => ({
      ...tag,
      token: reader(token, `tags.${index}.token`),
      ...(serverKey !== undefined && { serverKey: reader(serverKey, `tags.${index}.serverKey`) }),
    })),
    outbox: readOutbox(outbox, baseDir, (found) => reader(found, 'outbox')),
  }
}

/** A store by its address, as the option `outbox` and the command line name it. */
export function readOutbox(
  outbox: string,
  baseDir: string,
  reader: (found: string) => () => string,
): RelayConfig['outbox'] {
  const referenced = REFERENCE.test(outbox) ? reader(outbox) : undefined
  const found = referenced?.() ?? outbox
  if (found.startsWith('sqlite:')) return { kind: 'sqlite', path: resolve(baseDir, found.slice(7)) }
  if (/^postgres(ql)?:\/\//.test(found)) return { kind: 'postgres', url: referenced ?? (() => found) }
  throw new ConfigError(`outbox: what ${outbox} names is neither "sqlite:<path>" nor "postgres://…"`)
}

/**
 * The configuration of this process: the file given, else `uetkit.config.json` in the working directory, else the short
 * form for one tag in the environment.
 *
 * @throws ConfigError
 */
export function loadConfig(file?: string, env: Env = process.env, cwd = '.'): RelayConfig {
  const path = resolve(cwd, file ?? CONFIG_FILE)
  if (file === undefined && !existsSync(path)) return readEnvironment(env, cwd)
  return readConfig(readJsonFile(path), { baseDir: dirname(path), env, where: path })
}

const whenSet = <T>(found: string | undefined, make: (text: string) => T): T | undefined =>
  found === undefined || found.trim() === '' ? undefined : make(found.trim())

const digits = (found: string): unknown => (/^\d+$/.test(found) ? Number(found) : found)

/** The short form. Each variable becomes its key, so that the same checks hold and the same messages come. */
function readEnvironment(env: Env, cwd: string): RelayConfig {
  if (!env.UET_TAG_ID) {
    throw new ConfigError(
      `no configuration: write ${CONFIG_FILE}, name one with --config, or set UET_TAG_ID and UET_CAPI_TOKEN`,
    )
  }
  if (!env.UET_CAPI_TOKEN) throw new ConfigError('UET_CAPI_TOKEN is not set: the Conversions API token of the tag')
  const input = {
    tags: [
      {
        id: env.UET_TAG_ID.trim(),
        token: secretReference('UET_CAPI_TOKEN', env),
        key: whenSet(env.UETKIT_KEY, String),
        serverKey: whenSet(env.UETKIT_SERVER_KEY, () => secretReference('UETKIT_SERVER_KEY', env)),
        origins:
          whenSet(env.UETKIT_ORIGINS, (found) =>
            found
              .split(',')
              .map((origin) => origin.trim())
              .filter(Boolean),
          ) ?? [],
        consent: whenSet(env.UETKIT_ASSUME_CONSENT, (assume) => ({ assume })) ?? {},
      },
    ],
    outbox: whenSet(env.UETKIT_OUTBOX, () => secretReference('UETKIT_OUTBOX', env)),
    capi: whenSet(env.UETKIT_CAPI_URL, (url) => ({ url })),
    port: whenSet(env.PORT, digits),
    adminPort: whenSet(env.UETKIT_ADMIN_PORT, digits),
    adminToken: whenSet(env.UETKIT_ADMIN_TOKEN, () => secretReference('UETKIT_ADMIN_TOKEN', env)),
    trustProxy: whenSet(env.UETKIT_TRUST_PROXY, (found) =>
      /^\d+$/.test(found) ? Number(found) : found.split(',').map((part) => part.trim()),
    ),
  }
  try {
    return readConfig(prune(input), { baseDir: cwd, env, where: 'the environment' })
  } catch (error) {
    if (error instanceof ConfigError) throw new ConfigError(nameVariables(error.message))
    throw error
  }
}

/** A variable may hold the secret, or name the file that does, as mounted secrets are. */
const secretReference = (name: string, env: Env): string =>
  env[name]?.startsWith('file:') ? env[name]! : `env:${name}`

const prune = (input: unknown): unknown => JSON.parse(JSON.stringify(input))

const VARIABLES: readonly (readonly [key: RegExp, variable: string])[] = [
  [/\btags\.0\.id\b/g, 'UET_TAG_ID'],
  [/\btags\.0\.token\b/g, 'UET_CAPI_TOKEN'],
  [/\btags\.0\.key\b/g, 'UETKIT_KEY'],
  [/\btags\.0\.serverKey\b/g, 'UETKIT_SERVER_KEY'],
  [/\btags\.0\.origins(\.\d+)?\b/g, 'UETKIT_ORIGINS'],
  [/\btags\.0\.consent\.assume\b/g, 'UETKIT_ASSUME_CONSENT'],
  [/\bcapi\.url\b/g, 'UETKIT_CAPI_URL'],
  [/(?<=^ {2})adminPort\b/gm, 'UETKIT_ADMIN_PORT'],
  [/(?<=^ {2})adminToken\b/gm, 'UETKIT_ADMIN_TOKEN'],
  [/(?<=^ {2})port\b/gm, 'PORT'],
  [/(?<=^ {2})trustProxy(\.\d+)?\b/gm, 'UETKIT_TRUST_PROXY'],
  [/(?<=^ {2})outbox\b/gm, 'UETKIT_OUTBOX'],
]

const nameVariables = (message: string): string =>
  VARIABLES.reduce((text, [key, variable]) => text.replace(key, variable), message)
