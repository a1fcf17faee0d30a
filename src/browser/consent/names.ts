import type { ConsentOptions, UetOptions } from '../options.ts'
import { byRegion, cookiebot, googleConsentMode, oneTrust, type RegionTable } from './index.ts'

/** What attributes and JSON can say of consent: names of sources, and a table of regions with the country, if it is known. */
interface NamedConsent {
  sources?: unknown
  default?: unknown
  category?: ConsentOptions['category']
  country?: string
}

const SOURCES = new Map(
  Object.entries({
    oneTrust: ({ category = [] }: NamedConsent) => oneTrust({ category }),
    cookiebot,
    googleConsentMode,
  }),
)

/** `EEA=denied, GB=denied, *=granted` as a table; other text is no table. */
function parseTable(value: unknown): RegionTable | undefined {
  if (typeof value === 'object' && value) return value as RegionTable
  const pairs = typeof value === 'string' && value.includes('=') ? value.split(',') : []
  return pairs[0] ? Object.fromEntries(pairs.map((pair) => pair.split('=').map((part) => part.trim()))) : undefined
}

/** Puts sources and regional defaults where the options only name them. A name that is not known stays, to be warned of. */
export function resolveNames(options: UetOptions): UetOptions {
  if (!options?.consent) return options
  const { country, ...consent } = options.consent as NamedConsent
  const { sources } = consent
  const names: unknown[] = typeof sources === 'string' ? sources.split(',') : Array.isArray(sources) ? sources : []
  const found = names.map((name) => (typeof name === 'string' ? SOURCES.get(name.trim())?.(consent) : name))
  if (names.length && found.every(Boolean)) consent.sources = found
  else if (names.length) consent.sources = names.join()
  const table = parseTable(consent.default)
  if (table) consent.default = byRegion(table, country)
  return { ...options, consent: consent as ConsentOptions }
}
