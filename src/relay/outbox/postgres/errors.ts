import { OutboxError } from '../outbox.ts'
import { SchemaError } from './schema.ts'

const REMEDIES: Record<string, string> = {
  '28': 'The server refused the sign-in. Check user and password of the address.',
  '3D': 'There is no such database. Create it, or correct the address.',
  '42': 'The role may not use or make the schema "uetkit". Grant it CREATE on the database.',
}

/**
 * What a failed statement means for the relay, by SQLSTATE. The server's own text stays out of the message, because it
 * may quote data. https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export function toOutboxError(error: unknown, place: string): OutboxError {
  if (error instanceof OutboxError) return error
  const code = String((error as { code?: unknown })?.code ?? '')
  const kind = code.slice(0, 2)
  if (error instanceof SchemaError) return new OutboxError('unusable', `${place}: ${error.message}`)
  if (code === 'ERR_MODULE_NOT_FOUND') {
    return new OutboxError('unusable', `${place} needs the package pg. Install it: npm install pg`)
  }
  if (code === '53100') {
    return new OutboxError('full', `${place} has no room left on its disk. Make room.`, { retryAfterMs: 30_000 })
  }
  if (kind in REMEDIES && /^[0-9A-Z]{5}$/.test(code)) {
    return new OutboxError('unusable', `${place}: ${REMEDIES[kind]} (SQLSTATE ${code})`, { retryAfterMs: 30_000 })
  }
  const why =
    code === '57014'
      ? 'answers too slowly'
      : code === '25006'
        ? 'is read-only at the moment; a failover may be under way'
        : 'cannot be reached, or broke off'
  return new OutboxError('unavailable', `${place} ${why}${code && ` (${code})`}. It is tried again by itself.`)
}

/** A statement that lost against another one, and is safe to repeat as a whole: deadlock, serialization failure. */
export const isContention = (error: unknown): boolean =>
  /^40(P01|001)$/.test(String((error as { code?: unknown })?.code ?? ''))
