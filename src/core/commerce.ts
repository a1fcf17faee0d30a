import { readPath } from './paths.ts'

// Event names without spaces, by the page type they stand for.
const PAGE_TYPES = Object.entries({
  searchresults: 'productssearched',
  category: 'productlist(view|filter)ed|productclicked',
  product: 'product(viewed|addedtowishlist|shared|reviewed)',
  cart: '(wishlist)?productadded(tocart)?|cart(viewed|shared)|checkout(started|step(viewed|completed))|paymentinfoentered',
  purchase: 'ordercompleted',
  // Neither a cart to come back to nor one more purchase: those lists must not gain a visitor here.
  other: 'productremoved(fromwishlist)?|order(updated|refunded|cancell?ed)',
}).map(([type, names]) => [type, new RegExp(`^(${names})$`)] as const)

/** What an event of the analytics.js e-commerce convention says, as paths into its properties. */
export interface Commerce {
  /** `ecomm_pagetype`, or `undefined` if the event is not one of the convention. */
  pageType: string | undefined
  /** Where the revenue stands; `undefined` when the event takes money back. */
  revenue: string | undefined
  /** UET parameter name → path. */
  paths: Record<string, string>
}

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
  const find = (...names: string[]) => names.find((path) => (readPath(properties, path) ?? '') !== '')
  const total = find('revenue', 'total', 'value')
  const paths: Record<string, string> = {}
  const [pageType] = PAGE_TYPES.find(([, names]) => names.test(key)) ?? []
  if (pageType) {
    const products = find('products')
    if (products || find('product_id', 'sku') || /product(?!s|list)/.test(key)) {
      paths.items = paths.ecomm_prodid = products ?? ''
    }
    if (total && pageType !== 'other') paths.ecomm_totalvalue = total
    if (/product/.test(key)) paths.ecomm_category = 'category'
    paths.transaction_id = 'order_id'
    paths.search_term = 'query'
  }
  return {
    pageType,
    revenue: /^order(r|ca)/.test(key) ? undefined : (key === 'ordercompleted' && total) || 'revenue',
    paths,
  }
}
