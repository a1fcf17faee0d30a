import { hashIdentifier, sha256Hex } from '../core/hash.ts'
import { microsoftEmail, normalizePhone } from '../core/normalize.ts'
import { readPath } from '../core/paths.ts'

/** SHA-256 of who the visitor said to be. The raw values are never kept. */
export interface Identity {
  externalId?: string | undefined
  em?: string | undefined
  ph?: string | undefined
}

/**
 * Hashes a user id and the traits `email` and `phone` by Microsoft's rules; values that are hashed already pass, what is
 * neither is left out. Another user starts afresh; the same one may tell more with each call. Web Crypto is there on
 * secure pages only: without it nothing is found.
 * https://help.ads.microsoft.com/#apex/ads/en/60178/1
 */
export async function hashIdentity(userId: unknown, traits: unknown, before: Identity): Promise<Identity> {
  const externalId = (userId ?? '') === '' ? before.externalId : await sha256Hex(`${userId}`)
  const known = before.externalId && before.externalId !== externalId ? {} : before
  return {
    externalId,
    em: (await hashIdentifier(readPath(traits, 'email'), microsoftEmail)) ?? known.em,
    ph: (await hashIdentifier(readPath(traits, 'phone'), normalizePhone)) ?? known.ph,
  }
}
