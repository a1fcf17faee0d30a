import { describe, expect, it } from 'vitest'
import { applyJointRules, cleanText, isParam, MAX_TEXT, readParam } from '../../src/core/uet-params.ts'

describe('isParam', () => {
  it.each(['event_label', 'currency', 'items', 'hct_total_price', 'travel_destid', 'flight_totalvalue'])(
    'knows %s',
    (name) => {
      expect(isParam(name)).toBe(true)
    },
  )

  // The event's own id, identity, page loads and undocumented names have no place in a mapping.
  it.each([
    'event_id',
    'event_action',
    'pid',
    'vid',
    'page_path',
    'page_location',
    'rep',
    'tpp',
    'ec',
    '',
    'toString',
    '__proto__',
    'Currency',
  ])('does not take %o', (name) => {
    expect(isParam(name)).toBe(false)
  })
})

describe('cleanText', () => {
  it.each<[unknown, string | undefined]>([
    ['Thanks', 'Thanks'],
    [' a b\n', 'a b'],
    ['€ & # % ü 日本', '€ & # % ü 日本'],
    ['😀', '😀'],
    ['a\ud800b', 'ab'],
    ['\udc00', undefined],
    ['x'.repeat(MAX_TEXT + 1), 'x'.repeat(MAX_TEXT)],
    [`${'x'.repeat(MAX_TEXT - 1)}😀`, 'x'.repeat(MAX_TEXT - 1)],
    ['', undefined],
    [' \t', undefined],
    [5, undefined],
    [true, undefined],
    [null, undefined],
    [new String('a'), undefined],
    [Symbol('a'), undefined],
  ])('makes of %o: %o', (value, text) => {
    expect(cleanText(value)).toBe(text)
  })
})

describe('readParam', () => {
  const cyclic: Record<string, unknown> = { name: 'loop' }
  cyclic.items = [cyclic]

  it.each<[name: string, value: unknown, read: unknown]>([
    ['event_label', ' Buy ', 'Buy'],
    ['event_label', 5, undefined],
    ['event_category', true, undefined],
    ['event_category', {}, undefined],
    ['event_value', '1,5', 1.5],
    ['event_value', '1,234', undefined],
    ['event_value', '', undefined],
    ['event_value', true, undefined],
    ['revenue_value', '12.3456', 12.346],
    ['revenue_value', -1, undefined],
    ['revenue_value', 1e12, undefined],
    ['currency', 'eur', 'EUR'],
    ['currency', 'XXX', undefined],
    ['shipping', 4.99, 4.99],
    ['tax', '0', 0],
    ['ecomm_totalvalue', '99.9', 99.9],
    ['transaction_id', 1234, '1234'],
    ['transaction_id', Number.NaN, undefined],
    ['transaction_id', false, undefined],
    ['search_term', ' red shoes ', 'red shoes'],
    ['checkout_step', '2', 2],
    ['checkout_step', 2.5, undefined],
    ['checkout_step', 2.0004, 2],
    ['new_customer', true, 'true'],
    ['new_customer', 0, '0'],
    ['new_customer', ' TRUE ', 'true'],
    ['new_customer', 'yes', undefined],
    ['new_customer', {}, undefined],
    ['ecomm_pagetype', 'Purchase', 'purchase'],
    ['ecomm_pagetype', ' searchresults ', 'searchresults'],
    ['ecomm_pagetype', 'checkout', undefined],
    ['ecomm_pagetype', 'property', undefined],
    ['ecomm_pagetype', 'home searchresults', undefined],
    ['ecomm_pagetype', '', undefined],
    ['ecomm_pagetype', null, undefined],
    ['hct_pagetype', 'Property', 'property'],
    ['hct_pagetype', 'product', undefined],
    ['travel_pagetype', 'offerdetail', 'offerdetail'],
    ['flight_pagetype', 'cancel', 'cancel'],
    ['hct_length_of_stay', 30, 30],
    ['hct_length_of_stay', 31, undefined],
    ['hct_length_of_stay', '2.5', undefined],
    ['hct_total_price', '$1,234.56', 1234.56],
    ['hct_checkin_date', '2026-02-28', '2026-02-28'],
    ['hct_checkout_date', '28.02.2026', undefined],
    ['travel_startdate', '2026-2-8', undefined],
    ['flight_enddate', new Date(0), undefined],
    ['flight_originid', 'LHR', 'LHR'],
    ['ecomm_prodid', 'a', ['a']],
    ['ecomm_prodid', 7, ['7']],
    ['ecomm_prodid', ['a', '', 'b', null, 'x'.repeat(51)], ['a', 'b']],
    ['ecomm_prodid', [], undefined],
    ['ecomm_prodid', [['a']], undefined],
    ['items', [{ id: 'a', price: '1', quantity: -1, foo: 1 }], [{ id: 'a', price: 1 }]],
    ['items', { sku: 'a', position: 2 }, [{ id: 'a', list_position: 2 }]],
    ['items', [{ position: 1.5, list_name: ' L ' }], [{ list_name: 'L' }]],
    ['items', [{}, null, 5, 'text'], undefined],
    ['items', cyclic, [{ name: 'loop' }]],
    ['promotions', [{ id: 'p', creative_slot: 'top' }], [{ id: 'p', creative_slot: 'top' }]],
  ])('reads %s from %o', (name, value, read) => {
    expect(readParam(name, value)).toEqual(read)
  })
})

describe('applyJointRules', () => {
  const apply = (action: string, params: Record<string, unknown>) => {
    const dropped: string[] = []
    applyJointRules(action, params, (name) => {
      dropped.push(name)
      delete params[name]
    })
    return { params, dropped: dropped.sort() }
  }

  it.each<[string, string, object, object]>([
    [
      'keeps product ids with a page type',
      'track',
      { ecomm_prodid: ['a'], ecomm_pagetype: 'cart' },
      { ecomm_prodid: ['a'], ecomm_pagetype: 'cart' },
    ],
    ['drops product ids without one', 'track', { ecomm_prodid: ['a'], currency: 'EUR' }, { currency: 'EUR' }],
    [
      'keeps a hotel booking with price and currency, without revenue',
      'track',
      { hct_total_price: 9, currency: 'EUR', hct_pagetype: 'cart', revenue_value: 9, ecomm_totalvalue: 9 },
      { hct_total_price: 9, currency: 'EUR', hct_pagetype: 'cart' },
    ],
    ['drops hotel details without a price', 'track', { hct_pagetype: 'cart', currency: 'EUR' }, { currency: 'EUR' }],
    [
      'drops hotel details without a currency',
      'track',
      { hct_total_price: 9, hct_base_price: 8 },
      { hct_total_price: 9 },
    ],
    [
      'spells out a purchase’s revenue',
      'purchase',
      { ecomm_pagetype: 'purchase', ecomm_totalvalue: 0 },
      { ecomm_pagetype: 'purchase', ecomm_totalvalue: 0, revenue_value: 0 },
    ],
    [
      'leaves revenue that is given',
      'purchase',
      { ecomm_pagetype: 'purchase', ecomm_totalvalue: 9, revenue_value: 0 },
      { ecomm_pagetype: 'purchase', ecomm_totalvalue: 9, revenue_value: 0 },
    ],
    [
      'leaves other actions',
      'track',
      { ecomm_pagetype: 'purchase', ecomm_totalvalue: 9 },
      { ecomm_pagetype: 'purchase', ecomm_totalvalue: 9 },
    ],
  ])('%s', (_, action, given, expected) => {
    expect(apply(action, { ...given }).params).toEqual(expected)
  })
})
