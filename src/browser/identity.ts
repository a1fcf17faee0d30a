import { hashIdentifier, sha256Hex } from '../core/hash.ts'
import { normalizeEmail, normalizePhone } from '../core/normalize.ts'
import { readPath } from '../core/paths.ts'
import type { Log } from './log.ts'

/** SHA-256 of who the visitor said to be. The raw values are never kept. */
export interface Identity {
  externalId?: string
  em?: string
  ph?: string
}

/**
 * Hashes a user id and the traits `email` and `phone` by Microsoft's rules; values that are hashed already pass, what is
 * neither is left out. Web Crypto is there on secure pages only: without it the result is empty.
 * https://help.ads.microsoft.com/#apex/ads/en/60178/1
 */
export async function hashIdentity(userId: unknown, traits: unknown, log: Log): Promise<Identity> {
  const email = readPath(traits, 'email')
  const phone = readPath(traits, 'phone')
  const text = typeof userId === 'number' ? `${userId}` : userId
  const [externalId, em, ph] = await Promise.all([
    typeof text === 'string' && text ? sha256Hex(text) : undefined,
    hashIdentifier(email, normalizeEmail),
    hashIdentifier(phone, normalizePhone),
  ])
  if ((email && !em) || (phone && !ph)) log('identify: left out what is malformed, or cannot be hashed on an http page')
  return { ...(externalId && { externalId }), ...(em && { em }), ...(ph && { ph }) }
}
