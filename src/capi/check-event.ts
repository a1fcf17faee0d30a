import { CAPI_IDENTIFIERS, CAPI_MAX_AGE, type CapiEvent } from '../core/capi-json.ts'
import { failed, type Outcome } from './outcome.ts'

/**
 * What Microsoft is known to refuse, found before it is sent, because one bad event refuses a whole batch. `now` is in
 * seconds. Undefined when nothing is wrong. An event without a clear consent is never sent: it would count as granted.
 * https://learn.microsoft.com/en-us/advertising/guides/uet-conversion-api-integration
 */
export function checkEvent(event: CapiEvent, now: number): Outcome | undefined {
  const { eventType, eventTime, eventSourceUrl, adStorageConsent, userData } = event
  if (eventType !== 'pageLoad' && eventType !== 'custom') return failed('invalid', 'InvalidEnumValue: eventType')
  if (eventTime === undefined || eventTime === null) return failed('invalid', 'Empty: eventTime')
  if (!Number.isInteger(eventTime)) return failed('invalid', 'InvalidEventTime: eventTime')
  if (now - eventTime > CAPI_MAX_AGE) return failed('expired', 'expired')
  if (adStorageConsent !== 'G' && adStorageConsent !== 'D')
    return failed('invalid', 'InvalidEnumValue: adStorageConsent')
  if (eventType === 'pageLoad' && !eventSourceUrl) return failed('invalid', 'Empty: eventSourceUrl')
  if (eventType === 'pageLoad' && !isAbsolute(eventSourceUrl)) return failed('invalid', 'InvalidUrl: eventSourceUrl')
  return CAPI_IDENTIFIERS.some((key) => userData?.[key]) ? undefined : failed('invalid', 'Empty: userData')
}

const isAbsolute = (url: unknown): boolean => typeof url === 'string' && /^https?:\/\//i.test(url) && URL.canParse(url)
