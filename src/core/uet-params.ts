import { parseAmount, parseCurrency } from './money.ts'
import { readPath } from './paths.ts'

/** Longest text sent to the tag, in UTF-16 units: long addresses make the tag leave out parts of its beacon. */
export const MAX_TEXT = 500

/** Most products, ids or promotions sent with one event. */
export const MAX_ENTRIES = 100

/** Params as the tag takes them: fresh, unfrozen, with `Object.prototype`, because the tag calls their methods and writes. */
export type UetParams = Record<string, unknown>

/** Turns a value into one that the tag accepts for a parameter, or `undefined`. Throws on a revoked proxy only. */
type Rule = (value: unknown) => unknown

/**
 * Text that survives `encodeURIComponent`: at most {@link MAX_TEXT}, trimmed, without halves of surrogate pairs, on
 * which that function throws. `undefined` for anything but a string and for an empty one.
 */
export function cleanText(value: unknown): string | undefined {
  return typeof value === 'string'
    ? value
        .slice(0, MAX_TEXT)
        .replace(/\p{Cs}/gu, '')
        .trim() || undefined
    : undefined
}

const text = (value: unknown) => cleanText(typeof value === 'number' && Number.isFinite(value) ? `${value}` : value)

const integer = (value: unknown) => {
  const number = parseAmount(value)
  return Number.isInteger(number) ? number : undefined
}

const nights: Rule = (value) => {
  const number = integer(value)
  return number! <= 30 ? number : undefined
}

const date: Rule = (value) => {
  const day = cleanText(value)
  return day && /^\d{4}-\d\d-\d\d$/.test(day) ? day : undefined
}

const oneOf =
  (words: string): Rule =>
  (value) => {
    const word = text(value)?.toLowerCase()
    return words.split(' ').find((allowed) => allowed === word)
  }

const shortText: Rule = (value) => {
  const id = text(value)
  return id && id.length <= 50 ? id : undefined
}

const listOf =
  (rule: Rule): Rule =>
  (value) => {
    const list = Array.isArray(value) ? value : [value]
    const length = Math.min(list.length, MAX_ENTRIES)
    const entries = new Set(Array.from({ length }, (_, index) => rule(readPath(list, `${index}`))))
    entries.delete(undefined)
    return entries.size ? [...entries] : undefined
  }

// Also the names of the analytics.js convention; of several for one key, the last one present wins.
const ITEM: Record<string, Rule> = {
  id: text,
  sku: text,
  product_id: text,
  name: text,
  brand: text,
  category: text,
  variant: text,
  price: parseAmount,
  quantity: parseAmount,
  list_name: text,
  list_position: integer,
  position: integer,
  location_id: text,
  creative_name: text,
  creative_slot: text,
}
const ITEM_KEYS: Record<string, string> = { sku: 'id', product_id: 'id', position: 'list_position' }

const item = (product: unknown): UetParams | undefined => {
  const result: UetParams = {}
  for (const key in ITEM) {
    const value = ITEM[key]!(readPath(product, key))
    if (value !== undefined) result[ITEM_KEYS[key] ?? key] = value
  }
  return Object.keys(result).length ? result : undefined
}

const yesOrNo = oneOf('true false 1 0')
const travelPage = oneOf('home searchresults offerdetail conversionintent conversion cancel other')

/**
 * Every parameter that an event may carry, with its rule. Not here: `event_id` (the event's own), `pid` and `vid`
 * (identity has its own ways), `page_*` (page loads only), and the tag's undocumented ones. The tag throws on a value
 * that breaks its rule, and before it has loaded that silences it for the whole page.
 *
 * Sources: https://learn.microsoft.com/en-us/advertising/msa-help/hlp_ba_conc_uet_parameters_table and the rules built
 * into the tag script.
 */
export const UET_PARAMS: Record<string, Rule> = {
  // A name such as "constructor" must find nothing.
  __proto__: null as never,
  event_category: cleanText,
  event_label: cleanText,
  event_value: parseAmount,
  revenue_value: parseAmount,
  currency: parseCurrency,
  transaction_id: text,
  search_term: text,
  ecomm_pagetype: oneOf('home searchresults category product cart purchase other'),
  ecomm_prodid: listOf((product) => shortText(typeof product === 'object' ? item(product)?.id : product)),
  ecomm_totalvalue: parseAmount,
  ecomm_category: text,
  items: listOf(item),
  promotions: listOf(item),
  shipping: parseAmount,
  tax: parseAmount,
  coupon: text,
  affiliation: text,
  checkout_step: integer,
  checkout_option: text,
  new_customer: (value) => yesOrNo(typeof value === 'boolean' ? `${value}` : value),
  method: text,
  content_id: text,
  content_type: text,
  description: text,
  fatal: text,
  name: text,
  screen_name: text,
  hct_base_price: parseAmount,
  hct_total_price: parseAmount,
  hct_booking_xref: text,
  hct_partner_hotel_id: text,
  hct_checkin_date: date,
  hct_checkout_date: date,
  hct_length_of_stay: nights,
  hct_pagetype: oneOf('home searchresults offerdetail conversionintent conversion property cart purchase cancel other'),
  travel_destid: text,
  travel_originid: text,
  travel_pagetype: travelPage,
  travel_startdate: date,
  travel_enddate: date,
  travel_totalvalue: parseAmount,
  flight_destid: text,
  flight_originid: text,
  flight_pagetype: travelPage,
  flight_startdate: date,
  flight_enddate: date,
  flight_totalvalue: parseAmount,
}

/** Takes out what the tag rejects in combination, and spells out the one value it would fill in by itself. */
export function applyJointRules(action: string, params: UetParams, drop: (name: string) => void): void {
  // "The pagetype parameter is required when you include the prodid parameter."
  if (!params.ecomm_pagetype) drop('ecomm_prodid')
  if ('hct_total_price' in params) {
    // Hotel bookings state their own price; the tag throws when revenue comes with it.
    drop('revenue_value')
    drop('ecomm_totalvalue')
  }
  if (!('hct_total_price' in params && params.currency)) {
    for (const name in params) if (/^hct_(?!t)/.test(name)) drop(name)
  }
  // The tag takes the total as revenue here, so the copy for the server has to say the same.
  if (action + params.ecomm_pagetype === 'purchasepurchase' && 'ecomm_totalvalue' in params) {
    params.revenue_value ??= params.ecomm_totalvalue
  }
}
