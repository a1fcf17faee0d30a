import * as v from 'valibot'
import { ConfigError } from './errors.ts'

/**
 * Building blocks for configurations in which each key says what is allowed. A key that is unknown, missing or wrong
 * stops the start with its path, what was found and what is allowed.
 */

/** A value that passes `test`. `allowed` completes the sentence "allowed is …". */
export const value = <T>(allowed: string, test: (input: unknown) => boolean) => v.custom<T>(test, allowed)

export const text = (allowed: string, test: (input: string) => boolean = (input) => input.trim() !== '') =>
  value<string>(allowed, (input) => typeof input === 'string' && test(input))

export const whole = (min: number, max: number, what = 'a whole number') =>
  value<number>(
    `${what}, ${min} to ${max}`,
    (input) => Number.isInteger(input) && (input as number) >= min && (input as number) <= max,
  )

export const yesNo = () => value<boolean>('true or false', (input) => typeof input === 'boolean')

export const oneOf = <const T extends readonly string[]>(words: T) =>
  value<T[number]>(words.map((word) => `"${word}"`).join(', '), (input) => words.includes(input as string))

const UNKNOWN = 'unknown key; allowed here: '

/** An object with these keys and no others. */
export const object = <const E extends v.ObjectEntries>(entries: E) =>
  v.strictObject(entries, ({ expected }) =>
    expected === 'never' ? UNKNOWN + Object.keys(entries).join(', ') : (allowedOf(entries, expected) ?? 'an object'),
  )

export const list = <S extends v.GenericSchema>(item: S, allowed: string) => v.array(item, allowed)

/** The text of a key that is missing: valibot names it in quotes. */
function allowedOf(entries: v.ObjectEntries, expected: string | null): string | undefined {
  const key = expected?.startsWith('"') ? expected.slice(1, -1) : ''
  const message = (entries[key] as { message?: unknown } | undefined)?.message
  return key ? (typeof message === 'string' ? message : 'a value') : undefined
}

/** Keys whose content is never repeated: they hold secrets, or a URL that may. */
const SECRET = /token|secret|password|serverKey|apiKey|outbox|store/i

/**
 * Checks a configuration.
 *
 * @param where the file, or what else holds the configuration, for the message.
 * @throws ConfigError with one line per fault, ten at most.
 */
export function check<S extends v.GenericSchema>(schema: S, input: unknown, where: string): v.InferOutput<S> {
  const result = v.safeParse(schema, input)
  if (result.success) return result.output
  throw new ConfigError(`${where} cannot be used:\n${result.issues.slice(0, 10).map(describe).join('\n')}`)
}

function describe(issue: v.BaseIssue<unknown>): string {
  const path = issue.path?.map(({ key }) => String(key)).join('.') || 'the whole'
  if (issue.message.startsWith(UNKNOWN)) return `  ${path}: ${issue.message}`
  const found = SECRET.test(path) && issue.input !== undefined ? 'something else' : show(issue.input)
  return `  ${path}: found ${found}, allowed is ${issue.message}`
}

function show(input: unknown): string {
  if (input === undefined) return 'nothing'
  const json = JSON.stringify(input) ?? typeof input
  return json.length > 80 ? `${json.slice(0, 77)}...` : json
}
