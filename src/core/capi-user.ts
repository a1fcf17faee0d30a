import { CAPI_IDENTIFIERS } from './capi-json.ts'
import type { ServerEvent } from './event.ts'
import { hashIdentifier, isSha256Hex, sha256Hex } from './hash.ts'
import { canonicalClickId, isUuid } from './identifiers.ts'
import { normalizeEmail } from './normalize.ts'

/** Values of an event by their path in the Conversions API. */
export type Fields = Map<string, unknown>

export const isIdentified = (fields: Fields): boolean => CAPI_IDENTIFIERS.some((key) => fields.has(`userData.${key}`))

/** What the event itself says about the visitor. The click id may also stand in the page's own address. */
export function putUser({ user, page }: ServerEvent, put: (path: string, raw: unknown) => void): void {
  put('userData.anonymousId', user?.anonymousId)
  put('userData.externalId', user?.externalId)
  put('userData.em', user?.em || user?.email)
  put('userData.ph', user?.ph || user?.phone)
  put('userData.msclkid', user?.msclkid || canonicalClickId(/[?&]msclkid=([^&#]*)/i.exec(page?.url ?? '')?.[1]))
  put('userData.idfa', user?.idfa)
  put('userData.gaid', user?.gaid)
}

/**
 * Hashes what must not leave as it is, unless it is hashed already: e-mail, phone and, so that no real user id leaves,
 * an external id that does not look like a pseudonym (a UUID, 32 or 64 hex characters). `drop` hears of values that
 * are malformed. Undefined when there was nothing to hash.
 * https://learn.microsoft.com/en-us/advertising/guides/uet-conversion-api-integration
 */
export function hashUser(
  fields: Fields,
  userId: string | undefined,
  normalizePhone: (raw: string) => string | undefined,
  drop: (path: string) => void,
): Promise<unknown> | undefined {
  const hash = async (path: string, value: unknown, read: (value: string) => Promise<string | undefined>) => {
    const result = await read(value as string)
    if (result) fields.set(path, result)
    else {
      fields.delete(path)
      drop(path)
    }
  }
  const em = fields.get('userData.em')
  const ph = fields.get('userData.ph')
  const externalId = fields.get('userData.externalId') as string | undefined
  const raw = externalId ? (isPseudonym(externalId) ? undefined : externalId) : userId
  if (!em && !ph && !raw) return undefined
  return Promise.all([
    em && hash('userData.em', em, (text) => hashIdentifier(text, normalizeEmail)),
    ph && hash('userData.ph', ph, (text) => hashIdentifier(text, normalizePhone)),
    raw && hash('userData.externalId', raw, sha256Hex),
  ])
}

const isPseudonym = (id: string) => isSha256Hex(id) || isUuid(id) || /^[0-9a-f]{32}$/i.test(id)
