/**
 * A configuration that cannot be used. The message names the key, what was found (never a secret) and what is allowed;
 * the command line ends with exit code 2.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly code = 'config'
  readonly exitCode = 2
}
