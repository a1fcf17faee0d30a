import type { CapiItem } from './capi-json.ts'
import { canonicalClickId, dashed, isUuid } from './identifiers.ts'
import { parseAmount } from './money.ts'
import { cleanText, distinct, readParam } from './uet-params.ts'

/** Turns a value into one that the Conversions API keeps for a field, or `undefined`. */
type Read = (value: unknown) => unknown

const text: Read = (value) => cleanText(Number.isFinite(value) ? `${value}` : value)

/** By the rule of the tag's parameter, so that the browser and the server say the same. */
const like =
  (param: string): Read =>
  (value) =>
    distinct(readParam(param, value))

/** An absolute http or https address as a browser would state it, without a user name or password. */
const readUrl: Read = (value) => {
  try {
    const url = new URL(value as string)
    if (url.username || url.password) url.username = url.password = ''
    return /^https?:$/.test(url.protocol) ? url.href : undefined
  } catch {
    return
  }
}

/** Whole seconds since the epoch, from milliseconds, seconds, a date, or its text. */
const seconds: Read = (value) => {
  const number = value instanceof Date ? +value : typeof value === 'string' ? readInstant(value) : value
  if (typeof number !== 'number' || !(number >= 1 && number < 1e14)) return
  // 1e11 is the year 5138 in seconds and 1973 in milliseconds.
  return Math.floor(number < 1e11 ? number : number / 1000)
}
const readInstant = (value: string) => (/^\d+(\.\d+)?$/.test(value.trim()) ? +value : Date.parse(value))

/** Devices that refuse tracking give an id of zeros. */
const deviceId: Read = (value) => {
  const id = text(value)
  return isUuid(id) && /[1-9a-f]/i.test(id) ? id : undefined
}

/** An e-mail address must not pass for a pseudonym. */
const visitorId: Read = (value) => {
  const id = text(value) as string | undefined
  return id?.includes('@') ? undefined : id
}

const clickId: Read = (value) => {
  const hex = canonicalClickId(value)
  return hex && dashed(hex)
}

const IPV4 = /^(?:::ffff:)?((?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4})$/i

const ipAddress: Read = (value) => {
  const address = typeof value === 'string' ? value.trim() : ''
  const [, v4] = IPV4.exec(address) ?? []
  return v4 ?? (/^[\da-f:.]*:[\da-f:.]*$/i.test(address) && readUrl(`http://[${address}]`) ? address : undefined)
}

/** `YYYY-MM-DD` of a day that exists. */
const day: Read = (value) => {
  const date = readParam('hct_checkin_date', value) as string | undefined
  // The 31st of February moves to March.
  return date && new Date(`${date}T00:00Z`).getUTCDate() === +date.slice(-2) ? date : undefined
}

/** Products as the tag gets them, without what only the tag knows. */
const toItems = (products: CapiItem[]): CapiItem[] | undefined => {
  const items: CapiItem[] = []
  for (const { id, name, price, quantity } of products) {
    if (!id && !name) continue
    const item: CapiItem = {}
    if (id) item.id = id
    if (name) item.name = name
    if (price !== undefined) item.price = price
    if (Number.isInteger(quantity)) item.quantity = quantity!
    items.push(item)
  }
  return items.length ? items : undefined
}

const items: Read = (value) => toItems((readParam('items', value) ?? []) as CapiItem[])

const keywords: Read = (value) => text(Array.isArray(value) ? value.filter((word) => text(word)).join(',') : value)

/**
 * Every field that an event may be given, by its path in the Conversions API. The type, the consent and the hashes'
 * values are not free: `as`, the event's consent and the hash rules decide them.
 * https://learn.microsoft.com/en-us/advertising/guides/uet-conversion-api-integration
 */
const FIELDS = new Map<string, Read>([
  ['eventId', text],
  ['eventName', text],
  ['eventTime', seconds],
  ['eventSourceUrl', readUrl],
  ['pageLoadId', (value) => (isUuid(value) ? value : undefined)],
  ['referrerUrl', readUrl],
  ['pageTitle', text],
  ['keywords', keywords],
  ['userData.anonymousId', visitorId],
  // These three are hashed afterwards, unless they are hashed already.
  ['userData.externalId', text],
  ['userData.em', text],
  ['userData.ph', text],
  ['userData.msclkid', clickId],
  ['userData.idfa', deviceId],
  ['userData.gaid', deviceId],
  ['userData.clientUserAgent', text],
  ['userData.clientIpAddress', ipAddress],
  ['customData.eventCategory', text],
  ['customData.eventLabel', text],
  ['customData.eventValue', parseAmount],
  ['customData.value', parseAmount],
  ['customData.currency', like('currency')],
  ['customData.transactionId', text],
  ['customData.searchTerm', text],
  ['customData.items', items],
  ['customData.itemIds', like('ecomm_prodid')],
  ['customData.pageType', like('ecomm_pagetype')],
  ['customData.ecommTotalValue', parseAmount],
  ['customData.ecommCategory', text],
  ['customData.hotelData.totalPrice', parseAmount],
  ['customData.hotelData.basePrice', parseAmount],
  ['customData.hotelData.checkinDate', day],
  ['customData.hotelData.checkoutDate', day],
  ['customData.hotelData.lengthOfStay', like('hct_length_of_stay')],
  ['customData.hotelData.partnerHotelId', text],
  ['customData.hotelData.bookingHref', text],
])

/** The tag's parameters that have a field of their own here. */
export const FROM_PARAM: ReadonlyMap<string, string> = new Map([
  ['event_category', 'customData.eventCategory'],
  ['event_label', 'customData.eventLabel'],
  ['event_value', 'customData.eventValue'],
  ['revenue_value', 'customData.value'],
  ['currency', 'customData.currency'],
  ['transaction_id', 'customData.transactionId'],
  ['search_term', 'customData.searchTerm'],
  ['items', 'customData.items'],
  ['ecomm_prodid', 'customData.itemIds'],
  ['ecomm_pagetype', 'customData.pageType'],
  ['ecomm_totalvalue', 'customData.ecommTotalValue'],
  ['ecomm_category', 'customData.ecommCategory'],
  ['hct_total_price', 'customData.hotelData.totalPrice'],
  ['hct_base_price', 'customData.hotelData.basePrice'],
  ['hct_checkin_date', 'customData.hotelData.checkinDate'],
  ['hct_checkout_date', 'customData.hotelData.checkoutDate'],
  ['hct_length_of_stay', 'customData.hotelData.lengthOfStay'],
  ['hct_partner_hotel_id', 'customData.hotelData.partnerHotelId'],
  ['hct_booking_xref', 'customData.hotelData.bookingHref'],
])

/** The value of a parameter that the tag accepts, as the field that {@link FROM_PARAM} names keeps it. */
export const fromParam = (param: string, value: unknown): unknown =>
  param === 'items' ? toItems(value as CapiItem[]) : param.endsWith('date') ? day(value) : value

const KEYS = new Map([...FIELDS.keys()].map((path) => [path, path.split('.')]))

/** Sets a field of an event, and makes the objects on the way to it. */
export function writeField(event: object, path: string, value: unknown): void {
  const keys = KEYS.get(path)!
  const last = keys.length - 1
  let target = event as Record<string, unknown>
  for (let n = 0; n < last; n++) target = (target[keys[n]!] ??= {}) as Record<string, unknown>
  target[keys[last]!] = value
}

/** All paths that {@link isCapiPath} knows, for messages. */
export const CAPI_PATHS: readonly string[] = [...FIELDS.keys()]

/** True for a field that a mapping may set, such as `customData.transactionId`. */
export const isCapiPath = (path: string): boolean => FIELDS.has(path)

/** The value of a field as the Conversions API keeps it, or `undefined`. Never throws. */
export function readField(path: string, value: unknown): unknown {
  try {
    return FIELDS.get(path)?.(value)
  } catch {
    return
  }
}
