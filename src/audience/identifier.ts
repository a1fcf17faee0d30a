import { hash } from 'node:crypto'
import { isSha256Hex } from '../core/hash.ts'
import { type EmailRule, normalizeEmail } from '../core/normalize.ts'

/** Why a row takes no part, in the words that cohort tools use. */
export type ExclusionReason = 'Unresolved Mapping' | 'Partner Requirement Unmet' | 'Duplicate'

/** `hash` = SHA-256 as 32 one-byte characters, the cheapest form to carry millions of them. */
export type Identified = { hash: string } | { excluded: Exclude<ExclusionReason, 'Duplicate'> }

// A spreadsheet formula, a display name, a `mailto:` or a list of addresses is no address.
const NO_ADDRESS = /^=|["(),:;<>[\]\\]/

const UNRESOLVED: Identified = { excluded: 'Unresolved Mapping' }
const UNMET: Identified = { excluded: 'Partner Requirement Unmet' }

/**
 * The identifier of one row: a plain e-mail address is normalised and hashed, a SHA-256 in hex is taken as it is.
 * https://learn.microsoft.com/en-us/advertising/campaign-management-service/customerlistuserdata
 */
export function identify(raw: string, rule: EmailRule): Identified {
  const text = raw.trim()
  if (!text) return UNRESOLVED
  if (isSha256Hex(text)) return { hash: Buffer.from(text, 'hex').toString('latin1') }
  const email = NO_ADDRESS.test(text) ? undefined : normalizeEmail(text, rule)
  return email === undefined ? UNMET : { hash: hash('sha256', email, 'binary') }
}
