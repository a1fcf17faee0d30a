/**
 * A rule turns one value into its text on the wire. It returns undefined to drop the value and throws a string, never
 * an Error, to reject the event: that is how the tag script does it.
 */
export type ValueRule = (value: unknown, name: string) => string | undefined

const MAX_NUMBER = 999_999_999_999

export const text: ValueRule = (value) => String(value)

function parse(value: unknown, name: string, kind: string): number {
  const digits = String(value).replace(/,/g, '')
  const parsed = Number.parseFloat(digits)
  if (Number.isNaN(parsed) || Number.isNaN(Number(digits))) throw `${name} should be ${kind}`
  if (parsed < 0) throw `${name} cannot be less than 0`
  if (parsed > MAX_NUMBER) throw `${name} cannot be greater than ${MAX_NUMBER}`
  return parsed
}

/** Commas are taken out whatever they mean, so `'1,5'` is 15. */
export const number: ValueRule = (value, name) => String(Math.round(parse(value, name, 'a number') * 1000) / 1000)

export const integer: ValueRule = (value, name) => {
  const parsed = parse(value, name, 'an integer')
  if (!Number.isInteger(parsed)) throw `${name} should be an integer`
  return String(parsed)
}

export const currency: ValueRule = (value, name) => {
  if (!/^[A-Za-z]{3}$/.test(String(value))) throw `${name} value must be ISO standard currency code`
  return String(value)
}

export const date: ValueRule = (value, name) => {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(String(value))) throw `${name} value must be a date in the form YYYY-MM-DD`
  return String(value)
}

export function oneOf(allowed: readonly string[]): ValueRule {
  return (value, name) => {
    const lower = String(value).toLowerCase()
    if (!allowed.includes(lower)) throw `${name} value must be one of the allowed values`
    return lower
  }
}

/** The mark for restricted processing exists or does not; it is never `0`. */
export const restricted: ValueRule = (value) => (value === 1 || value === '1' || value === true ? '1' : undefined)

export const flag: ValueRule = (value) => {
  if (typeof value === 'boolean' || typeof value === 'number') return value ? '1' : '0'
  if (value === 'true' || value === '1') return '1'
  return value === 'false' || value === '0' ? '0' : undefined
}

/** Each id is encoded by itself, so that the commas between them stay readable after one decoding. */
export const productIds: ValueRule = (value) => {
  const ids = (Array.isArray(value) ? value : [value]).map(String)
  if (ids.some((id) => id.length < 1 || id.length > 50)) throw 'The prodid value must be within 1 to 50 characters.'
  return ids.map(encodeURIComponent).join(',')
}

/** A list of objects, each written `key=value&key=value`, with the known keys only. */
export function listOf(fields: ReadonlyMap<string, ValueRule>): ValueRule {
  return (value, name) => {
    if (!Array.isArray(value) || value.length === 0) throw `${name} must be an array with 1+ elements`
    return value.map((element) => serialise(Object(element), fields)).join(',')
  }
}

function serialise(element: Record<string, unknown>, fields: ReadonlyMap<string, ValueRule>): string {
  const pairs: string[] = []
  for (const key of Object.keys(element)) {
    const rule = fields.get(key)
    const value = element[key]
    if (rule === undefined || value == null || value === '') continue
    pairs.push(`${key}=${encodeURIComponent(rule(value, key) ?? '')}`)
  }
  return pairs.join('&')
}
