import type { CapiEvent } from '../core/capi-json.ts'
import { isTagId } from '../core/identifiers.ts'
import { VERSION } from '../core/version.ts'
import { type Fetch, request } from '../http/request.ts'
import { checkEvent } from './check-event.ts'
import { deliver, type Parcel } from './deliver.ts'
import { failed, type Outcome } from './outcome.ts'
import { readAnswer, readFailure, type Verdict } from './response.ts'

/** Microsoft's own address. https://learn.microsoft.com/en-us/advertising/guides/uet-conversion-api-integration */
export const CAPI_URL = 'https://capi.uet.microsoft.com'

/** One tag, and how to reach Microsoft. */
export interface CapiClientOptions {
  /** UET tag id. */
  tagId: string
  /** The tag's own Conversions API token: Conversions → UET tag → Use Conversions API. A secret, for servers only. */
  token: string
  /** Origin of the API. Default: {@link CAPI_URL}. */
  url?: string | undefined
  /** Sends a request. The runtime's own by default. */
  fetch?: Fetch | undefined
  /** Milliseconds for one exchange. 15,000 by default. */
  timeoutMs?: number | undefined
  /** How the sender names itself to Microsoft. `uetkit/` and its version by default. */
  dataProvider?: string | undefined
  /** Milliseconds since the epoch. */
  now?: (() => number) | undefined
}

/** Sends the events of one tag. */
export interface CapiClient {
  /**
   * Sends events, any number of them, as objects or as JSON texts of them, and answers one outcome for each, in their
   * order. Does not reject: what went wrong is in the outcomes. Does not retry either: when to send again is the
   * caller's to decide.
   */
  send(events: readonly (CapiEvent | string)[], signal?: AbortSignal): Promise<Outcome[]>
}

/** Throws a `TypeError` for options that cannot work. */
export function createCapiClient(options: CapiClientOptions): CapiClient {
  const { tagId, token, url = CAPI_URL, timeoutMs = 15_000, now = Date.now } = options
  const { fetch = (request) => globalThis.fetch(request), dataProvider = `uetkit/${VERSION}` } = options
  if (!isTagId(tagId)) throw new TypeError('tagId: expected the digits of a UET tag id')
  if (!/^[!-~]+$/.test(token))
    throw new TypeError('token: expected the Conversions API token of the tag, without spaces')
  if (!/^https?:\/\/[^/?#@]+\/?$/i.test(url)) throw new TypeError(`url: expected an origin such as ${CAPI_URL}`)

  const endpoint = `${url.replace(/\/$/, '')}/v1/${tagId}/events`
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept: 'application/json' }
  const head = `{"dataProvider":${JSON.stringify(dataProvider)},"continueOnValidationError":false,"data":[`
  const seconds = () => Math.floor(now() / 1000)

  return {
    async send(events, signal) {
      const post = async (batch: readonly Parcel[]): Promise<Verdict> => {
        const body = `${head}${batch.map(({ json }) => json).join(',')}]}`
        try {
          return readAnswer(await request(fetch, { url: endpoint, headers, body, timeoutMs, signal }), now())
        } catch (error) {
          return readFailure(error)
        }
      }
      const started = seconds()
      const parcels = events.map((event) => pack(event, started))
      await deliver(
        parcels.filter(({ outcome }) => !outcome),
        post,
        seconds,
      )
      return parcels.map(({ outcome }) => outcome!)
    },
  }
}

const encoder = new TextEncoder()
const scratch = new Uint8Array(32_768)

/** UTF-8 bytes of a text, without making them where it is short: there are a thousand in each request. */
const bytesOf = (text: string): number =>
  text.length * 3 <= scratch.length ? encoder.encodeInto(text, scratch).written : encoder.encode(text).length

function pack(source: CapiEvent | string, now: number): Parcel {
  try {
    const original: CapiEvent = typeof source === 'string' ? JSON.parse(source) : source
    // Microsoft names no tolerance for events from the future.
    const event = original.eventTime > now ? { ...original, eventTime: now } : original
    const { eventTime } = event
    const outcome = checkEvent(event, now)
    if (outcome) return { json: '', bytes: 0, eventTime, outcome }
    const json = typeof source === 'string' && event === original ? source : JSON.stringify(event)
    return { json, bytes: bytesOf(json), eventTime }
  } catch {
    return { json: '', bytes: 0, eventTime: 0, outcome: failed('invalid', 'unreadable') }
  }
}
