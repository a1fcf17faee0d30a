/** Why an audience run stopped. `usage` ends the command line with exit code 2, every other with 1. */
export type AudienceErrorCode =
  | 'usage'
  | 'source'
  | 'guard'
  | 'sign_in'
  | 'terms'
  | 'list_gone'
  | 'list_exists'
  | 'ledger'
  | 'network'
  | 'microsoft'
  | 'amplitude'
  | 'aborted'

/** A run that stopped. The message says what failed, where, and what to do; it never holds an e-mail address or a secret. */
export class AudienceError extends Error {
  override readonly name = 'AudienceError'
  readonly code: AudienceErrorCode
  readonly exitCode: 1 | 2

  constructor(code: AudienceErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.exitCode = code === 'usage' ? 2 : 1
  }
}
