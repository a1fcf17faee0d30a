/** True for a SHA-256 in hex, of either case. */
export const isSha256Hex = (value: unknown): value is string =>
  typeof value === 'string' && /^[0-9a-f]{64}$/i.test(value)

/**
 * SHA-256 of the UTF-8 text, as 64 lower-case hex characters. Undefined where Web Crypto is missing: browsers offer
 * it on secure pages only.
 */
export async function sha256Hex(text: string): Promise<string | undefined> {
  const subtle = globalThis.crypto?.subtle
  if (!subtle) return undefined
  const digest = await subtle.digest('SHA-256', new TextEncoder().encode(text))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/**
 * The hash that Microsoft wants for an e-mail address or a phone number. A value that is 64 hex characters counts as
 * hashed and is only lower-cased; anything else is normalised, then hashed. Undefined for what `normalize` refuses.
 */
export async function hashIdentifier(
  value: unknown,
  normalize: (raw: string) => string | undefined,
): Promise<string | undefined> {
  const text = typeof value === 'string' ? value.trim() : ''
  if (isSha256Hex(text)) return text.toLowerCase()
  const normal = normalize(text)
  return normal === undefined ? normal : sha256Hex(normal)
}
