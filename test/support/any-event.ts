import fc from 'fast-check'
import type { ServerEvent } from '../../src/core/event.ts'
import { NOW, SHA } from './events.ts'

const names = fc.oneof(
  fc.constantFrom(
    'Order Completed',
    'product_viewed',
    'Products Searched',
    'Order Refunded',
    'cartViewed',
    'Signed Up',
  ),
  fc.string(),
)
const texts = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '',
    ' ',
    '25',
    '1.234,5',
    'EUR',
    'euro',
    '2026-02-31',
    '2026-12-01',
    'Purchase',
    SHA,
    'jane@example.com',
  ),
)
const values = fc.oneof(texts, fc.double(), fc.integer(), fc.jsonValue({ maxDepth: 3 }), fc.constant(undefined))
const product = fc.record(
  { product_id: values, sku: values, name: values, price: values, quantity: values, category: values },
  { requiredKeys: [] },
)
const properties = fc.record(
  {
    revenue: values,
    total: values,
    value: values,
    currency: values,
    category: values,
    order_id: values,
    query: values,
    product_id: values,
    products: fc.oneof(values, fc.array(product, { maxLength: 5 })),
    other: values,
  },
  { requiredKeys: [] },
)
const urls = fc.oneof({ weight: 5, arbitrary: fc.webUrl({ withFragments: true, withQueryParameters: true }) }, texts)
const uuid = fc.uuid()
const ids = fc.oneof(
  uuid,
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 32, maxLength: 32 }),
  texts,
)

/** Events of the declared types with any content. */
export const anyEvent = fc.record(
  {
    type: fc.constantFrom('page', 'track'),
    id: fc.string({ minLength: 1 }),
    name: names,
    time: fc.oneof({ weight: 9, arbitrary: fc.integer({ min: NOW - 7.2 * 864e5, max: NOW + 864e5 }) }, fc.double()),
    consent: fc.constantFrom('granted', 'granted', 'granted', 'denied', undefined),
    page: fc.record({ url: urls, referrer: urls, title: texts, loadId: ids }, { requiredKeys: ['url'] }),
    conversion: fc.record(
      { action: texts, label: texts, category: texts, value: fc.double(), currency: texts },
      { requiredKeys: ['action'] },
    ),
    properties,
    user: fc.record(
      {
        anonymousId: ids,
        externalId: ids,
        userId: texts,
        em: texts,
        ph: texts,
        email: fc.oneof(fc.emailAddress(), texts),
        phone: fc.oneof(fc.constantFrom('+14255551234', '020 7183 8750'), texts),
        msclkid: ids,
        idfa: ids,
        gaid: ids,
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: ['type', 'id', 'time', 'consent', 'user', 'page'] },
) as fc.Arbitrary<ServerEvent>
