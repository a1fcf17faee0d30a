/** A request that is not served, with the answer it gets. The message holds no value of the request. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly status: 400 | 401 | 403 | 413 | 415 | 429 | 503
  /** One of a fixed set, as it is counted by. */
  readonly code: string
  /** Milliseconds after which trying again makes sense. */
  readonly retryAfterMs: number | undefined

  constructor(status: Refusal['status'], code: string, message: string, retryAfterMs?: number) {
    super(message)
    this.status = status
    this.code = code
    this.retryAfterMs = retryAfterMs
  }
}
