import { adFault, apiFault, batchError, ERRORS, jsonResponse, type VendorError } from './respond.ts'

export type FakeAdsFault =
  /** 429 with error 117; `retryAfter` in seconds sets the header. */
  | { kind: 'throttle'; retryAfter?: number }
  /** Error 4204. */
  | { kind: 'busy' }
  /** Error 0 with status 500. */
  | { kind: 'internal' }
  /** A proxy's page with status 502. */
  | { kind: 'html' }
  /** Status 503 without a body. */
  | { kind: 'unavailable' }
  /** The access token counts as expired. */
  | { kind: 'expired' }
  /** The connection breaks before anything happened. */
  | { kind: 'reset' }
  /** The connection breaks after everything happened. */
  | { kind: 'lost' }
  /** Everything happens, and the answer is 200 with half of its body, or none. */
  | { kind: 'garbled' | 'empty' }
  /** Everything happens, and `PartialErrors` is null, or absent. */
  | { kind: 'null-errors' | 'no-errors' }
  /** Items at these places are not applied and answer with this error; with a place that no item has, none is. */
  | { kind: 'partial'; error: VendorError; indexes: (number | null)[] }
  /** Nothing happens; any error in either envelope, with any status. */
  | { kind: 'fault'; error: VendorError; status?: number; envelope?: 'ad' | 'batch' | 'operation' }
  /** No answer at all until the client gives up. */
  | { kind: 'hang' }

/** How a broken connection looks to `fetch`. A server that mounts the stand-in should destroy the socket. */
export class ConnectionBroken extends TypeError {
  override readonly name = 'ConnectionBroken'
  constructor() {
    super('fetch failed')
  }
}

/** Answers in place of, or after, `run`. */
export async function withFault(
  fault: FakeAdsFault,
  run: (without?: readonly (number | null)[]) => Promise<Response>,
  request: Request,
): Promise<Response> {
  switch (fault.kind) {
    case 'throttle': {
      const after = fault.retryAfter === undefined ? {} : { 'Retry-After': `${fault.retryAfter}` }
      return adFault(ERRORS.callRate, 429, after)
    }
    case 'busy':
      return apiFault(ERRORS.uploadsAtOnce, 400)
    case 'internal':
      return adFault(ERRORS.internal, 500)
    case 'html':
      return new Response('<html><body><h1>502 Bad Gateway</h1></body></html>', { status: 502 })
    case 'unavailable':
      return new Response('', { status: 503 })
    case 'expired':
      return adFault(ERRORS.tokenExpired, 401)
    case 'fault':
      return fault.envelope === 'ad'
        ? adFault(fault.error, fault.status ?? 400)
        : apiFault(fault.error, fault.status ?? 400, fault.envelope)
    case 'reset':
      throw new ConnectionBroken()
    case 'hang':
      return new Promise((_, reject) => request.signal.addEventListener('abort', () => reject(new ConnectionBroken())))
    case 'partial':
      return partial(fault, run)
    default:
      return afterwards(fault.kind, await run())
  }
}

async function afterwards(
  kind: 'lost' | 'garbled' | 'empty' | 'null-errors' | 'no-errors',
  done: Response,
): Promise<Response> {
  if (kind === 'lost') throw new ConnectionBroken()
  if (kind === 'empty') return new Response('', { status: 200 })
  const text = await done.text()
  if (kind === 'garbled') return new Response(text.slice(0, Math.floor(text.length / 2)), { status: 200 })
  const { PartialErrors: _, ...body } = JSON.parse(text)
  return jsonResponse(kind === 'null-errors' ? { ...body, PartialErrors: null } : body, done.status)
}

async function partial(
  { error, indexes }: Extract<FakeAdsFault, { kind: 'partial' }>,
  run: (without: readonly (number | null)[]) => Promise<Response>,
): Promise<Response> {
  const body = (await (await run(indexes)).json()) as { PartialErrors: unknown[] }
  return jsonResponse({
    ...body,
    PartialErrors: [...indexes.map((index) => batchError(error, index)), ...body.PartialErrors],
  })
}
