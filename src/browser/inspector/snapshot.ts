/** Personal data has no place in what people copy and send on. */
const EMAIL = /[^\s@"'<>=&?/:]{1,64}@[^\s@"'<>&?/]+\.[a-z]{2,}/gi
const PRIVATE_KEY = /e-?mail|phone|passw|token|secret|iban|card_?n|^(ip|em|ph)$/i

const MAX_DEPTH = 5
const MAX_KEYS = 60
const MAX_TEXT = 1000

/** RFC 5321, 4.5.3.1: no address is longer. */
const MAX_EMAIL = 320

/** Cut first, because searching a page's whole text for addresses would stop the page; but never within an address. */
export function maskText(text: string): string {
  const head = text.slice(0, MAX_TEXT + MAX_EMAIL)
  let end = MAX_TEXT
  for (const { 0: address, index } of head.matchAll(EMAIL)) {
    if (index < end) end = Math.max(end, index + address.length)
  }
  return head.slice(0, end).replace(EMAIL, '[e-mail]')
}

/** Hashes are personal data too: enough of them to compare, no more. */
export const shortenHash = (key: string, value: string): string =>
  key === 'pid' ? value.replace(/([0-9a-f]{8})[0-9a-f]{56}/g, '$1…') : value

/**
 * A copy as plain JSON data, bounded in size and without private keys. Hosts may pass anything: cycles, getters that
 * throw, whole DOM nodes. Texts go through `text`, which by default takes personal data out of them.
 */
export function snapshot(value: unknown, text = maskText, depth = 0, seen: readonly unknown[] = []): unknown {
  if (typeof value === 'string') return text(value)
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value
  if (typeof value !== 'object') return value === undefined ? undefined : `[${typeof value}]`
  if (seen.includes(value)) return '[circular]'
  if (depth >= MAX_DEPTH) return '[deeper]'
  try {
    const below = [...seen, value]
    if (Array.isArray(value)) return value.slice(0, MAX_KEYS).map((item) => snapshot(item, text, depth + 1, below))
    if (value instanceof Date) return value.toISOString()
    const copy: Record<string, unknown> = {}
    for (const key of Object.keys(value).slice(0, MAX_KEYS)) {
      let item: unknown
      try {
        item = (value as Record<string, unknown>)[key]
      } catch {
        item = '[throws]'
      }
      copy[key] = PRIVATE_KEY.test(key) && item ? '[hidden]' : snapshot(item, text, depth + 1, below)
    }
    return copy
  } catch {
    return '[unreadable]'
  }
}
