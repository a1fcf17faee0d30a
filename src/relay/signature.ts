import type { HeaderReader } from './body.ts'
import { Refusal } from './refusal.ts'
import { reveal, type SecretSource } from './settings.ts'

/** How far the clock of a sender may be off, and how long a signature is remembered on either side of it. */
export const SIGNATURE_WINDOW_MS = 300_000

const encoder = new TextEncoder()
type HmacKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>
const keys = new Map<string, Promise<HmacKey>>()

/** Secrets rotate rarely; importing one for each request would cost more than the signature. */
function hmacKey(secret: string): Promise<HmacKey> {
  let key = keys.get(secret)
  if (!key) {
    if (keys.size >= 100) keys.clear()
    key = crypto.subtle.importKey('raw', encoder.encode(secret), { name: 'HMAC', hash: 'SHA-256' }, false, [
      'sign',
      'verify',
    ])
    keys.set(secret, key)
  }
  return key
}

const hex = (bytes: ArrayBuffer): string =>
  Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('')

function unhex(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[0-9a-f]{64}$/i.test(text)) return undefined
  return Uint8Array.from(text.match(/../g)!, (pair) => Number.parseInt(pair, 16))
}

const sign = async (secret: string, bytes: Uint8Array<ArrayBuffer>): Promise<string> =>
  hex(await crypto.subtle.sign('HMAC', await hmacKey(secret), bytes))

/** Compares in constant time. */
const verify = async (secret: string, signature: string, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> => {
  const found = unhex(signature)
  return found !== undefined && crypto.subtle.verify('HMAC', await hmacKey(secret), found, bytes)
}

function signedBytes(timestamp: string, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = encoder.encode(`${timestamp}.`)
  const bytes = new Uint8Array(head.length + body.length)
  bytes.set(head)
  bytes.set(body, head.length)
  return bytes
}

/**
 * The headers that `POST /v1/server` asks for. Sign each attempt anew: a request that was accepted is not accepted
 * again.
 *
 * @param now Milliseconds since the epoch.
 */
export async function signRequest(
  serverKey: string,
  body: string,
  now: number = Date.now(),
): Promise<Record<string, string>> {
  const timestamp = `${Math.floor(now / 1000)}`
  return {
    'x-uetkit-timestamp': timestamp,
    'x-uetkit-signature': `sha256=${await sign(serverKey, signedBytes(timestamp, encoder.encode(body)))}`,
  }
}

/**
 * Those of `holders` whose server key signed this request, and the signature.
 *
 * @throws Refusal when a header is missing or malformed, the time is outside the window, or no key fits.
 */
export async function verifyRequest<T extends { serverKey?: SecretSource | undefined }>(
  holders: readonly T[],
  headers: HeaderReader,
  body: Uint8Array,
  now: number,
): Promise<{ signers: T[]; signature: string }> {
  const timestamp = headers.get('x-uetkit-timestamp') ?? ''
  const [, signature = ''] = /^sha256=([0-9a-f]{64})$/i.exec(headers.get('x-uetkit-signature') ?? '') ?? []
  if (!/^\d{1,16}$/.test(timestamp) || !signature) {
    throw new Refusal(
      401,
      'signature_missing',
      'X-Uetkit-Timestamp (seconds) and X-Uetkit-Signature (sha256=<hex>) are needed',
    )
  }
  if (Math.abs(now - Number(timestamp) * 1000) > SIGNATURE_WINDOW_MS) {
    throw new Refusal(
      401,
      'signature_expired',
      'X-Uetkit-Timestamp, in seconds, is more than five minutes off. Check the clock',
    )
  }
  const bytes = signedBytes(timestamp, body)
  const signers: T[] = []
  for (const holder of holders) {
    if (holder.serverKey !== undefined && (await verify(reveal(holder.serverKey), signature, bytes)))
      signers.push(holder)
  }
  if (!signers.length) throw new Refusal(401, 'signature_wrong', 'X-Uetkit-Signature fits no server key')
  return { signers, signature: signature.toLowerCase() }
}

/**
 * Those of `holders` whose server key this is. Compares digests by a keyed hash, so the time taken tells nothing.
 *
 * @throws Refusal when there is none.
 */
export async function authenticate<T extends { serverKey?: SecretSource | undefined }>(
  holders: readonly T[],
  presented: string,
): Promise<T[]> {
  const bytes = encoder.encode(presented)
  const own = await sign('presented', bytes)
  const found: T[] = []
  for (const holder of holders) {
    if (holder.serverKey === undefined) continue
    if (await verify('presented', own, encoder.encode(reveal(holder.serverKey)))) found.push(holder)
  }
  if (!presented || !found.length) throw new Refusal(401, 'server_key_wrong', 'the server key is missing or unknown')
  return found
}

/** What a shop's backend vouches for when it hands an order to a browser. */
export interface OrderTicket {
  /** Id of the event; the ticket fits no other. */
  id: string
  value?: number
  currency?: string
  /** Seconds since the epoch. */
  expires: number
}

/** A ticket for an order that a browser will report, as the event's property `ticket`. */
export async function signTicket(serverKey: string, ticket: OrderTicket): Promise<string> {
  const payload = btoa(String.fromCharCode(...encoder.encode(JSON.stringify(ticket))))
    .replace(/\+/g, '-')
    .replace(/\//g, '_')
    .replace(/=+$/, '')
  return `${payload}.${await sign(serverKey, encoder.encode(payload))}`
}

/** What the ticket says, or undefined when this key did not sign it. */
export async function openTicket(serverKey: string, ticket: unknown): Promise<Partial<OrderTicket> | undefined> {
  const [, payload = '', signature = ''] =
    (typeof ticket === 'string' && /^([\w-]{1,2000})\.([0-9a-f]{64})$/i.exec(ticket)) || []
  if (!payload || !(await verify(serverKey, signature, encoder.encode(payload)))) return undefined
  try {
    const bytes = Uint8Array.from(atob(payload.replace(/-/g, '+').replace(/_/g, '/')), (char) => char.charCodeAt(0))
    return JSON.parse(new TextDecoder().decode(bytes)) as Partial<OrderTicket>
  } catch {
    return undefined
  }
}
