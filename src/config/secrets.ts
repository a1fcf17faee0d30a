import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { inspect } from 'node:util'
import { ConfigError } from './errors.ts'

const HIDDEN = '[secret]'

/** A value that prints itself as `[secret]` wherever it is logged, joined to a text, serialised or inspected. */
export class Secret {
  readonly #read: () => string

  constructor(read: string | (() => string)) {
    this.#read = typeof read === 'string' ? () => read : read
  }

  /** The value as it is now: the file behind a `file:` reference may have been replaced since. */
  reveal(): string {
    return this.#read()
  }

  toString(): string {
    return HIDDEN
  }

  toJSON(): string {
    return HIDDEN
  }

  [inspect.custom](): string {
    return HIDDEN
  }
}

export interface SecretOptions {
  /** The key in the configuration that holds the reference, for messages. */
  key: string
  /** Where relative `file:` paths start: the folder of the configuration file. The working directory by default. */
  baseDir?: string
  env?: Record<string, string | undefined>
}

/**
 * Resolves `env:NAME` or `file:path`. A file is read anew when it changes, so that a secret can be rotated without a
 * restart; white space around its content is dropped.
 *
 * @throws ConfigError for a value that is no reference (which is not repeated, as it may be the secret itself), a
 * variable that is not set, a file that cannot be read, or an empty secret.
 */
export function resolveSecret(reference: unknown, options: SecretOptions): Secret {
  const { key, baseDir = '.', env = process.env } = options
  const [, kind, name] = (typeof reference === 'string' && /^(env|file):(.+)$/s.exec(reference)) || []
  if (!name) {
    throw new ConfigError(`${key}: found a plain value; allowed is a reference, "env:NAME" or "file:path"`)
  }
  const secret = new Secret(kind === 'env' ? readVariable(name, env, key) : watchFile(resolve(baseDir, name), key))
  if (!secret.reveal()) throw new ConfigError(`${key}: the secret that ${kind}:${name} names is empty`)
  return secret
}

function readVariable(name: string, env: Record<string, string | undefined>, key: string): string {
  const value = env[name]
  if (value === undefined) throw new ConfigError(`${key}: the environment variable ${name} is not set`)
  return value.trim()
}

function watchFile(path: string, key: string): () => string {
  let value = ''
  let version = ''
  const refresh = () => {
    const { mtimeMs, size, ino } = statSync(path)
    if (version === (version = `${mtimeMs} ${size} ${ino}`)) return
    value = readFileSync(path, 'utf8').trim() || value
  }
  try {
    refresh()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new ConfigError(`${key}: cannot read ${path} (${code}). Check the path and its permissions`)
  }
  return () => {
    try {
      refresh()
    } catch {
      // In the middle of a rotation: the last value stays good.
    }
    return value
  }
}
