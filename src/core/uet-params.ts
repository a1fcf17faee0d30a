import { parseAmount, parseCurrency } from './money.ts'
import { readPath } from './paths.ts'

/** Longest text sent to the tag, in UTF-16 units: long addresses make the tag leave out parts of its beacon. */
export const MAX_TEXT = 500

/** Most products, ids or promotions sent with one event. */
export const MAX_ENTRIES = 100

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

const BOOKING_PAGES = 'offerdetail conversionintent conversion cancel'
const PAGES: Record<string, string> = {
  e: 'category product cart purchase',
  h: `${BOOKING_PAGES} property cart purchase`,
  t: BOOKING_PAGES,
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

const oneOf = (words: string, value: unknown) =>
  words.split(' ').find((word) => word === `${value}`.trim().toLowerCase())

const listOf = (value: unknown, read: (entry: unknown) => unknown) => {
  const list = Array.isArray(value) ? value : [value]
  const length = Math.min(list.length, MAX_ENTRIES)
  const entries = new Set(Array.from({ length }, (_, index) => read(readPath(list, `${index}`))))
  entries.delete(undefined)
  return entries.size ? [...entries] : undefined
}

const item = (product: unknown, names = ITEM_NAMES): UetParams | undefined => {
  const result: UetParams = {}
  for (const name of names) {
    const value = readParam(name, readPath(product, name))
    // Of several names for one key, the last one present wins.
    if (value !== undefined) result[name.replace(/^(sku|product_id)$/, 'id').replace(/^position/, 'list_$&')] = value
  }
  return Object.keys(result).length ? result : undefined
}

/**
 * Turns a value into one that the tag accepts for a parameter, or `undefined`. The tag throws on a value that breaks its
 * rule, and before it has loaded that silences it for the whole page. The rule follows from the name.
 */
export function readParam(name: string, value: unknown): unknown {
  if ((value ?? '') === '') return
  const number = () => {
    const amount = parseAmount(value)
    return (!/step|stay|position/.test(name) || Number.isInteger(amount)) && !(/stay/.test(name) && amount! > 30)
      ? amount
      : undefined
  }
  if (name === 'currency') return parseCurrency(value)
  if (/value$|price|quantity|^shipping|^tax|step|stay|position/.test(name)) return number()
  if (/pagetype/.test(name)) return oneOf(`home searchresults other ${PAGES[name[0]!] ?? BOOKING_PAGES}`, value)
  if (/customer/.test(name)) return oneOf('true false 1 0', value)
  if (/^(items|promotions)/.test(name)) return listOf(value, (product) => item(product))
  if (/prodid/.test(name))
    return listOf(value, (product) => {
      const id = readParam(
        'id',
        typeof product === 'object' ? item(product, ITEM_NAMES.slice(0, 3))?.id : product,
      ) as string
      return id?.length <= 50 ? id : undefined
    })
  const text = cleanText(Number.isFinite(value) && !/^event/.test(name) ? `${value}` : value)
  return /date$/.test(name) && !/^\d{4}-\d\d-\d\d$/.test(text!) ? undefined : text
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
