/** Why an exchange gave no usable answer. */
export type HttpErrorKind = 'network' | 'timeout' | 'aborted' | 'redirect' | 'too-large'

const REMEDY: Record<HttpErrorKind, string> = {
  network: 'no connection. Check DNS, the network and any proxy between here and that host.',
  timeout: 'no complete answer in time. Try again later, or raise the timeout.',
  aborted: 'stopped by the caller.',
  redirect:
    'answered with a redirect, which is never followed because it could carry the secret elsewhere. Check the URL.',
  'too-large': 'the answer is larger than any this API gives. Check the URL and any proxy in between.',
}

/** `POST host/path`: where a request went, without its query, which may hold secrets. */
export function describeRequest(method: string, url: string): string {
  try {
    const { host, pathname } = new URL(url)
    return `${method} ${host}${pathname}`
  } catch {
    return `${method} (not a URL)`
  }
}

/**
 * A request that brought no usable answer. The message says what failed, where, and what to do; it never holds a
 * query, a header or a body. The reason underneath is kept as `cause`.
 */
export class HttpError extends Error {
  override readonly name = 'HttpError'
  readonly kind: HttpErrorKind

  constructor(kind: HttpErrorKind, method: string, url: string, cause?: unknown) {
    super(`${describeRequest(method, url)}: ${REMEDY[kind]}`, { cause })
    this.kind = kind
  }
}
