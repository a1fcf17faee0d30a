import { parseDefault } from '../../core/consent.ts'
import type { ConsentState } from '../../core/event.ts'
import { countryOfZone, isCountry } from './time-zones.ts'

/** `granted` or `denied` by ISO 3166 country (`DE`), by `EU` or `EEA`, and `*` for the rest. An odd value denies. */
export type RegionTable = Record<string, string>

/** Names that may stand for several countries. Territories where the same law applies count too; UK is not ISO but common. */
const EU = 'AT|AX|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|GF|GP|GR|HR|HU|IE|IT|LT|LU|LV|MF|MQ|MT|NL|PL|PT|RE|RO|SE|SI|SK|YT'
const GROUPS: [name: string, members: RegExp][] = [
  ['GB', /^(UK|GG|IM|JE|GI)$/],
  ['UK', /^(GB|GG|IM|JE|GI)$/],
  // https://european-union.europa.eu/principles-countries-history/eu-countries_en, with its outermost regions
  ['EU', new RegExp(`^(${EU})$`)],
  // https://www.efta.int/eea: with Iceland, Liechtenstein and Norway
  ['EEA', new RegExp(`^(${EU}|IS|LI|NO|SJ)$`)],
]

/**
 * A consent default by country, for `consent.default`. The country's own entry counts first, then its groups, then `*`,
 * else it is denied. Where the country is not known, any `denied` in the table denies.
 *
 * @param country ISO 3166, of any case, as your server or CDN knows it; guessed from the time zone when left out.
 * @example byRegion({ EEA: 'denied', GB: 'denied', CH: 'denied', '*': 'granted' })
 */
export function byRegion(table: RegionTable, country?: string | null): () => ConsentState {
  return () => {
    try {
      const states = new Map(
        Object.entries(table).map(([key, value]) => [key.trim().toUpperCase(), parseDefault(value)]),
      )
      const code = country
        ? `${country}`.trim().toUpperCase()
        : (countryOfZone(Intl.DateTimeFormat().resolvedOptions().timeZone) ?? '')
      const groups = GROUPS.filter(([, members]) => members.test(code)).map(([name]) => name)
      const found = [code, ...groups].map((key) => states.get(key)).find(Boolean)
      if (found) return found
      if (isCountry(code)) return states.get('*') ?? 'denied'
      return states.size && [...states.values()].every((state) => state === 'granted') ? 'granted' : 'denied'
    } catch {
      return 'denied'
    }
  }
}
