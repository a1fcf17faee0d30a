import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { UetEvent } from '../../src/core/event.ts'
import { type Mapping, mapUet, type UetCommand } from '../../src/core/map-uet.ts'
import { anyObject, anyValue, HOSTILE } from '../support/hostile.ts'
import { createTagPage, runSnippet, type TagPage } from '../support/tag-page.ts'

// Busy machines get time.
vi.setConfig({ testTimeout: 30_000 })

/**
 * The promise of the mapping: whatever a page hands over, the tag accepts what comes out. One event that the tag rejects
 * before its script has loaded silences it for the rest of the page, so here a good event stands on either side of the odd
 * ones, both in the array that waits for the script and on the running tag.
 */

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const COMMERCE = [
  'Order Completed',
  'Order Refunded',
  'Product Viewed',
  'Product List Viewed',
  'Products Searched',
  'Cart Viewed',
]

const PROPERTIES =
  'category revenue currency total value products product_id sku id order_id query price quantity position name'.split(
    ' ',
  )

/** Every parameter that an event may carry, and some that it may not. */
const PARAMETERS =
  'event_category event_label event_value revenue_value currency transaction_id search_term ecomm_pagetype ecomm_prodid ecomm_totalvalue ecomm_category items promotions shipping tax coupon affiliation checkout_step checkout_option new_customer method content_id content_type description fatal name screen_name hct_base_price hct_total_price hct_booking_xref hct_partner_hotel_id hct_checkin_date hct_checkout_date hct_length_of_stay hct_pagetype travel_destid travel_originid travel_pagetype travel_startdate travel_enddate travel_totalvalue flight_destid flight_originid flight_pagetype flight_startdate flight_enddate flight_totalvalue event_id pid vid page_path ec ev gc prodid __proto__'.split(
    ' ',
  )

/** Values on either side of a parameter's rule; they find more than the merely hostile ones. */
const EDGES: [RegExp, unknown[]][] = [
  [/pagetype/, ['purchase', 'Purchase', 'cart', 'offerdetail', 'property', 'checkout']],
  [/currency/, ['EUR', 'eur', 'XXX', '€']],
  [/stay|step/, [0, 30, 31, '2', 2.5]],
  [/value|price|tax|shipping/, [0, -0, 25, '$1,234.56', '1,234', '', -1, 999_999_999_999, 1e12, 0.00049]],
  [/date/, ['2026-02-28', '2026-2-8', '28.02.2026']],
  [/prodid/, [['x'.repeat(50)], ['x'.repeat(51)], ['a', ''], 'a,b', 7, [null]]],
  [/items|promotions/, [[{ id: 'a', price: '1,5', position: 2 }], [{ price: -1, foo: 1 }], [{}], { id: 'a' }]],
  [/customer/, [true, 'false', 1, 'yes']],
  [/./, ['text', '&#%', '\ud83d', 'x'.repeat(501), 5, true]],
]

const nearlyRight = (name: string): fc.Arbitrary<() => unknown> =>
  fc.constantFrom(...EDGES.find(([names]) => names.test(name))![1]).map((value) => () => value)

const anyMapped = fc
  .subarray(PARAMETERS)
  .chain((names) =>
    fc.tuple(
      ...names.map((name) =>
        fc
          .oneof({ weight: 5, arbitrary: nearlyRight(name) }, anyValue)
          .map((make): [string, () => unknown] => [name, make]),
      ),
    ),
  )

const anyEvent: fc.Arbitrary<() => UetEvent> = fc
  .record({
    id: fc.oneof(fc.uuid(), fc.string({ unit: 'binary' }), fc.constant('')),
    name: fc.oneof(fc.constantFrom(...COMMERCE), fc.string({ unit: 'binary', minLength: 1 })),
    properties: fc.oneof(anyObject(...PROPERTIES), anyValue),
    mapped: anyMapped,
  })
  .map(({ properties, mapped, ...rest }) => () => {
    const base = properties()
    const at = Object.fromEntries(mapped.map(([name, make]) => [`at_${name}`, make()]))
    return { type: 'track', time: 1, ...rest, properties: withMapped(base, at) as Record<string, unknown> }
  })

/** The mapped values beside the others, as far as what stands there can be read at all. */
function withMapped(base: unknown, at: object): unknown {
  try {
    return typeof base === 'object' && base !== null && !Array.isArray(base) ? { ...base, ...at } : base
  } catch {
    return base
  }
}

const anyMapping: fc.Arbitrary<Mapping> = fc.record({
  action: fc.oneof(
    fc.constant('purchase'),
    fc.constantFrom(
      'track',
      'purchase',
      'pageLoad',
      'page_view',
      'event',
      'consent',
      'set',
      'config',
      'default',
      'ec',
      '',
    ),
    fc.string({ unit: 'binary' }),
    anyValue.map((make) => make as () => string),
  ),
  category: fc.constant('category'),
  currency: fc.constant('currency'),
  ecommerce: fc.boolean(),
  parameters: fc.constant(Object.fromEntries(PARAMETERS.map((name) => [name, `at_${name}`]))),
})

const good = (label: string): UetCommand =>
  mapUet(
    { type: 'track', id: label, name: label, time: 1, properties: { category: 'tools', revenue: 25, currency: 'EUR' } },
    { action: 'track', category: 'category', currency: 'currency', ecommerce: true },
  )

const events = (page: TagPage) => page.beacons().filter(({ params }) => params.evt === 'custom')

/** What left the page is what the command says, and what the server will be told. */
function expectDelivered(page: TagPage, commands: UetCommand[]): void {
  expect(page.errors).toEqual([])
  expect(page.sent.length > 0 && page.tag().uetLoaded).toBe(true)
  expect(
    events(page).map(({ params: { ea, el, ec, gv, gc, event_id } }) => ({ ea, el, ec, gv, gc, event_id })),
  ).toEqual(
    commands.map(({ action, params, conversion }) => ({
      ea: action,
      el: conversion.label,
      ec: conversion.category,
      gv: conversion.value === undefined ? undefined : `${conversion.value}`,
      gc: conversion.currency,
      event_id: params.event_id,
    })),
  )
}

const runs = { numRuns: 150 }

/** A copy for the comparison: the tag writes into what it gets. */
const kept = (command: UetCommand): UetCommand => structuredClone(command)

describe('the tag takes whatever comes out of the mapping', () => {
  it('on the running tag', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { minLength: 1, maxLength: 5 }), anyMapping, (makers, mapping) => {
        const page = createTagPage()
        runSnippet(page.window)
        vi.advanceTimersByTime(20)
        const commands = [good('before'), ...makers.map((make) => mapUet(make(), mapping)), good('after')]
        const expected = commands.map(kept)
        for (const { action, params } of commands) page.tag().push('event', action, params)
        expectDelivered(page, expected)
      }),
      runs,
    )
  })

  it('from the plain array, which the tag takes apart by position', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { minLength: 1, maxLength: 5 }), anyMapping, (makers, mapping) => {
        const page = createTagPage()
        const queue: unknown[] = []
        page.window.uetq = queue
        const commands = [good('before'), ...makers.map((make) => mapUet(make(), mapping)), good('after')]
        const expected = commands.map(kept)
        for (const { action, params } of commands) queue.push('event', action, params)
        runSnippet(page.window)
        vi.advanceTimersByTime(20)
        expectDelivered(page, expected)
      }),
      runs,
    )
  })

  it.each(HOSTILE)('also with %s in every place at once', (_, make) => {
    const properties = Object.fromEntries(
      [...PROPERTIES, ...PARAMETERS.map((name) => `at_${name}`)].map((key) => [key, make()]),
    )
    const mapping = {
      action: 'track',
      category: 'category',
      currency: 'currency',
      ecommerce: true,
      parameters: Object.fromEntries(PARAMETERS.map((name) => [name, `at_${name}`])),
    }
    const page = createTagPage()
    const queue: unknown[] = []
    page.window.uetq = queue
    const odd = mapUet({ type: 'track', id: 'odd', name: 'Order Completed', time: 1, properties }, mapping)
    const commands = [good('before'), odd, good('after')]
    const expected = commands.map(kept)
    for (const { action, params } of commands) queue.push('event', action, params)
    runSnippet(page.window)
    vi.advanceTimersByTime(20)
    expectDelivered(page, expected)
  })
})

it('the tag would not survive the same values as they are', () => {
  const page = createTagPage()
  const queue: unknown[] = []
  page.window.uetq = queue
  queue.push('event', 'track', { revenue_value: '$25' }, 'event', 'track', good('after').params)
  runSnippet(page.window)
  vi.advanceTimersByTime(20)
  expect(page.tag().uetLoaded).toBe(false)
  expect(events(page)).toEqual([])
})
