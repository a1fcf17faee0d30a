import { HttpError } from '../../http/errors.ts'
import { type HttpAnswer, type HttpRequest, request } from '../../http/request.ts'
import { backoffMs, throttleMs } from '../../http/retry.ts'
import { type Runtime, stopped } from '../runtime.ts'
import type { TokenSource } from './auth.ts'
import {
  actionOf,
  type FaultAction,
  faultError,
  isFaultBody,
  readFaults,
  unanswered,
  type VendorFault,
} from './faults.ts'

export interface Operation {
  /** As Microsoft names it. */
  name: string
  method?: string
  url: string
  /** False: an attempt without an answer is not repeated, as it may have taken effect. True by default. */
  repeatable?: boolean
  timeoutMs?: number
  maxBytes?: number
}

/** Headers and body for one attempt with this access token. */
export type Attempt = (accessToken: string) => {
  headers: Record<string, string>
  body: NonNullable<HttpRequest['body']>
}

export type JsonObject = Record<string, unknown>

const TIMEOUT_MS = 60_000
const MAX_BYTES = 16 << 20
/** https://learn.microsoft.com/en-us/advertising/guides/handle-service-errors-exceptions */
const PATIENCE = { failures: 5, internal: 3, throttledMs: 30 * 60_000, busyMs: 15 * 60_000, busyStepMs: 60_000 }

/**
 * One operation, repeated as its failures allow: without an answer or after a server error with growing waits,
 * throttled as long as told, once with a new access token. Answers the JSON object of a success.
 *
 * @throws AdsError; `ambiguous` when it may have taken effect.
 */
export async function call(
  operation: Operation,
  attempt: Attempt,
  tokens: TokenSource,
  runtime: Runtime,
): Promise<JsonObject> {
  const used = { failures: 0, internal: 0, throttledMs: 0, busyMs: 0, refreshed: false }
  let perhapsDone = false
  const wait = (ms: number) => runtime.sleep(ms)

  for (;;) {
    const accessToken = await tokens.accessToken()
    const answer = await exchange(operation, attempt(accessToken), runtime)
    const result = read(answer)
    if ('object' in result) return result.object
    const { action, fault, what } = result
    // An attempt without an answer stays in doubt, however clear the answer to the next one is.
    perhapsDone ||= action === 'retry'
    const failed = () => {
      const error = fault ? faultError(operation.name, fault, trackingId(answer)) : unanswered(operation.name, what)
      error.ambiguous ||= perhapsDone
      return error
    }

    if (action === 'refresh') {
      if (used.refreshed) throw failed()
      used.refreshed = true
      tokens.forget(accessToken)
    } else if (action === 'throttled') {
      const ms = throttleMs(header(answer, 'retry-after'), runtime.now())
      if (used.throttledMs + ms > PATIENCE.throttledMs) throw failed()
      used.throttledMs += ms
      await wait(ms)
    } else if (action === 'busy') {
      if (used.busyMs + PATIENCE.busyStepMs > PATIENCE.busyMs) throw failed()
      used.busyMs += PATIENCE.busyStepMs
      await wait(PATIENCE.busyStepMs)
    } else if (action === 'retry') {
      const tries = fault ? ++used.internal : ++used.failures
      const enough = tries >= (fault ? PATIENCE.internal : PATIENCE.failures)
      if (enough || operation.repeatable === false) throw failed()
      await wait(backoffMs(tries - 1, runtime.random()))
    } else {
      throw failed()
    }
  }
}

/** The error itself when there was no answer. */
async function exchange(
  { method = 'POST', url, timeoutMs = TIMEOUT_MS, maxBytes = MAX_BYTES }: Operation,
  { headers, body }: ReturnType<Attempt>,
  { fetch, signal }: Runtime,
): Promise<HttpAnswer | HttpError> {
  try {
    return await request(fetch, { method, url, headers, body, timeoutMs, maxBytes, signal })
  } catch (error) {
    if (signal?.aborted) throw stopped()
    if (error instanceof HttpError) return error
    throw error
  }
}

type Reading = { object: JsonObject } | { action: FaultAction; fault?: VendorFault | undefined; what: string }

function read(answer: HttpAnswer | HttpError): Reading {
  if (answer instanceof HttpError) {
    return { action: answer.kind === 'network' || answer.kind === 'timeout' ? 'retry' : 'stop', what: answer.message }
  }
  const { status, text } = answer
  const body = parse(text)
  const [fault] = readFaults(body)
  const success = status >= 200 && status < 300
  if (success && body && !isFaultBody(body)) return { object: body }
  if (fault) return { action: faultAction(fault, status), fault, what: '' }
  const what = success ? 'the answer was empty or cut off.' : `answered with status ${status} and no reason.`
  return { action: success || status >= 500 ? 'retry' : (BY_STATUS[status] ?? 'stop'), what }
}

const BY_STATUS: Readonly<Record<number, FaultAction>> = { 401: 'refresh', 408: 'retry', 429: 'throttled' }

/** The status decides where the code only says that something went wrong. */
function faultAction(fault: VendorFault, status: number): FaultAction {
  const action = actionOf(fault)
  return action === 'stop' || action === 'retry' ? (BY_STATUS[status] ?? action) : action
}

function parse(text: string): JsonObject | undefined {
  try {
    const value = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

const header = (answer: HttpAnswer | HttpError, name: string): string | undefined =>
  answer instanceof HttpError ? undefined : (answer.headers.get(name) ?? undefined)

const trackingId = (answer: HttpAnswer | HttpError): string | undefined =>
  header(answer, 'trackingid') ?? header(answer, 'x-ms-trackingid')
