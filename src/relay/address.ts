/**
 * Who asks. A proxy in front states the client in `X-Forwarded-For` or `Forwarded`; anybody can send those headers, so
 * they count only as far as the operator trusts the hops: https://www.rfc-editor.org/rfc/rfc7239#section-8.1
 */

import type { HeaderReader } from './body.ts'

/** How many proxies stand in front, or the addresses and networks (CIDR) that are proxies. 0 = none. */
export type TrustProxy = number | readonly string[]

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/
const MAPPED = /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/
// The longest IPv6 form in text is 45 characters; a zone, brackets and a port add some.
const MAX_TEXT = 100
/** A chain longer than this is made up. */
const MAX_HOPS = 50

/**
 * The canonical text of an IP address, or undefined. Takes brackets, a port and a zone, which are dropped, and turns an
 * IPv4 address that is mapped into IPv6 back into IPv4, so that one client has one address.
 */
export function parseAddress(raw: unknown): string | undefined {
  if (typeof raw !== 'string' || raw.length > MAX_TEXT) return undefined
  // What a socket states, nearly always.
  if (IPV4.test(raw)) return raw
  const text = raw.trim().replace(/^"(.*)"$/, '$1')
  const bracketed = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(text)?.[1]
  const candidate = bracketed ?? (/^[\d.]+:\d{1,5}$/.test(text) ? text.slice(0, text.indexOf(':')) : text)
  if (IPV4.test(candidate)) return candidate
  const withoutZone = candidate.replace(/%[\w.-]+$/, '')
  if (!/^[0-9a-f:.]+$/i.test(withoutZone) || !withoutZone.includes(':')) return undefined
  try {
    const { hostname } = new URL(`http://[${withoutZone}]/`)
    const mapped = MAPPED.exec(hostname)
    if (!mapped) return hostname.slice(1, -1)
    const [high, low] = [Number.parseInt(mapped[1]!, 16), Number.parseInt(mapped[2]!, 16)]
    return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
  } catch {
    return undefined
  }
}

/** A network as a test of canonical addresses, or undefined for what is neither an address nor a CIDR block. */
export function parseNetwork(text: string): ((address: string) => boolean) | undefined {
  const [base, length, ...rest] = text.split('/')
  const address = parseAddress(base)
  if (!address || rest.length || (length !== undefined && !/^\d{1,3}$/.test(length))) return undefined
  const wanted = bitsOf(address)
  const bits = length === undefined ? wanted.length : Number(length)
  if (bits > wanted.length) return undefined
  return (other) => {
    const found = bitsOf(other)
    return found.length === wanted.length && found.startsWith(wanted.slice(0, bits))
  }
}

/** 32 or 128 characters, `0` and `1`. */
function bitsOf(address: string): string {
  if (!address.includes(':'))
    return address
      .split('.')
      .map((part) => binary(Number(part), 8))
      .join('')
  const [head = '', tail] = address.split('::')
  const left = head ? head.split(':') : []
  const right = tail ? tail.split(':') : []
  const gap = tail === undefined ? 0 : 8 - left.length - right.length
  return [...left, ...Array<string>(gap).fill('0'), ...right]
    .map((part) => binary(Number.parseInt(part, 16), 16))
    .join('')
}

const binary = (value: number, width: number): string => value.toString(2).padStart(width, '0')

/**
 * The client behind trusted proxies: walks the forwarded chain from its near end and takes the first address that is no
 * trusted proxy. What cannot be read ends the walk, and the last address that a trusted hop vouched for stands.
 *
 * @param socket address of the peer; undefined where the platform does not tell.
 */
export function clientAddress(
  headers: HeaderReader,
  socket: string | undefined,
  trust: TrustProxy,
): string | undefined {
  let address = parseAddress(socket)
  if (trust === 0) return address
  const chain = forwardedChain(headers)
  if (typeof trust === 'number') {
    for (const hop of chain.slice(0, trust)) {
      const next = parseAddress(hop)
      if (!next) return address
      address = next
    }
    return address
  }
  const trusted = trust.map(parseNetwork)
  for (const hop of chain) {
    if (!address || !trusted.some((contains) => contains?.(address!))) return address
    const next = parseAddress(hop)
    if (!next) return address
    address = next
  }
  return address
}

/** Nearest hop first. `X-Forwarded-For` wins, as a proxy that sets one rarely cleans the other. */
function forwardedChain(headers: HeaderReader): string[] {
  const list = headers.get('x-forwarded-for')
  if (list) return list.split(',').slice(-MAX_HOPS).reverse()
  const elements = headers.get('forwarded')?.split(',').slice(-MAX_HOPS) ?? []
  return elements.map((element) => /(?:^|;)\s*for=([^;]*)/i.exec(element)?.[1] ?? '').reverse()
}

/** What counts as one client for rate limits: an IPv4 address, or the /64 that a household or a host is given. */
export const addressGroup = (address: string): string =>
  address.includes(':') ? `v6 ${bitsOf(address).slice(0, 64)}` : address
