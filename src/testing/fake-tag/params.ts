import {
  currency,
  date,
  flag,
  integer,
  listOf,
  number,
  oneOf,
  productIds,
  restricted,
  text,
  type ValueRule,
} from './value-rules.ts'

export interface Param {
  /** Key on the wire. */
  wire: string
  rule: ValueRule
}

export const PAGE_TYPES = ['home', 'searchresults', 'category', 'product', 'cart', 'purchase', 'other']

const TRAVEL_PAGE_TYPES = [
  'home',
  'searchresults',
  'offerdetail',
  'conversionintent',
  'conversion',
  'property',
  'cart',
  'purchase',
  'cancel',
  'other',
]

const ITEM_FIELDS: ReadonlyMap<string, ValueRule> = new Map(
  Object.entries({
    id: text,
    name: text,
    brand: text,
    category: text,
    variant: text,
    price: number,
    quantity: number,
    list_name: text,
    list_position: integer,
    location_id: text,
    creative_name: text,
    creative_slot: text,
  }),
)

const PROMOTION_FIELDS: ReadonlyMap<string, ValueRule> = new Map(
  Object.entries({ id: text, name: text, creative_name: text, creative_slot: text }),
)

const stayLength: ValueRule = (value, name) => {
  const nights = integer(value, name)
  if (Number(nights) > 30) throw `${name} cannot be greater than 30`
  return nights
}

const RENAMED: Record<string, Param> = {
  event_action: { wire: 'ea', rule: text },
  event_category: { wire: 'ec', rule: text },
  event_label: { wire: 'el', rule: text },
  event_value: { wire: 'ev', rule: number },
  revenue_value: { wire: 'gv', rule: number },
  currency: { wire: 'gc', rule: currency },
  new_customer: { wire: 'nca', rule: flag },
  ecomm_prodid: { wire: 'prodid', rule: productIds },
  ecomm_pagetype: { wire: 'pagetype', rule: oneOf(PAGE_TYPES) },
}

const SAME_NAME: [rule: ValueRule, names: string][] = [
  [text, 'event_id transaction_id search_term method coupon affiliation content_id content_type description fatal'],
  [text, 'name screen_name checkout_option brs_response_id tpp vid gtm_tag_source page_title page_location page_path'],
  [text, 'ecomm_category ecomm_query ecomm_exp hct_booking_xref hct_partner_hotel_id'],
  [text, 'travel_destid travel_originid flight_destid flight_originid'],
  [integer, 'checkout_step'],
  [number, 'shipping tax ecomm_totalvalue hct_base_price hct_total_price travel_totalvalue flight_totalvalue'],
  [date, 'hct_checkin_date hct_checkout_date travel_startdate travel_enddate flight_startdate flight_enddate'],
  [stayLength, 'hct_length_of_stay'],
  [oneOf(TRAVEL_PAGE_TYPES), 'hct_pagetype travel_pagetype flight_pagetype'],
  [restricted, 'rep'],
  [listOf(ITEM_FIELDS), 'items'],
  [listOf(PROMOTION_FIELDS), 'promotions'],
]

/** Every parameter of the `event` syntax except `pid`; unknown names are dropped without a word. */
export const PARAMS: ReadonlyMap<string, Param> = new Map([
  ...Object.entries(RENAMED),
  ...SAME_NAME.flatMap(([rule, names]) => names.split(' ').map((wire): [string, Param] => [wire, { wire, rule }])),
])

const NUMERIC: readonly ValueRule[] = [number, integer, stayLength]

/** An empty string is left out, except as a number, where it is an error. */
export const isBlank = (param: Param, value: unknown): boolean =>
  value === undefined || value === null || (value === '' && !NUMERIC.includes(param.rule))
