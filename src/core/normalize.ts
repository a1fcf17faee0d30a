import { trimmed } from './text.ts'

/**
 * How an e-mail address is brought to its canonical text.
 * `microsoft` is the rule of the Conversions API and of the tag's enhanced conversions: dots out of the user part,
 * `+alias` cut, for every domain. `basic` is trim and lower case only.
 */
export type EmailRule = 'microsoft' | 'basic'

// A domain of two labels or more. Each class excludes its own separator, so the match is linear.
const EMAIL = /^[^\s@]+@[^\s@.]+(?:\.[^\s@.]+)+$/
// RFC 5321, 4.5.3.1: 64 for the user part, 255 for the domain, one for the @.
const EMAIL_MAX = 320

/** By the rule `basic`: trimmed and lower-cased, or undefined when it is no address. */
function basicEmail(raw: unknown): string | undefined {
  const text = trimmed(raw).toLowerCase()
  return text.length <= EMAIL_MAX && EMAIL.test(text) ? text : undefined
}

/** By the rule `microsoft`. The browser needs this one alone. */
export function microsoftEmail(raw: unknown): string | undefined {
  const text = basicEmail(raw)?.replace(/(\+[^@]*|\.)(?=.*@)/g, '')
  return /^@/.test(text!) ? undefined : text
}

/**
 * The canonical text of an e-mail address, ready to be hashed, or undefined when it is no address.
 * Letters outside ASCII are lower-cased and otherwise kept. A value that is already hashed is no address.
 * https://learn.microsoft.com/en-us/advertising/guides/uet-conversion-api-integration
 */
export const normalizeEmail = (raw: unknown, rule: EmailRule = 'microsoft'): string | undefined =>
  rule === 'basic' ? basicEmail(raw) : microsoftEmail(raw)

/**
 * A phone number as `+`, country code and number without any separator, or undefined. A number without its country
 * code cannot be normalised and is refused. The length is the one that the tag script demands: 11 to 15 digits.
 * https://learn.microsoft.com/en-us/advertising/guides/uet-conversion-api-integration
 */
export function normalizePhone(raw: unknown): string | undefined {
  const text = trimmed(raw).replace(/[\s().-]/g, '')
  return /^\+\d{11,15}$/.test(text) ? text : undefined
}
