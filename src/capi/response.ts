import type { CapiAnswer, CapiFinding } from '../core/capi-json.ts'
import { HttpError } from '../http/errors.ts'
import type { HttpAnswer } from '../http/request.ts'
import { throttleMs } from '../http/retry.ts'
import { type FieldWarning, failed, type Outcome } from './outcome.ts'

/** A finding without the texts and values, which may be personal. */
export interface Finding extends FieldWarning {
  /** Position in the batch. */
  index: number
  isWarning: boolean
}

/** What an answer says about a batch. */
export type Verdict =
  /** `received`: how many events Microsoft counted, if it said so. */
  | { kind: 'accepted'; findings: Finding[]; received: number | undefined }
  /** Nothing of the batch was taken. `serverTime`: seconds since the epoch, by their clock. */
  | { kind: 'refused'; findings: Finding[]; code: string; serverTime: number | undefined }
  /** Refused with 400, but not in Microsoft's words: a proxy, perhaps. */
  | { kind: 'unreadable' }
  | { kind: 'oversize' }
  /** The same for every event of the batch, and for those not sent yet. */
  | { kind: 'stop'; outcome: Outcome }

const stop = (status: 'setup' | 'retry', reason: string): Verdict => ({ kind: 'stop', outcome: failed(status, reason) })

/**
 * Only the status and `isWarning` decide; codes and messages that are not documented change nothing.
 * https://learn.microsoft.com/en-us/advertising/guides/uet-conversion-api-integration
 */
export function readAnswer({ status, headers, text }: HttpAnswer, now: number): Verdict {
  const retryAfter = headers.get('retry-after')
  if (status === 429 || (status === 503 && retryAfter !== null)) {
    return { kind: 'stop', outcome: { ...failed('retry', 'throttled'), retryAfterMs: throttleMs(retryAfter, now) } }
  }
  const body = parse(text)
  if (status >= 200 && status < 300) {
    // An empty answer still is one; a page of a proxy or a portal is not Microsoft's.
    if (!body && text.trim()) return stop('retry', 'not-json')
    const received = typeof body?.eventsReceived === 'number' ? body.eventsReceived : undefined
    return { kind: 'accepted', findings: readFindings(body), received }
  }
  if (status === 400) {
    if (!body?.error) return { kind: 'unreadable' }
    const date = Date.parse(headers.get('date') ?? '')
    const serverTime = Number.isNaN(date) ? undefined : Math.floor(date / 1000)
    return {
      kind: 'refused',
      findings: readFindings(body),
      code: word(body.error.code) || 'ValidationError',
      serverTime,
    }
  }
  if (status === 413) return { kind: 'oversize' }
  const transient = status === 408 || status === 425 || (status >= 500 && status !== 501 && status !== 505)
  return stop(transient ? 'retry' : 'setup', `http-${status}`)
}

/** A request that brought no answer. A certificate that is not trusted does not become so by waiting. */
export function readFailure(error: unknown): Verdict {
  if (!(error instanceof HttpError)) throw error
  let cause: unknown = error
  for (let depth = 0; depth < 5 && cause instanceof Error; depth++) {
    if (/CERT|SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)/.test(String((cause as { code?: unknown }).code)))
      return stop('setup', 'tls')
    cause = cause.cause
  }
  return stop('retry', error.kind)
}

function parse(text: string): CapiAnswer | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value && !Array.isArray(value) ? value : undefined
  } catch {
    return
  }
}

function readFindings(body: CapiAnswer | undefined): Finding[] {
  const details: unknown = body?.error?.details
  return (Array.isArray(details) ? details : []).map((detail: Partial<CapiFinding> | null) => {
    const [, position, property] =
      /^(?:data\[(\d+)\]\.?)?([\w.[\]]{0,100})$/.exec(`${detail?.propertyName ?? ''}`) ?? []
    return {
      index: Number.isInteger(detail?.index) ? detail!.index! : Number(position ?? -1),
      property: property ?? '',
      code: word(detail?.errorCode) || 'ValidationError',
      isWarning: detail?.isWarning === true,
    }
  })
}

/** A code is one word; anything else might be a value. */
const word = (code: unknown): string => (typeof code === 'string' && /^\w{1,60}$/.test(code) ? code : '')
