import { HttpError } from './errors.ts'

/** The part of `fetch` that is used here, so that tests and other runtimes can pass their own. */
export type Fetch = (request: Request) => Promise<Response>

export interface HttpRequest {
  /** `POST` by default. */
  method?: string
  url: string
  headers?: Record<string, string>
  body?: RequestInit['body']
  /** Milliseconds for the whole exchange, reading the body included. */
  timeoutMs: number
  /** The most bytes of an answer that are read. 256 KiB by default. */
  maxBytes?: number
  signal?: AbortSignal | undefined
}

export interface HttpAnswer {
  status: number
  headers: Headers
  text: string
}

/**
 * One exchange: never follows a redirect, never waits longer than `timeoutMs`, never reads more than `maxBytes`.
 * Resolves for every HTTP status; throws only `HttpError`.
 */
export async function request(fetch: Fetch, options: HttpRequest): Promise<HttpAnswer> {
  const { method = 'POST', url, headers = {}, body = null, timeoutMs, maxBytes = 262_144, signal } = options
  const abort = new AbortController()
  let stopped: HttpError | undefined
  let refuse: (error: HttpError) => void
  const stop = (error: HttpError) => {
    stopped = error
    refuse(error)
    abort.abort(error)
  }
  // A race, because a `fetch` that ignores its signal must not hold us.
  const limit = new Promise<never>((_, reject) => {
    refuse = reject
  })
  const onAbort = () => stop(new HttpError('aborted', method, url, signal?.reason))
  const timer = setTimeout(() => stop(new HttpError('timeout', method, url)), timeoutMs)
  signal?.addEventListener('abort', onAbort, { once: true })
  if (signal?.aborted) onAbort()

  const exchange = async (): Promise<HttpAnswer> => {
    const response = await fetch(new Request(url, { method, headers, body, redirect: 'manual', signal: abort.signal }))
    const redirected = response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400)
    if (redirected) {
      response.body?.cancel().catch(() => {})
      throw new HttpError('redirect', method, url)
    }
    return { status: response.status, headers: response.headers, text: await readText(response, maxBytes, method, url) }
  }

  try {
    return await Promise.race(stopped ? [limit] : [limit, exchange()])
  } catch (error) {
    if (stopped) throw stopped
    throw error instanceof HttpError ? error : new HttpError('network', method, url, error)
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}

/** Reads chunk by chunk, so that a hostile or broken answer cannot fill the memory. */
async function readText(response: Response, maxBytes: number, method: string, url: string): Promise<string> {
  if (!response.body) return ''
  const reader = response.body.getReader()
  const decoder = new TextDecoder()
  let bytes = 0
  let text = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    bytes += value.byteLength
    if (bytes > maxBytes) {
      reader.cancel().catch(() => {})
      throw new HttpError('too-large', method, url)
    }
    text += decoder.decode(value, { stream: true })
  }
}
