import { trimmed } from './text.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

// The cookie adds `_uet` in front; the beacon adds `-0` (from the cookie) or `-1` (new) and an `N` behind.
// Its dashes are there all four or not at all.
const CLICK_ID = /^(?:_uet)?([0-9a-f]{8}(-?)(?:[0-9a-f]{4}\2){3}[0-9a-f]{12})(?:-[01])?N?$/i

/**
 * The digits of a UET tag id; how many there can be is nowhere said.
 * https://help.ads.microsoft.com/#apex/ads/en/56681/2
 */
export const isTagId = (text: string): boolean => /^[1-9]\d{0,19}$/.test(text)

/** True for a UUID of any version in its dashed form, of either case. */
export const isUuid = (value: unknown): value is string => typeof value === 'string' && UUID.test(value)

/** 32 hex characters as a dashed UUID: the form in which the Conversions API takes a click id. */
export const dashed = (hex: string): string =>
  `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`

/**
 * A Microsoft click id as 32 lower-case hex characters, from any of its forms: the `msclkid` URL parameter, the
 * `_uetmsclkid` cookie, the beacon parameter, a dashed UUID. Undefined for anything else.
 * https://learn.microsoft.com/en-us/advertising/guides/uet-conversion-api-integration
 */
export function canonicalClickId(raw: unknown): string | undefined {
  return CLICK_ID.exec(trimmed(raw))?.[1]?.replace(/-/g, '').toLowerCase()
}

/** The visitor id of a `_uetvid` cookie: its first 32 hex characters. UET Insights may add more behind a `|`. */
export function canonicalVisitorId(raw: unknown): string | undefined {
  return /^[0-9a-f]{32}(?=\||$)/i.exec(trimmed(raw))?.[0].toLowerCase()
}

/** A new UUID v4. `randomUUID` is missing on http pages, `getRandomValues` is not. */
export const uuidV4 = (): string =>
  crypto.randomUUID?.() ??
  '10000000-1000-4000-8000-100000000000'.replace(/[018]/g, (digit) =>
    (+digit ^ (crypto.getRandomValues(new Uint8Array(1))[0]! & (15 >> (+digit / 4)))).toString(16),
  )
