import { addressGroup } from './address.ts'
import type { HeaderReader } from './body.ts'
import type { SharedState } from './common-state.ts'
import { pooledRates } from './pooled-rates.ts'
import { Refusal } from './refusal.ts'
import type { RelaySettings, TagSettings } from './settings.ts'
import { SIGNATURE_WINDOW_MS } from './signature.ts'

/** What may come in, judged before a body is read or an event looked at. */
export interface Guard {
  /** Counts a request. Throws a Refusal (429) above the rate of its address. */
  admitAddress(address: string | undefined): void
  /** Throws a Refusal (429) when too many requests of this address had a wrong key or signature. */
  admitCredentials(address: string | undefined): void
  countWrongCredentials(address: string | undefined): void
  /** Counts a request. Throws a Refusal (429) above the rate of its key. */
  admitKey(key: string): void
  /** Throws a Refusal (401) for a signature that was used. */
  refuseReplay(signature: string): Promise<void>
  /** To be called once its request is accepted, not before: a refused one may be sent again. */
  useSignature(signature: string): Promise<void>
}

const WINDOW_MS = 10_000
/** Wrong credentials from one address in a window. */
const WRONG_CREDENTIALS = 30

/**
 * @param state Where used signatures are remembered, and rates counted, by all relays together.
 */
export function createGuard(limits: RelaySettings['limits'], state: SharedState, now: () => number): Guard {
  const rates = pooledRates(state, now)
  const perWindow = (rate: number | false | undefined) => (rate ? Math.ceil((rate * WINDOW_MS) / 1000) : Infinity)
  const addressLimit = perWindow(limits.perAddress)
  const keyLimit = perWindow(limits.perKey)

  const count = (kind: string, who: string, by = 1) =>
    rates.increment(`${kind} ${Math.floor(now() / WINDOW_MS)} ${who}`, by, WINDOW_MS)
  const group = (address: string | undefined) => (address === undefined ? 'unknown' : addressGroup(address))
  const tooMany = (message: string) => new Refusal(429, 'rate_limited', message, WINDOW_MS - (now() % WINDOW_MS))

  return {
    admitAddress(address) {
      if (addressLimit === Infinity || address === undefined) return
      if (count('address', group(address)) > addressLimit) throw tooMany('too many requests from this address')
    },
    admitCredentials(address) {
      if (count('wrong', group(address), 0) >= WRONG_CREDENTIALS) throw tooMany('too many wrong keys from this address')
    },
    countWrongCredentials(address) {
      count('wrong', group(address))
    },
    admitKey(key) {
      if (keyLimit !== Infinity && count('key', key) > keyLimit) throw tooMany('too many requests with this key')
    },
    async refuseReplay(signature) {
      if ((await state.increment(`signature ${signature}`, 0, 2 * SIGNATURE_WINDOW_MS)) > 0) {
        throw new Refusal(401, 'replayed', 'this request was accepted before. Sign each attempt anew')
      }
    },
    async useSignature(signature) {
      await state.increment(`signature ${signature}`, 1, 2 * SIGNATURE_WINDOW_MS)
    },
  }
}

/** Where a browser's request comes from, as the browser itself says it. */
export interface RequestSite {
  /** The `Origin`, or undefined where the browser withholds it. */
  origin: string | undefined
  /** The page and the relay are one origin, as behind a reverse proxy. */
  sameOrigin: boolean
  /** They are on one registrable domain. */
  sameSite: boolean
}

/**
 * Reads `Origin`, and `Sec-Fetch-Site` where the origin is withheld, as under `Referrer-Policy: no-referrer`. A page can
 * forge neither. https://www.w3.org/TR/fetch-metadata/
 */
export function readSite(headers: HeaderReader): RequestSite {
  const site = headers.get('sec-fetch-site')
  const stated = headers.get('origin')
  const origin = stated && stated !== 'null' ? stated : undefined
  const host = headers.get('host')
  const sameOrigin = site === 'same-origin' || (site === null && origin !== undefined && hostOf(origin) === host)
  return { origin, sameOrigin, sameSite: sameOrigin || site === 'same-site' }
}

const hostOf = (origin: string): string | undefined => {
  try {
    return new URL(origin).host
  } catch {
    return undefined
  }
}

/**
 * The tags that this website may send to: its origin is listed, exactly.
 *
 * @throws Refusal (403) when there is none.
 */
export function tagsOfOrigin(tags: readonly TagSettings[], site: RequestSite, headers: HeaderReader): TagSettings[] {
  const host = headers.get('host')
  const { origin } = site
  const fits = (listed: string) =>
    origin === undefined ? site.sameOrigin && hostOf(listed) === host : listed === origin
  const found = tags.filter(({ origins }) => origins.some(fits))
  if (found.length) return found
  throw origin === undefined
    ? new Refusal(403, 'origin_missing', 'the request states no origin; browsers do, backends use /v1/server')
    : new Refusal(403, 'origin_unknown', 'the origin of this page is not in the tag\'s "origins"')
}

/**
 * The tags that a public key stands for. Tags without a key take events with any key, or none.
 *
 * @throws Refusal (401) when there is none.
 */
export function tagsOfKey(tags: readonly TagSettings[], key: unknown): TagSettings[] {
  const exact = typeof key === 'string' && key ? tags.filter((tag) => tag.key === key) : []
  const found = exact.length ? exact : tags.filter((tag) => tag.key === undefined)
  if (found.length) return found
  throw key === undefined
    ? new Refusal(401, 'key_missing', 'the body has no "key"')
    : new Refusal(401, 'key_unknown', 'the "key" of the body belongs to no tag')
}
