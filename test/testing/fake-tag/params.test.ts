import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { settled } from './support.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** Wire parameters of an event, or the string that was thrown. */
function push(params: Record<string, unknown>, action = 'x'): Record<string, string> | unknown {
  const page = settled()
  try {
    page.tag().push('event', action, params)
  } catch (error) {
    return error
  }
  return page.sent[1]?.params
}

describe('a parameter', () => {
  it.each<[name: string, value: unknown, key: string, wire: string | undefined]>([
    ['event_category', 'a b&c', 'ec', 'a b&c'],
    ['event_label', '', 'el', undefined],
    ['event_label', null, 'el', undefined],
    ['event_label', undefined, 'el', undefined],
    ['event_label', 5, 'el', '5'],
    ['event_label', { a: 1 }, 'el', '[object Object]'],
    ['event_value', 0, 'ev', '0'],
    ['event_value', '1,234.5678', 'ev', '1234.568'],
    ['revenue_value', '25', 'gv', '25'],
    ['revenue_value', null, 'gv', undefined],
    ['revenue_value', 999_999_999_999, 'gv', '999999999999'],
    ['currency', 'eur', 'gc', 'eur'],
    ['currency', '', 'gc', undefined],
    ['event_id', 'id-1', 'event_id', 'id-1'],
    ['transaction_id', 't', 'transaction_id', 't'],
    ['search_term', 's', 'search_term', 's'],
    ['checkout_step', '2', 'checkout_step', '2'],
    ['shipping', 4.5, 'shipping', '4.5'],
    ['tax', '1', 'tax', '1'],
    ['new_customer', true, 'nca', '1'],
    ['new_customer', 'false', 'nca', '0'],
    ['new_customer', 0, 'nca', '0'],
    ['new_customer', 'yes', 'nca', undefined],
    ['rep', '1', 'rep', '1'],
    ['rep', true, 'rep', '1'],
    ['rep', 0, 'rep', undefined],
    ['ecomm_pagetype', 'CART', 'pagetype', 'cart'],
    ['ecomm_totalvalue', 9, 'ecomm_totalvalue', '9'],
    ['ecomm_category', 'c', 'ecomm_category', 'c'],
    [
      'items',
      [{ id: 'a,b', price: '1,5', list_position: 2 }, { id: 'c' }],
      'items',
      'id=a%2Cb&price=15&list_position=2,id=c',
    ],
    ['items', [{ foo: 1 }], 'items', undefined],
    ['promotions', [{ id: 'p', creative_slot: 's', price: 5 }], 'promotions', 'id=p&creative_slot=s'],
    ['travel_startdate', '2026-01-31', 'travel_startdate', '2026-01-31'],
    ['travel_pagetype', 'offerdetail', 'travel_pagetype', 'offerdetail'],
    ['flight_totalvalue', 5, 'flight_totalvalue', '5'],
    ['hct_total_price', 5, 'hct_total_price', '5'],
    ['Event_label', 'x', 'el', undefined],
    ['ec', 'x', 'ec', undefined],
    ['foo', 'x', 'foo', undefined],
    ['a'.repeat(33), 'x', 'a'.repeat(33), undefined],
  ])('%s of %o is sent as %s=%s', (name, value, key, wire) => {
    expect(push({ [name]: value })).toMatchObject({ ea: 'x', en: 'Y' })
    expect((push({ [name]: value }) as Record<string, string>)[key]).toBe(wire)
  })

  it.each<[object, string]>([
    [{ event_value: '' }, 'event_value should be a number'],
    [{ event_value: true }, 'event_value should be a number'],
    [{ event_value: {} }, 'event_value should be a number'],
    [{ event_value: '10 USD' }, 'event_value should be a number'],
    [{ event_value: Number.NaN }, 'event_value should be a number'],
    [{ revenue_value: -0.01 }, 'revenue_value cannot be less than 0'],
    [{ revenue_value: Number.POSITIVE_INFINITY }, 'revenue_value cannot be greater than 999999999999'],
    [{ revenue_value: 1_000_000_000_000 }, 'revenue_value cannot be greater than 999999999999'],
    [{ checkout_step: 2.5 }, 'checkout_step should be an integer'],
    [{ checkout_step: 'two' }, 'checkout_step should be an integer'],
    [{ currency: 'euro' }, 'currency value must be ISO standard currency code'],
    [{ currency: '€' }, 'currency value must be ISO standard currency code'],
    [{ ecomm_pagetype: 'checkout' }, 'ecomm_pagetype value must be one of the allowed values'],
    [{ ecomm_prodid: 'a' }, 'The pagetype parameter is required when you include the prodid parameter.'],
    [{ ecomm_prodid: 'x'.repeat(51), ecomm_pagetype: 'cart' }, 'The prodid value must be within 1 to 50 characters.'],
    [{ ecomm_prodid: ['a', ''], ecomm_pagetype: 'cart' }, 'The prodid value must be within 1 to 50 characters.'],
    [{ items: [] }, 'items must be an array with 1+ elements'],
    [{ items: { id: 'a' } }, 'items must be an array with 1+ elements'],
    [{ items: [{ price: 'free' }] }, 'price should be a number'],
    [{ items: [{ list_position: 1.5 }] }, 'list_position should be an integer'],
    [
      { hct_pagetype: 'product', hct_total_price: 1, currency: 'EUR' },
      'hct_pagetype value must be one of the allowed values',
    ],
  ])('%o is rejected: %s', (params, message) => {
    expect(push(params as Record<string, unknown>)).toBe(message)
  })

  it.each<[string, object]>([
    ['details without a price', { hct_base_price: 1, currency: 'EUR' }],
    ['details without a currency', { hct_base_price: 1, hct_total_price: 1 }],
    ['a price beside revenue', { hct_total_price: 1, revenue_value: 1 }],
    ['a stay of 31 nights', { hct_length_of_stay: 31, hct_total_price: 1, currency: 'EUR' }],
    ['a date in another form', { hct_checkin_date: '31.1.2026', hct_total_price: 1, currency: 'EUR' }],
  ])('of a hotel booking is rejected: %s', (_, params) => {
    expect(push(params as Record<string, unknown>)).toBeTypeOf('string')
  })

  it('takes the total as revenue where action and page type both say purchase', () => {
    const params = { ecomm_totalvalue: 9, ecomm_pagetype: 'purchase' }
    expect(push({ ...params }, 'purchase')).toMatchObject({ gv: '9' })
    expect(push({ ...params, revenue_value: 5 }, 'purchase')).toMatchObject({ gv: '5' })
    expect(push({ ...params }, 'track')).not.toHaveProperty('gv')
    expect(push({ ...params, ecomm_pagetype: 'cart' }, 'purchase')).not.toHaveProperty('gv')
  })
})

it('writes into the object it is given, so that the same one is rejected a second time', () => {
  const page = settled()
  const params = { items: [{ id: 'a' }] }
  page.tag().push('event', 'x', params)
  expect(params).toEqual({ items: 'id=a', event_action: 'x' })
  expect(() => page.tag().push('event', 'x', params)).toThrow()
})

describe('user data', () => {
  const EMAIL = /^em=eec6fed9[0-9a-f]{49}476bd5e$/
  const PHONE = /^ph=c59475d9[0-9a-f]{49}da0390e$/
  const hash = 'a'.repeat(64)

  it.each<[object, RegExp | undefined]>([
    [{ em: ' Ex.Ample+tag@Contoso.com ' }, EMAIL],
    [{ email: 'example@contoso.com' }, EMAIL],
    [{ ph: '+1 (425) 555-1234' }, PHONE],
    [{ phone_number: '14255551234' }, PHONE],
    [{ em: hash, ph: hash }, new RegExp(`^em=${hash}&ph=${hash}$`)],
    [{ em: hash, ph: '425-555-1234' }, new RegExp(`^em=${hash}$`)],
    [{ em: 'no address' }, undefined],
    [{ em: '', ph: '' }, undefined],
    [{}, undefined],
  ])('%o is hashed', (pid, expected) => {
    const sent = (push({ event_label: 'x', pid }) as Record<string, string>).pid
    if (expected) expect(sent).toMatch(expected)
    else expect(sent).toBeUndefined()
  })

  it('that is no object is reported, and the event goes on', () => {
    const page = settled()
    const seen: unknown[] = []
    page.window.addEventListener('uetError', (event) => seen.push((event as CustomEvent).detail.errMsg))
    page.tag().push('event', 'x', { pid: 'a@b.example' })
    expect(seen).toHaveLength(1)
    expect(page.sent[1]?.params).toMatchObject({ ea: 'x' })
    expect(page.sent[1]?.params).not.toHaveProperty('pid')
  })

  it('set before the page load goes with it, with a beacon of its own and with every event', () => {
    const page = settled([
      ['set', { pid: { em: hash } }],
      ['event', 'x', {}],
    ])
    expect(page.sent.map(({ params }) => `${params.evt} ${params.pid}`)).toEqual([
      `pageLoad em=${hash}`,
      `pid em=${hash}`,
      `custom em=${hash}`,
    ])
  })

  it('set after the page load goes out by itself, also while ad storage is denied', () => {
    const page = settled([['consent', 'default', { ad_storage: 'denied' }]])
    page.tag().push('set', { pid: { em: hash } })
    expect(page.sent.at(-1)).toMatchObject({
      host: 'bat.bing.net',
      params: { evt: 'pid', pid: `em=${hash}`, asc: 'D' },
    })
  })
})
