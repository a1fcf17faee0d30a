import { createHash, randomUUID } from 'node:crypto'
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { AudienceError } from '../errors.ts'

/** Where the refresh token lives. It is read anew each time, as another run may have got a newer one. */
export interface TokenStore {
  /** Undefined before the first sign-in. */
  read(): string | undefined
  /** Written whole or not at all, readable by its owner only, before the token is used. */
  write(refreshToken: string): void
  /** For messages. */
  readonly place: string
}

interface TokenFile {
  refreshToken: string
  /** Of which token from the environment this one is the successor. */
  from?: string
}

/** `{"refreshToken": "…"}` in a file. */
export const fileTokenStore = (path: string): TokenStore => ({
  read: () => readTokenFile(path)?.refreshToken,
  write: (refreshToken) => writeTokenFile(path, { refreshToken }),
  place: path,
})

/**
 * A token from the environment, which nobody can write back to: its successors are kept in a file and win, until the
 * environment brings another token. A sign-in replaces it for good.
 */
export function environmentTokenStore(variable: string, value: string | undefined, path: string): TokenStore {
  const from = value ? createHash('sha256').update(value).digest('hex') : ''
  return {
    read: () => {
      const kept = readTokenFile(path)
      return kept && kept.from === from ? kept.refreshToken : value
    },
    write: (refreshToken) => writeTokenFile(path, { refreshToken, from }),
    place: `${variable}, its successors in ${path}`,
  }
}

function readTokenFile(path: string): TokenFile | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw new AudienceError('sign_in', `${path}: the file with the refresh token cannot be read (${code}).`)
  }
  try {
    const { refreshToken, from } = JSON.parse(text)
    if (typeof refreshToken === 'string' && refreshToken) return { refreshToken, from }
  } catch {
    // The parser's message would quote the secret.
  }
  throw new AudienceError(
    'sign_in',
    `${path}: this file has to hold {"refreshToken": "…"}. Run "uetkit audience login" to write it anew.`,
  )
}

function writeTokenFile(path: string, content: TokenFile): void {
  const unfinished = `${path}.${randomUUID()}.tmp`
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    const descriptor = openSync(unfinished, 'wx', 0o600)
    try {
      writeFileSync(descriptor, `${JSON.stringify(content)}\n`)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    renameSync(unfinished, path)
  } catch (error) {
    rmSync(unfinished, { force: true })
    const { code } = error as NodeJS.ErrnoException
    throw new AudienceError(
      'sign_in',
      `${path}: the new refresh token cannot be written (${code}), so it is not used. Make the folder writable.`,
    )
  }
}
