import type { CapiEvent } from '../core/capi-json.ts'
import type { ServerEvent } from '../core/event.ts'
import { type MapCapiOptions, mapCapi, type RefusalCode } from '../core/map-capi.ts'
import { normalizePhone } from './phone.ts'

export interface ToCapiEventOptions extends Omit<MapCapiOptions, 'now' | 'normalizePhone'> {
  /** Milliseconds since the epoch. Left out: the clock. */
  now?: number
  /** Country of phone numbers that come without a country code: ISO 3166, two letters. */
  defaultCountry?: string | undefined
}

/** An event that the Conversions API would not take, or that must not be sent. Its message holds no value. */
export class CapiEventError extends Error {
  override readonly name = 'CapiEventError'
  readonly code: RefusalCode

  constructor(code: RefusalCode, message: string) {
    super(message)
    this.code = code
  }
}

/**
 * Turns an event into the JSON that `createCapiClient().send` takes. Hashes e-mail addresses, phone numbers and user
 * ids. Rejects with {@link CapiEventError} when the event has no consent, no identifier, no page for a page load, or is
 * older than seven days.
 */
export async function toCapiEvent(event: ServerEvent, options: ToCapiEventOptions = {}): Promise<CapiEvent> {
  const { now = Date.now(), defaultCountry, ...rest } = options
  const phone = (raw: string) => normalizePhone(raw, defaultCountry)
  const result = await mapCapi(event, { ...rest, now, normalizePhone: phone })
  if (!result.ok) throw new CapiEventError(result.code, result.message)
  return result.event
}
