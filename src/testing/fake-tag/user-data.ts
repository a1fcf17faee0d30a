import { sha256Latin1 } from './sha256.ts'

/** Sixty-four characters count as hashed already and pass untouched. */
const HASHED = /^[a-z0-9]{64}$/
const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/
const PHONE = /^\+\d{11,15}$/

function hashEmail(value: unknown): string | undefined {
  const text = String(value).trim().toLowerCase()
  if (HASHED.test(text)) return text
  if (!EMAIL.test(text)) return undefined
  const at = text.indexOf('@')
  const local = text.slice(0, at).replace(/\+.*$/, '').replace(/\./g, '')
  return local === '' ? undefined : sha256Latin1(local + text.slice(at))
}

function hashPhone(value: unknown): string | undefined {
  const text = String(value).trim().toLowerCase()
  if (HASHED.test(text)) return text
  const digits = text.replace(/[-() \t]/g, '')
  const number = digits.startsWith('+') ? digits : `+${digits}`
  return PHONE.test(number) ? sha256Latin1(number) : undefined
}

/**
 * Enhanced-conversion data as the tag sends it: `em=<hex>&ph=<hex>`, without the fields that make no sense, or
 * undefined when nothing is left. See https://help.ads.microsoft.com/#apex/ads/en/60178/1
 */
export function userDataValue(pid: object): string | undefined {
  const { em, email, ph, phone_number } = pid as Record<string, unknown>
  const address = em ?? email
  const phone = ph ?? phone_number
  const fields = [
    ['em', address == null ? undefined : hashEmail(address)],
    ['ph', phone == null ? undefined : hashPhone(phone)],
  ].filter(([, value]) => value !== undefined)
  return fields.length === 0 ? undefined : fields.map(([key, value]) => `${key}=${value}`).join('&')
}
