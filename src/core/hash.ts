import { trimmed } from './text.ts'

const SHA256_HEX = /^[0-9a-f]{64}$/i

/** True for a SHA-256 in hex, of either case. */
export const isSha256Hex = (value: unknown): value is string => typeof value === 'string' && SHA256_HEX.test(value)

/**
 * SHA-256 of the UTF-8 text, as 64 lower-case hex characters. Undefined where Web Crypto is missing: browsers offer
 * it on secure pages only.
 */
export async function sha256Hex(text: string): Promise<string | undefined> {
  const digest = await globalThis.crypto?.subtle?.digest('SHA-256', new TextEncoder().encode(text))
  return digest && Array.from(new Uint8Array(digest), (byte) => (byte + 256).toString(16).slice(1)).join('')
}

/**
 * The hash that Microsoft wants for an e-mail address or a phone number. A value that is 64 hex characters counts as
 * hashed and is only lower-cased; anything else is normalised, then hashed. Undefined for what `normalize` refuses.
 */
export async function hashIdentifier(
  value: unknown,
  normalize: (raw: string) => string | undefined,
): Promise<string | undefined> {
  const text = trimmed(value)
  if (SHA256_HEX.test(text)) return text.toLowerCase()
  const normal = normalize(text)
  return normal && sha256Hex(normal)
}
