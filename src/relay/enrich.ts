import { clientAddress, type TrustProxy } from './address.ts'
import type { HeaderReader } from './body.ts'

/** What the request itself says about the visitor; true of the browser door only. */
export interface Visitor {
  address: string | undefined
  userAgent: string | undefined
  /** Global Privacy Control: only the exact value counts. https://www.w3.org/TR/gpc/#the-sec-gpc-header-field-for-http-requests */
  gpc: boolean
}

/** @param socket Address of the peer, where the platform tells. */
export const readVisitor = (headers: HeaderReader, socket: string | undefined, trust: TrustProxy): Visitor => ({
  address: clientAddress(headers, socket, trust),
  userAgent: headers.get('user-agent') ?? undefined,
  // Several headers arrive joined by commas; any of them counts.
  gpc:
    headers
      .get('sec-gpc')
      ?.split(',')
      .some((value) => value.trim() === '1') ?? false,
})

/** A difference below this is the way through the network, not a wrong clock. */
const TOLERANCE_MS = 60_000

/**
 * When it happened by our clock. A sender that tells its own time lets us correct a clock that is wrong; what is still
 * in the future counts as now.
 */
export function correctTime(time: number, sentAt: number | undefined, receivedAt: number): number {
  const skew = sentAt === undefined ? 0 : receivedAt - sentAt
  const corrected = Math.abs(skew) > TOLERANCE_MS ? time + skew : time
  return Math.min(corrected, receivedAt)
}
