import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js'

/**
 * A phone number in E.164 (`+14255551234`), or undefined. One without its country code is read as of `defaultCountry`
 * (ISO 3166, two letters), and refused without that.
 * https://learn.microsoft.com/en-us/advertising/guides/uet-conversion-api-integration
 */
export function normalizePhone(raw: unknown, defaultCountry?: string): string | undefined {
  if (typeof raw !== 'string') return undefined
  const country = defaultCountry?.toUpperCase()
  const known = country && isSupportedCountry(country) ? (country as CountryCode) : undefined
  const number = parsePhoneNumberFromString(raw, known ? { defaultCountry: known, extract: false } : { extract: false })
  return number?.isPossible() ? number.number : undefined
}
