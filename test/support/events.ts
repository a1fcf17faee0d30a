import type { ServerEvent } from '../../src/core/event.ts'

export const NOW = 1_764_000_000_000

export const SHA = 'c4d25e9c90ff23e9145397bc6fbd5385ca5fbe78211222ccbecd0b369ebb19a6'

/** A purchase with everything a browser sends. */
export const purchase: ServerEvent = {
  type: 'track',
  id: 'ajs-4f2b7c',
  name: 'Order Completed',
  time: NOW - 1_500,
  consent: 'granted',
  page: {
    loadId: '0b0f9a63-5a4f-4a0e-9d4c-6b5d3f3b1c11',
    url: 'https://shop.example/thanks?o=1',
    referrer: 'https://www.bing.com/',
    title: 'Thanks',
  },
  properties: {
    order_id: 'A-8841',
    revenue: '59.90',
    currency: 'eur',
    category: 'checkout',
    products: [
      { product_id: 'sku-1', name: 'Lamp', price: '19.95', quantity: '2', brand: 'Lux' },
      { sku: 'sku-2', name: 'Bulb', price: 20, quantity: 1 },
    ],
  },
  user: {
    anonymousId: '5c1e4f0acb6b11f0a1b20242ac120002',
    em: SHA,
    msclkid: '292049a17e2413e3a4081719e839afe6',
  },
}
