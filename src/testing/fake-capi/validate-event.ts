import type { Complaint, Profile } from './finding.ts'
import { isMissing, isObject } from './json.ts'
import { customRules } from './validate-custom.ts'

export interface RuleOptions {
  profile: Profile
  /** Seconds since the epoch. */
  now: number
  /** Seconds that an event may lie in the future. */
  futureTolerance: number
  /** Whether a click id without dashes passes. Nobody knows whether Microsoft's does. */
  undashedClickIds: boolean
  /** Whether an identifier that a warning removes still counts as the one that is needed. Nobody knows either. */
  countRemovedIdentifiers: boolean
}

const DAY = 86_400
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const SHA256 = /^[0-9a-f]{64}$/i
const IDENTIFIERS = ['anonymousId', 'externalId', 'em', 'ph', 'msclkid', 'idfa', 'gaid']
const TEXTS = ['eventId', 'eventName', 'pageTitle', 'keywords']

/**
 * What the API finds wrong with one event, in document order. Codes that start with `Mock` are ours: Microsoft names
 * none for them.
 * https://learn.microsoft.com/en-us/advertising/guides/uet-conversion-api-integration
 */
export function validateEvent(event: unknown, options: RuleOptions): Complaint[] {
  const complaints: Complaint[] = []
  const complain = (path: string, code: string, message: string, warning: boolean, attempted?: unknown) =>
    complaints.push({ path, code, message: `'${path.split('.').at(-1)}' ${message}`, warning, attempted })
  const empty = (path: string) => complain(path, 'Empty', 'must not be empty.', false)
  if (!isObject(event)) {
    empty('')
    return complaints
  }
  const old = options.profile === '2025-10'

  const { eventType, eventTime, eventSourceUrl, referrerUrl, userData, customData, pageLoadId, adStorageConsent } =
    event
  const pageLoad = eventType === 'pageLoad'
  if (!pageLoad && eventType !== 'custom')
    complain('eventType', 'InvalidEnumValue', 'must be one of the following: pageLoad, custom.', false)

  if (isMissing(eventTime)) empty('eventTime')
  else if (!isInWindow(eventTime, options)) {
    const message = 'must be a valid UNIX UTC timestamp in seconds within last 7 days.'
    complain('eventTime', 'InvalidEventTime', message, false, eventTime)
  }

  if (isMissing(eventSourceUrl) || eventSourceUrl === '') {
    if (pageLoad) empty('eventSourceUrl')
  } else if (!isUrl(eventSourceUrl)) complain('eventSourceUrl', 'InvalidUrl', 'must be a valid URL.', !pageLoad)
  if (!isMissing(referrerUrl) && !isUrl(referrerUrl))
    complain('referrerUrl', 'InvalidUrl', 'must be a valid URL.', !old)
  for (const name of TEXTS)
    if (!isMissing(event[name]) && typeof event[name] !== 'string')
      complain(name, 'MockInvalidType', 'must be a string.', false)
  if (!isMissing(pageLoadId) && !matches(UUID, pageLoadId))
    complain('pageLoadId', 'MockInvalidUuid', 'must be a valid UUID.', true)
  // The trap: the field is removed, and an event without it counts as granted.
  if (!isMissing(adStorageConsent) && adStorageConsent !== 'G' && adStorageConsent !== 'D')
    complain('adStorageConsent', 'MockInvalidConsent', 'must be one of the following: G, D.', true)

  const user = isObject(userData) ? userData : {}
  for (const name of IDENTIFIERS) {
    const value = user[name]
    if (isMissing(value)) continue
    const path = `userData.${name}`
    if (typeof value !== 'string') complain(path, 'MockInvalidType', 'must be a string.', false)
    else if (/^(em|ph)$/.test(name) && !SHA256.test(value))
      complain(path, 'InvalidSha256', 'must be a valid SHA256 string.', !old)
    else if (/^(msclkid|idfa|gaid)$/.test(name) && !isDeviceOrClickId(name, value, options))
      complain(path, 'MockInvalidUuid', 'must be a valid UUID.', true)
  }
  const { clientIpAddress } = user
  if (!isMissing(clientIpAddress) && !isIp(clientIpAddress))
    complain('userData.clientIpAddress', 'MockInvalidIp', 'must be a valid IP address.', true)

  const removed = new Set(options.countRemovedIdentifiers ? [] : complaints.map(({ path }) => path))
  const identified = IDENTIFIERS.some(
    (name) => !isMissing(user[name]) && user[name] !== '' && !removed.has(`userData.${name}`),
  )
  if (!identified && !old) empty('userData')

  if (isObject(customData)) {
    for (const { path, message } of customRules(customData))
      complain(`customData.${path}`, 'MockInvalidField', message, true)
    if (pageLoad && !isMissing(customData.value))
      complain('customData.value', 'MockInvalidField', 'is not supported for pageLoad events.', true)
  } else if (!isMissing(customData)) complain('customData', 'MockInvalidType', 'must be an object.', false)

  return complaints
}

const matches = (pattern: RegExp, value: unknown) => typeof value === 'string' && pattern.test(value)

const isInWindow = (time: unknown, { now, futureTolerance }: RuleOptions) =>
  typeof time === 'number' && Number.isInteger(time) && time >= now - 7 * DAY && time <= now + futureTolerance

const isDeviceOrClickId = (name: string, value: string, { profile, undashedClickIds }: RuleOptions) =>
  UUID.test(value) ||
  (name === 'msclkid' && (profile === '2025-10' || (undashedClickIds && /^[0-9a-f]{32}$/i.test(value))))

const isUrl = (value: unknown) =>
  typeof value === 'string' && /^https?:\/\/[^/]/i.test(value) && !/\s/.test(value) && URL.canParse(value)

const isIp = (value: unknown) =>
  typeof value === 'string' &&
  (/^(\d{1,3}\.){3}\d{1,3}$/.test(value)
    ? value.split('.').every((part) => Number(part) <= 255)
    : value.includes(':') && URL.canParse(`http://[${value}]`))
