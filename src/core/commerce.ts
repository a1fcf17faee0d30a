import { readPath } from './paths.ts'

// Each page type, and the event names, without spaces, that stand for it.
// Neither a cart to come back to nor one more purchase is `other`: those lists must not gain a visitor here.
const PAGE_TYPES =
  'searchresults,productssearched category,productlistviewed,productlistfiltered,productclicked product,productviewed,productaddedtowishlist,productshared,productreviewed cart,productadded,wishlistproductaddedtocart,cartviewed,cartshared,checkoutstarted,checkoutstepviewed,checkoutstepcompleted,paymentinfoentered purchase,ordercompleted other,productremoved,productremovedfromwishlist,orderupdated,orderrefunded,ordercancelled,ordercanceled'
    .split(' ')
    .map((each) => each.split(','))

/** What an event of the analytics.js e-commerce convention says, as paths into its properties. */
export type Commerce = [
  /** Where the revenue stands; `undefined` when the event takes money back. */
  revenue: string | undefined,
  /** `ecomm_pagetype`, or `undefined` if the event is not one of the convention. */
  pageType: string | undefined,
  /** UET parameter name → path. */
  paths: Record<string, string>,
]

/**
 * Recognises the events of the analytics.js e-commerce specification, version 2, in any case and with any separators
 * (`Order Completed`, `order_completed`, `orderCompleted`). Revenue of an order is `revenue`, else `total`, else
 * `value`; one that is present but unusable is not replaced. A refund or a cancellation has no revenue: the tag knows
 * no negative amounts, and a positive one would count as income.
 *
 * Source: https://www.twilio.com/docs/segment/connections/spec/ecommerce/v2
 */
export function readCommerce(name: string, properties: unknown): Commerce {
  const key = name.toLowerCase().replace(/[^a-z]/g, '')
  const pageType = PAGE_TYPES.find((names) => names.indexOf(key) > 0)?.[0]
  const find = (...names: string[]) => names.find((path) => (readPath(properties, path) ?? '') !== '')
  const total = find('revenue', 'total', 'value')
  const products = find('products') ?? (/product(?!ss|list)/.test(key) ? '' : undefined)
  const paths: Record<string, string> = { transaction_id: 'order_id', search_term: 'query' }
  if (products !== undefined) paths.items = paths.ecomm_prodid = products
  if (total && pageType !== 'other') paths.ecomm_totalvalue = total
  if (/product/.test(key)) paths.ecomm_category = 'category'
  return [/^order(r|ca)/.test(key) ? undefined : (pageType === 'purchase' && total) || 'revenue', pageType, paths]
}
