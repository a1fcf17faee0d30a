import { parseAmount, parseCurrency } from './money.ts'
import { readPath } from './paths.ts'

/** Longest text sent to the tag, in UTF-16 units: long addresses make the tag leave out parts of its beacon. */
export const MAX_TEXT = 500

/** Most products, ids or promotions sent with one event. */
const MAX_ENTRIES = 100

/** Params as the tag takes them: fresh, unfrozen, with `Object.prototype`, because the tag calls their methods and writes. */
export type UetParams = Record<string, unknown>

/**
 * Every parameter that an event may carry. `trip_` stands for `travel_` and `flight_`. Not here: `event_id` (the event's
 * own), `pid` and `vid` (identity has its own ways), `page_*` (page loads only), and the tag's undocumented ones.
 * https://learn.microsoft.com/en-us/advertising/msa-help/hlp_ba_conc_uet_parameters_table
 */
const NAMES =
  'event_category event_label event_value revenue_value currency transaction_id search_term ecomm_pagetype ecomm_prodid ecomm_totalvalue ecomm_category items promotions shipping tax coupon affiliation checkout_step checkout_option new_customer method content_id content_type description fatal name screen_name hct_base_price hct_total_price hct_booking_xref hct_partner_hotel_id hct_checkin_date hct_checkout_date hct_length_of_stay hct_pagetype trip_destid trip_originid trip_pagetype trip_startdate trip_enddate trip_totalvalue'.split(
    ' ',
  )

/** What a product or a promotion may hold, also under the names of the analytics.js convention. */
const ITEM_NAMES =
  'id sku product_id name brand category variant price quantity list_name list_position position location_id creative_name creative_slot'.split(
    ' ',
  )

/** The words that a parameter may hold, by the initial of its name; `travel_` and `flight_` share those of the rest. */
const WORDS: Record<string, string> = {
  n: 'true false 1 0',
  e: 'home searchresults other category product cart purchase',
  h: 'home searchresults other offerdetail conversionintent conversion cancel property cart purchase',
}
export const isParam = (name: string): boolean => NAMES.includes(name.replace(/^(travel|flight)_/, 'trip_'))

/**
 * Text that survives `encodeURIComponent`: at most {@link MAX_TEXT}, trimmed, without halves of surrogate pairs, on
 * which that function throws. `undefined` for anything but a string and for an empty one.
 */
export const cleanText = (value: unknown): string | undefined =>
  typeof value === 'string'
    ? value
        .slice(0, MAX_TEXT)
        .replace(/\p{Cs}/gu, '')
        .trim() || undefined
    : undefined

/** A list with each entry once: one product may be on several lines of an order. */
export const distinct = (value: unknown): unknown => (Array.isArray(value) ? [...new Set(value)] : value)

const listOf = (value: unknown, read: (entry: unknown) => unknown) => {
  const list = Array.isArray(value) ? value : [value]
  const length = Math.min(list.length, MAX_ENTRIES)
  const entries = Array.from({ length }, (_, index) => read(readPath(list, `${index}`))).filter(Boolean)
  return entries[0] && entries
}

const item = (product: unknown): UetParams | undefined => {
  let result: UetParams | undefined
  for (const name of ITEM_NAMES) {
    const value = readParam(name, readPath(product, name))
    // Of several names for one key, the last one present wins.
    if (value !== undefined)
      (result ??= {})[name.replace(/^(sku|product_id)$/, 'id').replace(/^position/, 'list_$&')] = value
  }
  return result
}

/**
 * Turns a value into one that the tag accepts for a parameter, or `undefined`. The tag throws on a value that breaks its
 * rule, and before it has loaded that silences it for the whole page. The rule follows from the name.
 */
export function readParam(name: string, value: unknown): unknown {
  if (name === 'currency') return parseCurrency(value)
  const whole = /step|stay|position/.test(name)
  if (whole || /value|price|quantity|shipping|tax/.test(name)) {
    const amount = parseAmount(value)!
    return (whole && amount % 1) || (/stay/.test(name) && amount > 30) ? undefined : amount
  }
  if (/pagetype|customer/.test(name)) {
    const word = `${value}`.trim().toLowerCase()
    return (WORDS[name[0]!] ?? 'home searchresults other offerdetail conversionintent conversion cancel')
      .split(' ')
      .find((known) => known === word)
  }
  if (/^(items|promotions)/.test(name)) return listOf(value, item)
  if (/prodid/.test(name))
    return listOf(value, (product) => {
      const id = readParam('id', typeof product === 'object' ? item(product)?.id : product) as string
      return id?.length <= 50 && id
    })
  const text = cleanText(Number.isFinite(value) && !/^event/.test(name) ? `${value}` : value)
  return /date/.test(name) && !/^\d{4}-\d\d-\d\d$/.test(text!) ? undefined : text
}

/** Takes out what the tag rejects in combination, and spells out the one value it would fill in by itself. */
export function applyJointRules(action: string, params: UetParams, drop: (name: string) => void): void {
  const hotel = 'hct_total_price' in params
  for (const name in params) {
    if (
      // "The pagetype parameter is required when you include the prodid parameter."
      (/prodid/.test(name) && !params.ecomm_pagetype) ||
      // Hotel bookings state their own price; the tag throws when revenue comes with it.
      (hotel ? /^(revenue|ecomm_total)/.test(name) : /^hct/.test(name)) ||
      (!params.currency && /^hct_(?!t)/.test(name))
    )
      drop(name)
  }
  // The tag takes the total as revenue here, so the copy for the server has to say the same.
  if (action + params.ecomm_pagetype === 'purchasepurchase' && 'ecomm_totalvalue' in params) {
    params.revenue_value ??= params.ecomm_totalvalue
  }
}
