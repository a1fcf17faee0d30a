import { describe, expect, it } from 'vitest'
import { readCommerce } from '../../src/core/commerce.ts'
import { mapUet } from '../../src/core/map-uet.ts'

const mapping = { action: 'track', category: 'category', currency: 'currency', ecommerce: true }
const paramsOf = (name: string, properties: Record<string, unknown>) => {
  const { params } = mapUet({ type: 'track', id: '', name, time: 1, properties }, mapping)
  const { event_label, ...rest } = params
  expect(event_label).toBe(name)
  return rest
}

const product = {
  product_id: '507f',
  sku: 'G-32',
  category: 'Games',
  name: 'Monopoly',
  brand: 'Hasbro',
  variant: '200 pieces',
  price: 18.99,
  quantity: 1,
  coupon: 'MAYDEALS',
  position: 3,
  url: 'https://shop.example/p?email=a@b.example',
  image_url: 'https://shop.example/p.jpg',
}
const item = {
  id: '507f',
  name: 'Monopoly',
  brand: 'Hasbro',
  category: 'Games',
  variant: '200 pieces',
  price: 18.99,
  quantity: 1,
  list_position: 3,
}
const one = { items: [item], ecomm_prodid: ['507f'] }
const two = { items: [item, { id: 'b', price: 2 }], ecomm_prodid: ['507f', 'b'] }
const products = [product, { sku: 'b', price: '2' }]
const cart = { cart_id: 'c-1', products }
const order = { checkout_id: 'x', order_id: 'o-1', affiliation: 'A', total: 30, shipping: 3, products }

// Names and properties as in https://www.twilio.com/docs/segment/connections/spec/ecommerce/v2
describe('events of the e-commerce convention', () => {
  it.each<[string, Record<string, unknown>, object]>([
    ['Products Searched', { query: 'blue roses' }, { ecomm_pagetype: 'searchresults', search_term: 'blue roses' }],
    [
      'Product List Viewed',
      { list_id: 'l', category: 'Deals', products },
      { ecomm_pagetype: 'category', ecomm_category: 'Deals', event_category: 'Deals', ...two },
    ],
    [
      'Product List Filtered',
      { list_id: 'l', category: 'Deals', filters: [{ type: 'color' }], products },
      { ecomm_pagetype: 'category', ecomm_category: 'Deals', event_category: 'Deals', ...two },
    ],
    ['Product Clicked', product, { ecomm_pagetype: 'category', ...one }],
    [
      'Product Viewed',
      { ...product, currency: 'usd', value: 18.99 },
      { ecomm_pagetype: 'product', ecomm_totalvalue: 18.99, currency: 'USD', ...one },
    ],
    ['Product Added', { cart_id: 'c', ...product }, { ecomm_pagetype: 'cart', ...one }],
    ['Product Removed', { cart_id: 'c', ...product, value: 18.99 }, { ecomm_pagetype: 'other', ...one }],
    ['Cart Viewed', cart, { ecomm_pagetype: 'cart', ...two }],
    [
      'Checkout Started',
      { ...order, value: 25 },
      { ecomm_pagetype: 'cart', ecomm_totalvalue: 30, transaction_id: 'o-1', ...two },
    ],
    ['Checkout Step Viewed', { checkout_id: 'x', step: 2 }, { ecomm_pagetype: 'cart' }],
    ['Checkout Step Completed', { checkout_id: 'x', step: 2 }, { ecomm_pagetype: 'cart' }],
    ['Payment Info Entered', { checkout_id: 'x', order_id: 'o-1' }, { ecomm_pagetype: 'cart', transaction_id: 'o-1' }],
    [
      'Order Completed',
      { ...order, revenue: 25 },
      { ecomm_pagetype: 'purchase', ecomm_totalvalue: 25, revenue_value: 25, transaction_id: 'o-1', ...two },
    ],
    ['Order Updated', order, { ecomm_pagetype: 'other', transaction_id: 'o-1', ...two }],
    ['Order Refunded', { ...order, revenue: 25, value: 9 }, { ecomm_pagetype: 'other', transaction_id: 'o-1', ...two }],
    ['Order Cancelled', { ...order, revenue: 25 }, { ecomm_pagetype: 'other', transaction_id: 'o-1', ...two }],
    ['Product Added to Wishlist', { wishlist_id: 'w', ...product }, { ecomm_pagetype: 'product', ...one }],
    ['Product Removed from Wishlist', { wishlist_id: 'w', ...product }, { ecomm_pagetype: 'other', ...one }],
    ['Wishlist Product Added to Cart', { wishlist_id: 'w', ...product }, { ecomm_pagetype: 'cart', ...one }],
    [
      'Product Shared',
      { share_via: 'email', recipient: 'a@b.example', ...product },
      { ecomm_pagetype: 'product', ...one },
    ],
    ['Cart Shared', { share_via: 'email', recipient: 'a@b.example', ...cart }, { ecomm_pagetype: 'cart', ...two }],
    [
      'Product Reviewed',
      { product_id: '507f', review_body: 'x', rating: '5' },
      { ecomm_pagetype: 'product', items: [{ id: '507f' }], ecomm_prodid: ['507f'] },
    ],
    // Neither a page type nor products of theirs fit these.
    ['Promotion Viewed', { promotion_id: 'p', creative: 'top', name: 'x', position: 'y' }, {}],
    ['Promotion Clicked', { promotion_id: 'p', creative: 'top', name: 'x', position: 'y' }, {}],
    ['Coupon Entered', { order_id: 'o', coupon_id: 'c' }, {}],
    ['Coupon Applied', { order_id: 'o', coupon_id: 'c', discount: 5 }, {}],
    ['Coupon Denied', { order_id: 'o', coupon_id: 'c', reason: 'old' }, {}],
    ['Coupon Removed', { order_id: 'o', coupon_id: 'c', discount: 5 }, {}],
  ])('%s', (name, properties, expected) => {
    // The category of a single product is also the event's.
    const own = /^Product (Cl|V|A|R|S)|^Wishlist/.test(name) && 'category' in properties
    expect(paramsOf(name, properties)).toEqual({
      ...expected,
      ...(own && { ecomm_category: 'Games', event_category: 'Games' }),
    })
  })

  it.each(['order completed', 'ORDER COMPLETED', 'order_completed', 'orderCompleted', ' Order-Completed '])(
    'are recognised however they are written: %o',
    (name) => {
      expect(readCommerce(name, {})[1]).toBe('purchase')
    },
  )

  it.each([
    '',
    'Completed',
    'Order Completed Twice',
    'My Order Completed',
    'Product',
    'Products Viewed',
    'Order Placed',
  ])('are not taken for others: %o', (name) => {
    expect(readCommerce(name, {})[1]).toBeUndefined()
  })
})

describe('revenue', () => {
  it.each<[string, Record<string, unknown>, number | undefined]>([
    ['Order Completed', { revenue: 25, total: 30, value: 35 }, 25],
    ['Order Completed', { total: 30, value: 35 }, 30],
    ['Order Completed', { value: 35 }, 35],
    ['Order Completed', { revenue: 0, total: 30 }, 0],
    ['Order Completed', { revenue: '', total: '30' }, 30],
    ['Order Completed', { revenue: null, total: 30 }, 30],
    ['Order Completed', { revenue: '1,234', total: 30 }, undefined],
    ['Order Completed', { revenue: -5, total: 30 }, undefined],
    ['Order Completed', {}, undefined],
    ['Order Updated', { revenue: 25 }, 25],
    ['Order Updated', { total: 30 }, undefined],
    ['Signup', { revenue: 5 }, 5],
    ['Signup', { total: 5, value: 6 }, undefined],
    ['Checkout Started', { value: 35 }, undefined],
    ['Order Refunded', { revenue: 25, total: 30 }, undefined],
    ['Order Cancelled', { revenue: 25 }, undefined],
    ['Order Canceled', { revenue: 25 }, undefined],
  ])('of %s %o is %s', (name, properties, revenue) => {
    expect(paramsOf(name, properties).revenue_value).toBe(revenue)
  })

  it('of an order falls back also where e-commerce parameters are switched off', () => {
    const event = { type: 'track' as const, id: 'i', name: 'Order Completed', time: 1, properties: { total: 30 } }
    expect(mapUet(event, { ...mapping, ecommerce: false }).params).toEqual({
      event_label: 'Order Completed',
      revenue_value: 30,
      event_id: 'i',
    })
  })
})

describe('the tag’s rules for products', () => {
  it.each<[string, unknown, unknown]>([
    ['an id of 50 characters', [{ sku: 'x'.repeat(50) }], ['x'.repeat(50)]],
    ['an id of 51 characters', [{ sku: 'x'.repeat(51) }, { sku: 'b' }], ['b']],
    ['an empty id', [{ sku: '' }, { sku: 'b' }], ['b']],
    ['a numeric id', [{ product_id: 7 }], ['7']],
    ['an id with space around it', [{ product_id: ' 7 ' }], ['7']],
    ['both kinds of ids', [{ product_id: 'p', sku: 's' }], ['p']],
    ['an id of its own', [{ id: 'i' }], ['i']],
    ['no usable id at all', [{ name: 'x' }, null, 5, 'text'], ['5', 'text']],
    ['an id that is an object', [{ sku: { a: 1 } }], undefined],
    ['no products', [], undefined],
    ['one product that is no list', { sku: 's' }, ['s']],
  ])('%s', (_, given, ids) => {
    expect(paramsOf('Cart Viewed', { products: given }).ecomm_prodid).toEqual(ids)
  })

  it('takes the first hundred products', () => {
    const many = Array.from({ length: 1000 }, (_, index) => ({ sku: `s${index}` }))
    const params = paramsOf('Cart Viewed', { products: many })
    expect(params.ecomm_prodid).toHaveLength(100)
    expect(params.items).toHaveLength(100)
  })
})
