import { OutboxError } from '../outbox.ts'
import type { ErrorResult } from './protocol.ts'
import { SchemaError } from './schema.ts'

/** Primary result codes. https://www.sqlite.org/rescode.html */
const CODES = {
  perm: 3,
  busy: 5,
  locked: 6,
  readonly: 8,
  io: 10,
  corrupt: 11,
  full: 13,
  cantOpen: 14,
  auth: 23,
  notDatabase: 26,
}

const primary = (error: unknown): number | undefined => {
  const { errcode } = error as { errcode?: unknown }
  return typeof errcode === 'number' ? errcode & 0xff : undefined
}

const any = (error: unknown, ...codes: number[]) => codes.includes(primary(error) ?? -1)

/** The file is damaged: it has to be set aside. https://www.sqlite.org/howtocorrupt.html */
export const isDamage = (error: unknown) => any(error, CODES.corrupt, CODES.notDatabase)

/**
 * The open database can no longer be trusted: after a failed fsync the kernel may call pages clean that never reached
 * the disk, so nothing may be written on top of them. https://wiki.postgresql.org/wiki/Fsync_Errors
 */
export const isFatal = (error: unknown) => isDamage(error) || any(error, CODES.io, CODES.cantOpen)

/** What of an error goes to the other thread, which makes it anew. */
export const errorResult = ({ code, message, retryAfterMs }: OutboxError): ErrorResult => ({
  error: { code, message, retryAfterMs },
})

/** The error that callers get, which says what happened to which file, and what to do. */
export function outboxError(error: unknown, path: string): OutboxError {
  if (error instanceof OutboxError) return error
  const because = { cause: error }
  const text = error instanceof Error ? error.message : String(error)
  if (any(error, CODES.busy, CODES.locked)) {
    return new OutboxError('unavailable', `${path} is locked by another process. End what holds it open.`, because)
  }
  if (any(error, CODES.full) || (error as { code?: unknown }).code === 'ENOSPC') {
    const message = `The disk of ${path} is full. Make room on it; nothing that was accepted is lost.`
    return new OutboxError('full', message, { ...because, retryAfterMs: 30_000 })
  }
  if (any(error, CODES.io)) {
    const message = `The disk under ${path} failed (${text}). Check it and the system log; the store is opened again by itself.`
    return new OutboxError('unavailable', message, because)
  }
  if (isDamage(error)) {
    return new OutboxError('unavailable', `${path} is damaged and is being replaced (${text}).`, because)
  }
  if (error instanceof SchemaError) return new OutboxError('unusable', `${path} cannot be used: ${text}`, because)
  const { syscall } = error as { syscall?: unknown }
  if (any(error, CODES.perm, CODES.readonly, CODES.cantOpen, CODES.auth) || syscall !== undefined) {
    const message = `${path} cannot be opened for writing (${text}). Check the path, its owner and its permissions.`
    return new OutboxError('unusable', message, because)
  }
  return new OutboxError('unavailable', `The store ${path} failed: ${text}`, because)
}
