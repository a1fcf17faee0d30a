import { sha256Hex } from '../../core/hash.ts'
import { normalizeEmail, normalizePhone } from '../../core/normalize.ts'
import type { BeaconSeen } from './beacons.ts'

/** A hash that was sent, and of what it is the hash. Never the text itself. */
export interface RawHash {
  field: 'em' | 'ph'
  of: 'an empty value' | 'the word undefined or null' | 'text that was not normalised'
}

const JUNK = { 'an empty value': [''], 'the word undefined or null': ['undefined', 'null', 'NULL', 'None'] } as const

/** Ways in which sites hash without Microsoft's rules. */
const careless = (text: string): string[] => {
  const trimmed = text.trim()
  return [
    text,
    trimmed,
    text.toLowerCase(),
    trimmed.toLowerCase(),
    trimmed.replace(/^\+/, ''),
    trimmed.replace(/\D/g, ''),
  ]
}

/** What the visitor typed into this page: read here, compared here, kept nowhere. */
const typed = (document: Document): string[] =>
  Array.from(document.querySelectorAll('input'), ({ value, type }) =>
    /^(email|tel|text)$/.test(type) ? value : '',
  ).filter((value) => /@|\d{6}/.test(value))

/**
 * Compares the hashes that a beacon carried with the hashes of what stands in the page's fields. A hash of text that was
 * not normalised is valid hex, so Microsoft takes it silently, and it never matches anybody.
 * https://help.ads.microsoft.com/#apex/ads/en/60178/1
 */
export async function findRawHashes({ params }: BeaconSeen, document: Document): Promise<RawHash[]> {
  const sent = new URLSearchParams(params.pid ?? '')
  const found: RawHash[] = []
  for (const field of ['em', 'ph'] as const) {
    const hash = sent.get(field)
    if (!hash) continue
    const normalize = field === 'em' ? (text: string) => normalizeEmail(text) : normalizePhone
    for (const [of, texts] of Object.entries(JUNK) as [RawHash['of'], readonly string[]][])
      for (const text of texts) if ((await sha256Hex(text)) === hash) found.push({ field, of })
    for (const text of typed(document)) {
      const normal = normalize(text)
      if (normal && (await sha256Hex(normal)) === hash) continue
      const others = careless(text).filter((other) => other && other !== normal)
      const hashes = await Promise.all(others.map(sha256Hex))
      if (hashes.includes(hash)) found.push({ field, of: 'text that was not normalised' })
    }
  }
  return found
}
