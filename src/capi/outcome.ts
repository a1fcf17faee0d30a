/** A field that Microsoft left out of an event that it took otherwise. */
export interface FieldWarning {
  /** Path inside the event, such as `userData.em`; `''` when unknown. */
  property: string
  /** Microsoft's code, such as `InvalidSha256`. */
  code: string
}

/** What became of one event. Holds no value of the event. */
export interface Outcome {
  /**
   * - `delivered`: Microsoft has it.
   * - `invalid`: Microsoft will never take it; `reason` says why.
   * - `expired`: older than the seven days that Microsoft accepts.
   * - `setup`: nothing is wrong with the event. The token, the tag or the address is, and until somebody repairs that,
   *   every event of the tag will fare the same.
   * - `retry`: not delivered, or nobody knows. Send it again later, with the same `eventId`.
   */
  status: 'delivered' | 'invalid' | 'expired' | 'setup' | 'retry'
  /**
   * Why it is not delivered: Microsoft's code and the field (`InvalidUrl: eventSourceUrl`), `oversize`, `expired`,
   * `throttled`, `network`, `timeout`, `aborted`, `redirect`, `too-large` (the answer), `not-json` (the answer), `tls`,
   * or `http-` and the status.
   */
  reason?: string
  /** Fields that were left out. */
  warnings: readonly FieldWarning[]
  /** Only when throttled: nothing of this tag should be sent before so many milliseconds have passed. 1 s to 1 h. */
  retryAfterMs?: number
}

const NONE: readonly FieldWarning[] = []

export const failed = (status: Exclude<Outcome['status'], 'delivered'>, reason: string): Outcome => ({
  status,
  reason,
  warnings: NONE,
})

export const delivered = (warnings: readonly FieldWarning[] = NONE): Outcome => ({ status: 'delivered', warnings })
