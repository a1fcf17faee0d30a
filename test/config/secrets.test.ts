import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { format, inspect } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { ConfigError } from '../../src/config/errors.ts'
import { resolveSecret, Secret } from '../../src/config/secrets.ts'

const baseDir = mkdtempSync(join(tmpdir(), 'uetkit-secrets-'))
afterAll(() => rmSync(baseDir, { recursive: true }))

const CANARY = 'c4nary-3f0c2b1e'
const env = { TOKEN: CANARY, EMPTY: '  ' }
const resolve = (reference: unknown) => resolveSecret(reference, { key: 'tags.0.token', baseDir, env })

const messageOf = (reference: unknown): string => {
  try {
    resolve(reference)
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    return (error as Error).message
  }
  throw new Error('was accepted')
}

describe('resolveSecret', () => {
  it('reads a variable', () => {
    expect(resolve('env:TOKEN').reveal()).toBe(CANARY)
  })

  it('reads a file without its last line end, beside the configuration', () => {
    writeFileSync(join(baseDir, 'token'), `${CANARY}\n`)
    expect(resolve('file:token').reveal()).toBe(CANARY)
    expect(resolve('file:./token').reveal()).toBe(CANARY)
    expect(resolve(`file:${join(baseDir, 'token')}`).reveal()).toBe(CANARY)
  })

  it('follows a file that is replaced, and keeps the last value while it is gone or empty', () => {
    const path = join(baseDir, 'rotating')
    writeFileSync(path, 'first')
    const secret = resolve('file:rotating')
    writeFileSync(path, 'second')
    utimesSync(path, 10, 10)
    expect(secret.reveal()).toBe('second')
    writeFileSync(path, '')
    expect(secret.reveal()).toBe('second')
    rmSync(path)
    expect(secret.reveal()).toBe('second')
    writeFileSync(path, 'third!')
    expect(secret.reveal()).toBe('third!')
  })

  it.each([
    ['a plain value', CANARY, 'tags.0.token: found a plain value; allowed is a reference, "env:NAME" or "file:path"'],
    [
      'an empty reference',
      'env:',
      'tags.0.token: found a plain value; allowed is a reference, "env:NAME" or "file:path"',
    ],
    ['a number', 7, 'tags.0.token: found a plain value; allowed is a reference, "env:NAME" or "file:path"'],
    ['nothing', undefined, 'tags.0.token: found a plain value; allowed is a reference, "env:NAME" or "file:path"'],
    ['an unset variable', 'env:UNSET', 'tags.0.token: the environment variable UNSET is not set'],
    ['an empty variable', 'env:EMPTY', 'tags.0.token: the secret that env:EMPTY names is empty'],
  ])('refuses %s and does not repeat it', (_, reference, message) => {
    expect(messageOf(reference)).toBe(message)
    expect(messageOf(reference)).not.toContain(CANARY)
  })

  it('names the file that cannot be read', () => {
    expect(messageOf('file:missing')).toBe(
      `tags.0.token: cannot read ${join(baseDir, 'missing')} (ENOENT). Check the path and its permissions`,
    )
  })
})

describe('Secret', () => {
  it.each([
    ['a template', (secret: Secret) => `${secret}`],
    ['JSON', (secret: Secret) => JSON.stringify({ secret })],
    ['inspect', (secret: Secret) => inspect({ deep: { secret } }, { depth: 9, showHidden: true })],
    ['format', (secret: Secret) => format('%s %o %j', secret, secret, secret)],
    ['an error', (secret: Secret) => inspect(new Error('failed', { cause: secret }))],
  ])('hides in %s', (_, show) => {
    const text = show(new Secret(CANARY))
    expect(text).toContain('[secret]')
    expect(text).not.toContain(CANARY)
  })
})
