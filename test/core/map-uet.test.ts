import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { UetEvent } from '../../src/core/event.ts'
import { type Mapping, mapUet } from '../../src/core/map-uet.ts'
import { anyValue, HOSTILE } from '../support/hostile.ts'

const MAPPING: Mapping = { action: 'track', category: 'category', currency: 'currency', ecommerce: true }
const event = (properties?: unknown, name = 'Signup'): UetEvent => ({
  type: 'track',
  id: 'id-1',
  name,
  time: 1,
  properties: properties as Record<string, unknown>,
})
const map = (properties: unknown, mapping: Partial<Mapping> = {}, name?: string) =>
  mapUet(event(properties, name), { ...MAPPING, ...mapping })

const full = {
  category: ' tools ',
  revenue: '25,50 €',
  currency: 'eur',
  title: 'Named',
  net: { amount: 7, currency: 'gbp' },
  kind: 'b2b',
  term: 'shoes',
  step: 2,
}

describe('mapUet', () => {
  it('sends name, category, revenue, currency and id by default, and states the same for the server', () => {
    expect(map(full)).toEqual({
      action: 'track',
      params: {
        event_label: 'Signup',
        event_category: 'tools',
        revenue_value: 25.5,
        currency: 'EUR',
        event_id: 'id-1',
      },
      conversion: { action: 'track', label: 'Signup', category: 'tools', value: 25.5, currency: 'EUR' },
      dropped: [],
    })
  })

  it.each<[string, Partial<Mapping>, object]>([
    ['action', { action: 'buy' }, { action: 'buy' }],
    ['action', { action: ({ name }) => `my ${name}` }, { action: 'my Signup' }],
    ['label', { label: 'title' }, { event_label: 'Named' }],
    ['category', { category: 'kind' }, { event_category: 'b2b' }],
    ['value', { value: 'net.amount' }, { revenue_value: 7 }],
    ['currency', { currency: 'net.currency' }, { currency: 'GBP' }],
    [
      'parameters',
      { parameters: { search_term: 'term', checkout_step: 'step' } },
      { search_term: 'shoes', checkout_step: 2 },
    ],
    [
      'parameters before the others',
      { parameters: { event_label: 'kind', currency: 'net.currency' } },
      { event_label: 'b2b', currency: 'GBP' },
    ],
  ])('takes the %s from where the mapping says', (_, mapping, expected) => {
    const { action, params } = map(full, mapping)
    expect({ ...params, action }).toEqual({ ...map(full).params, action: 'track', ...expected })
  })

  it.each<[string, Partial<Mapping>, string]>([
    ['label', { label: 'missing' }, 'event_label'],
    ['category', { category: 'missing' }, 'event_category'],
    ['value', { value: 'missing' }, 'revenue_value'],
    ['currency', { currency: 'missing' }, 'currency'],
  ])('sends no %s where its path leads nowhere', (_, mapping, name) => {
    expect(map(full, mapping).params).not.toHaveProperty(name)
    expect(map(full, mapping).dropped).toEqual([])
  })

  it('lets parameters win over e-commerce values, and keeps those where a mapped one is unusable', () => {
    const order = { order_id: 'o-1', ref: 'r-2', where: 'other', odd: 'checkout' }
    const mapped = (parameters: Record<string, string>) => map(order, { parameters }, 'Order Completed').params
    expect(mapped({ transaction_id: 'ref', ecomm_pagetype: 'where' })).toMatchObject({
      transaction_id: 'r-2',
      ecomm_pagetype: 'other',
    })
    expect(mapped({ ecomm_pagetype: 'odd' })).toMatchObject({ ecomm_pagetype: 'purchase' })
  })

  it.each(['page_view', 'pageLoad', '', ' ', 'x\ud800'.slice(1)])('does not send the action %o', (action) => {
    expect(map({}, { action })).toMatchObject({
      action: 'track',
      dropped: ['mapping.action: unusable, "track" is sent'],
    })
  })

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('no')
      },
    ],
    ['gives a number', () => 5],
    ['gives nothing', () => undefined],
    ['gives a promise', async () => 'x'],
  ])('sends "track" where the function for the action %s', (_, action) => {
    expect(map({}, { action: action as () => string }).action).toBe('track')
  })

  it.each<[string, object, string[]]>([
    [
      'a revenue that may mean two things',
      { revenue: '1,234' },
      ['revenue_value: unusable in "revenue"', 'ecomm_totalvalue: unusable in "revenue"'],
    ],
    ['an unknown currency', { currency: 'XXX' }, ['currency: unusable in "currency"']],
    ['a category that is no text', { category: 5 }, ['event_category: unusable in "category"']],
    [
      'some of the products',
      { products: [{ sku: 'a' }, {}] },
      ['ecomm_prodid: unusable in "products"', 'items: unusable in "products"'],
    ],
    ['nothing', { revenue: 1, currency: 'EUR', products: [{ sku: 'a' }] }, []],
    ['nothing of one product on two lines', { products: [{ sku: 'a' }, { sku: 'b' }, { sku: 'a' }] }, []],
  ])('says when it drops %s', (_, properties, dropped) => {
    expect(map(properties, {}, 'Cart Viewed').dropped).toEqual(dropped)
  })

  it('says which mapped parameter does not exist, and which ones do not fit together', () => {
    const parameters = { ecomm_prodid: 'kind', colour: 'kind', event_id: 'kind', pid: 'kind' }
    expect(map(full, { parameters }).dropped).toEqual([
      'colour: not a parameter that can be mapped',
      'event_id: not a parameter that can be mapped',
      'pid: not a parameter that can be mapped',
      'ecomm_prodid: conflicts with other parameters',
    ])
    expect(map(full, { parameters }).params).toEqual(map(full).params)
  })

  it('gives a fresh, unfrozen object each time, and writes nothing into the event', () => {
    const products = Object.freeze([Object.freeze({ sku: 'a' })])
    const frozen = Object.freeze(event(Object.freeze({ ...full, products }), 'Cart Viewed'))
    const before = JSON.stringify(frozen)
    const [first, second] = [mapUet(frozen, MAPPING), mapUet(frozen, MAPPING)]
    expect(second).toEqual(first)
    for (const key of ['params', 'conversion', 'dropped'] as const) {
      expect(second[key]).not.toBe(first[key])
      expect(Object.isFrozen(first[key])).toBe(false)
    }
    first.params.items = 'overwritten'
    first.params.event_action = 'track'
    expect(JSON.stringify(frozen)).toBe(before)
    expect(mapUet(frozen, MAPPING)).toEqual(second)
    expect((second.params.items as object[])[0]).not.toBe(products[0])
    expect(Object.getPrototypeOf(second.params)).toBe(Object.prototype)
  })

  it('lets nothing else of the properties leave', () => {
    const secret = (key: string) => `secret-${key}`
    const mapped = ['category', 'revenue', 'currency']
    const keys = fc.string({ minLength: 1 }).filter((key) => !mapped.includes(key))
    fc.assert(
      fc.property(fc.uniqueArray(keys), fc.dictionary(keys, fc.jsonValue()), (names, rest) => {
        const properties = { ...rest, ...Object.fromEntries(names.map((key) => [key, secret(key)])), ...full }
        const { title, net, kind, term, step, ...known } = full
        expect(map(properties)).toEqual(map(known))
      }),
    )
  })

  it('lets only the listed fields of a product leave', () => {
    const { params, conversion } = map({ products: [{ sku: 'a', email: 'a@b.example', cost: 3 }] }, {}, 'Cart Viewed')
    expect(JSON.stringify([params, conversion])).not.toMatch(/b\.example|cost/)
    expect(params.items).toEqual([{ id: 'a' }])
  })

  it('never names a value in what it says', () => {
    const value = 'a@b.example'
    const odd = Object.fromEntries(
      'revenue total currency order_id query'.split(' ').map((key) => [key, key === 'order_id' ? { value } : value]),
    )
    const { dropped } = map({ ...odd, products: [value] }, {}, 'Order Completed')
    expect(dropped.length).toBeGreaterThan(2)
    expect(dropped.join()).not.toContain(value)
  })
})

describe('hostile data', () => {
  const paths = ['category', 'revenue', 'currency', 'products', 'order_id', 'query', 'sku', 'total']

  it.each(HOSTILE)('%s is survived as properties, as each property, and in products', (_, make) => {
    expect(map(make(), {}, 'Order Completed').params).toMatchObject({
      event_label: 'Order Completed',
      event_id: 'id-1',
    })
    for (const path of paths) {
      const { params } = map({ category: 'tools', [path]: make() }, {}, 'Order Completed')
      expect(params.ecomm_pagetype).toBe('purchase')
      expect(() => JSON.stringify(params)).not.toThrow()
    }
    const { params } = map({ products: [make(), { sku: 'good', name: make() }] }, {}, 'Cart Viewed')
    expect(params.ecomm_prodid).toContain('good')
  })

  it.each(HOSTILE)('%s is survived as the whole event, its id and its name', (_, make) => {
    const odd = { ...event({ category: 'tools' }), id: make(), name: make() } as UetEvent
    expect(mapUet(odd, MAPPING).params.event_category).toBe('tools')
    expect(mapUet(make() as UetEvent, MAPPING).action).toBe('track')
  })

  it('gives plain JSON data, whatever it is given', () => {
    fc.assert(
      fc.property(anyValue, fc.constantFrom('Signup', 'Order Completed', 'Product Viewed'), (make, name) => {
        const { params, conversion } = map(make(), {}, name)
        expect(JSON.parse(JSON.stringify({ params, conversion }))).toEqual({ params, conversion })
      }),
    )
  })
})
