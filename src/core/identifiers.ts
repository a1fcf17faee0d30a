const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

// The cookie adds `_uet` in front; the beacon adds `-0` (from the cookie) or `-1` (new) and an `N` behind.
const CLICK_ID = /^(?:_uet)?([0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:-[01])?N?$/i

/** True for a UUID of any version in its dashed form, of either case. */
export const isUuid = (value: unknown): value is string => typeof value === 'string' && UUID.test(value)

/** 32 hex characters as a dashed UUID: the form in which the Conversions API takes a click id. */
export const dashed = (hex: string): string => hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')

/**
 * A Microsoft click id as 32 lower-case hex characters, from any of its forms: the `msclkid` URL parameter, the
 * `_uetmsclkid` cookie, the beacon parameter, a dashed UUID. Undefined for anything else.
 * https://learn.microsoft.com/en-us/advertising/guides/uet-conversion-api-integration
 */
export function canonicalClickId(raw: unknown): string | undefined {
  const match = typeof raw === 'string' ? CLICK_ID.exec(raw.trim()) : null
  return match ? match[1]!.replace(/-/g, '').toLowerCase() : undefined
}

/** The visitor id of a `_uetvid` cookie: its first 32 hex characters. UET Insights may add more behind a `|`. */
export function canonicalVisitorId(raw: unknown): string | undefined {
  const match = typeof raw === 'string' ? /^([0-9a-f]{32})(?:\||$)/i.exec(raw.trim()) : null
  return match ? match[1]!.toLowerCase() : undefined
}

/** A new UUID v4. `fill` fills the bytes it is given: `(bytes) => crypto.getRandomValues(bytes)`. */
export function uuidV4(fill: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array): string {
  const bytes = fill(new Uint8Array(16))
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return dashed(Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(''))
}
