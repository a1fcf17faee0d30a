import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CAPI_PATHS } from '../../src/core/capi-fields.ts'
import type { CapiEvent } from '../../src/core/capi-json.ts'
import type { ServerEvent } from '../../src/core/event.ts'
import { type MapCapiOptions, mapCapi } from '../../src/core/map-capi.ts'
import { mapUet } from '../../src/core/map-uet.ts'
import { createFakeCapi } from '../../src/testing/fake-capi.ts'
import { anyEvent } from '../support/any-event.ts'
import { NOW, purchase, SHA } from '../support/events.ts'

const USER = { anonymousId: 'a1' }
const track: ServerEvent = { type: 'track', id: 'e-1', name: 'Signed Up', time: NOW, consent: 'granted', user: USER }
const page: ServerEvent = {
  type: 'page',
  id: 'p-1',
  time: NOW,
  consent: 'granted',
  page: { url: 'https://shop.example/' },
  user: USER,
}
const THROWAWAY = '11111111-1111-4111-8111-111111111111'

const map = (event: ServerEvent, options: Partial<MapCapiOptions> = {}) => mapCapi(event, { now: NOW, ...options })
const mapped = async (event: ServerEvent, options: Partial<MapCapiOptions> = {}): Promise<CapiEvent> => {
  const result = await map(event, options)
  if (!result.ok) throw new Error(result.message)
  return result.event
}
const at = (value: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((owner, key) => (owner as Record<string, unknown> | undefined)?.[key], value)

describe('mapCapi without rules', () => {
  it('turns a purchase into what Microsoft asks for', async () => {
    const visitor = { clientIpAddress: '203.0.113.7', clientUserAgent: 'Mozilla/5.0' }
    expect(await map(purchase, visitor)).toEqual({
      ok: true,
      dropped: [],
      event: {
        eventType: 'custom',
        eventTime: 1_763_999_998,
        eventId: 'ajs-4f2b7c',
        eventName: 'track',
        eventSourceUrl: 'https://shop.example/thanks?o=1',
        referrerUrl: 'https://www.bing.com/',
        pageTitle: 'Thanks',
        pageLoadId: '0b0f9a63-5a4f-4a0e-9d4c-6b5d3f3b1c11',
        adStorageConsent: 'G',
        userData: {
          anonymousId: '5c1e4f0acb6b11f0a1b20242ac120002',
          em: SHA,
          msclkid: '292049a1-7e24-13e3-a408-1719e839afe6',
          ...visitor,
        },
        customData: {
          eventCategory: 'checkout',
          eventLabel: 'Order Completed',
          value: 59.9,
          currency: 'EUR',
          transactionId: 'A-8841',
          pageType: 'purchase',
          ecommTotalValue: 59.9,
          itemIds: ['sku-1', 'sku-2'],
          items: [
            { id: 'sku-1', name: 'Lamp', price: 19.95, quantity: 2 },
            { id: 'sku-2', name: 'Bulb', price: 20, quantity: 1 },
          ],
        },
      },
    })
  })

  it('turns a page into a page load, and nothing else into customData', async () => {
    expect(await mapped(page)).toEqual({
      eventType: 'pageLoad',
      eventTime: 1_764_000_000,
      eventId: 'p-1',
      eventSourceUrl: 'https://shop.example/',
      adStorageConsent: 'G',
      userData: USER,
    })
  })

  it('sends the smallest event', async () => {
    expect(await mapped(track)).toEqual({
      eventType: 'custom',
      eventTime: 1_764_000_000,
      eventId: 'e-1',
      eventName: 'track',
      adStorageConsent: 'G',
      userData: USER,
      customData: { eventLabel: 'Signed Up' },
    })
  })

  it('says what the browser said, and nothing it did not', async () => {
    const conversion = { action: 'buy', label: 'Thanks', category: 'shoes', value: 12.5, currency: 'SEK' }
    const { eventName, customData } = await mapped({ ...purchase, conversion })
    expect(eventName).toBe('buy')
    expect(customData).toMatchObject({ eventLabel: 'Thanks', eventCategory: 'shoes', value: 12.5, currency: 'SEK' })
    const bare = await mapped({ ...purchase, conversion: { action: 'track' } })
    for (const key of ['eventLabel', 'eventCategory', 'value', 'currency'])
      expect(bare.customData).not.toHaveProperty(key)
    expect(bare.customData).toMatchObject({ transactionId: 'A-8841', pageType: 'purchase' })
  })

  it('takes the mapping of the browser where the browser did not say', async () => {
    const mapping = { action: 'buy', label: 'plan', parameters: { event_value: 'score', hct_total_price: 'price' } }
    const properties = { plan: 'pro', score: 3, price: 80, currency: 'USD' }
    expect(await mapped({ ...track, properties }, { mapping })).toMatchObject({
      eventName: 'buy',
      customData: { eventLabel: 'pro', eventValue: 3, currency: 'USD', hotelData: { totalPrice: 80 } },
    })
  })

  it('takes a click id from the address of the page', async () => {
    const url = 'https://shop.example/?MSCLKID=292049A17E2413E3A4081719E839AFE6&x=1'
    const { userData } = await mapped({ ...track, page: { url } })
    expect(userData.msclkid).toBe('292049a1-7e24-13e3-a408-1719e839afe6')
  })

  it.each<[string, NonNullable<ServerEvent['user']>, object]>([
    ['an e-mail address', { email: ' Jane.Doe+News@Example.COM ' }, { em: SHA }],
    ['an e-mail address where a hash is usual', { em: 'jane.doe@example.com' }, { em: SHA }],
    ['a hash in capitals', { em: SHA.toUpperCase() }, { em: SHA }],
    [
      'a phone number',
      { phone: '+44 (20) 7183-8750' },
      { ph: 'e631c2534428c6c9b48c2167604a8983046085e43a2c00ed748733c544c0bb4d' },
    ],
    ['a user id', { userId: 'user-1' }, { externalId: createHash('sha256').update('user-1').digest('hex') }],
    ['a pseudonym', { externalId: SHA }, { externalId: SHA }],
    ['a pseudonym before a user id', { externalId: 'a'.repeat(32), userId: 'user-1' }, { externalId: 'a'.repeat(32) }],
  ])('hashes what has to be hashed: %s', async (_, user, userData) => {
    const event = await mapped({ ...track, user })
    expect(event.userData).toEqual(userData)
  })

  it('never lets a raw identifier out', async () => {
    const user = { email: 'jane@example.com', phone: '+14255551234', userId: 'user-77', externalId: 'jane@example.com' }
    const text = JSON.stringify(await map({ ...track, user: { ...user, anonymousId: 'jane@example.com' } }))
    for (const raw of Object.values(user)) expect(text).not.toContain(raw)
  })

  it('reads phone numbers as it is told', async () => {
    const normalizePhone = () => '+442071838750'
    const { userData } = await mapped({ ...track, user: { phone: '020 7183 8750' } }, { normalizePhone })
    expect(userData.ph).toBe('e631c2534428c6c9b48c2167604a8983046085e43a2c00ed748733c544c0bb4d')
  })

  it('leaves out what is unusable, and says which', async () => {
    const result = await map({
      ...track,
      page: { url: '/relative', referrer: '', loadId: 'x' },
      properties: { revenue: 'lots', currency: 'euro' },
      user: { ...USER, em: 'nobody', gaid: '00000000-0000-0000-0000-000000000000' },
    })
    expect(result).toMatchObject({ ok: true, event: { userData: USER, customData: { eventLabel: 'Signed Up' } } })
    expect(result.ok && result.dropped).toEqual([
      'eventSourceUrl: unusable',
      'pageLoadId: unusable',
      'revenue_value: unusable in "revenue"',
      'currency: unusable in "currency"',
      'userData.gaid: unusable',
      'userData.em: unusable',
    ])
  })

  it.each<[string, Partial<ServerEvent>, Partial<MapCapiOptions>, string]>([
    ['consent that was denied', { consent: 'denied' }, {}, 'consent_denied'],
    ['consent that nobody knows', { consent: undefined as never }, {}, 'consent_unknown'],
    ['consent in other words', { consent: 'yes' as never }, {}, 'consent_unknown'],
    ['a page load without an address', { page: {} }, { as: 'pageLoad' }, 'no_source_url'],
    ['a page load of a relative address', { page: { url: '/a' } }, { as: 'pageLoad' }, 'no_source_url'],
    ['an old event', { time: NOW - 7 * 864e5 - 1_000 }, {}, 'expired'],
    ['no time', { time: Number.NaN }, {}, 'invalid_time'],
    ['no user', { user: undefined as never }, {}, 'no_identifier'],
    [
      'only an address and a browser',
      { user: {} },
      { clientIpAddress: '1.2.3.4', clientUserAgent: 'x' },
      'no_identifier',
    ],
    ['only malformed identifiers', { user: { em: 'x', msclkid: 'x', idfa: 'x' } }, {}, 'no_identifier'],
  ])('refuses %s', async (_, change, options, code) => {
    expect(await map({ ...track, ...change }, options)).toMatchObject({ ok: false, code })
  })

  it.each([
    ['the oldest', NOW - 7 * 864e5, 1_763_395_200],
    ['one of tomorrow', NOW + 864e5, 1_764_000_000],
    ['one in the middle of a second', NOW - 1, 1_763_999_999],
  ])('keeps the time of %s event in the window', async (_, time, eventTime) => {
    expect(await mapped({ ...track, time })).toMatchObject({ eventTime })
  })
})

describe('mapCapi without consent', () => {
  it.each(['denied', undefined] as const)('only counts (%s)', async (consent) => {
    const event = { ...purchase, consent, page: { ...purchase.page, url: 'https://shop.example/thanks?msclkid=1#x' } }
    const options = { throwawayId: THROWAWAY, clientIpAddress: '1.2.3.4', overrides: { 'userData.em': { const: SHA } } }
    expect(await mapped(event as ServerEvent, options)).toEqual({
      eventType: 'custom',
      eventTime: 1_763_999_998,
      eventId: 'ajs-4f2b7c',
      eventName: 'track',
      eventSourceUrl: 'https://shop.example/thanks',
      adStorageConsent: 'D',
      userData: { anonymousId: THROWAWAY },
    })
  })
})

describe('mapCapi with overrides', () => {
  /** A raw value for each path, and what becomes of it. */
  const CASES: Record<string, [unknown, unknown]> = {
    eventId: [88, '88'],
    eventName: ['buy', 'buy'],
    eventTime: ['2025-11-24T15:00:00Z', 1_763_996_400],
    eventSourceUrl: ['https://a.example', 'https://a.example/'],
    pageLoadId: [THROWAWAY, THROWAWAY],
    referrerUrl: ['https://b.example/x', 'https://b.example/x'],
    pageTitle: ['T', 'T'],
    keywords: [['a', 'b'], 'a,b'],
    'userData.anonymousId': ['v-1', 'v-1'],
    'userData.externalId': [SHA, SHA],
    'userData.em': ['jane.doe@example.com', SHA],
    'userData.ph': ['+442071838750', 'e631c2534428c6c9b48c2167604a8983046085e43a2c00ed748733c544c0bb4d'],
    'userData.msclkid': ['292049a17e2413e3a4081719e839afe6', '292049a1-7e24-13e3-a408-1719e839afe6'],
    'userData.idfa': [THROWAWAY, THROWAWAY],
    'userData.gaid': [THROWAWAY, THROWAWAY],
    'userData.clientUserAgent': ['App/1', 'App/1'],
    'userData.clientIpAddress': ['2001:db8::1', '2001:db8::1'],
    'customData.eventCategory': ['c', 'c'],
    'customData.eventLabel': ['l', 'l'],
    'customData.eventValue': ['3', 3],
    'customData.value': ['9.99', 9.99],
    'customData.currency': ['sek', 'SEK'],
    'customData.transactionId': [1, '1'],
    'customData.searchTerm': ['lamp', 'lamp'],
    'customData.items': [[{ id: 'a', quantity: '2' }], [{ id: 'a', quantity: 2 }]],
    'customData.itemIds': [['a'], ['a']],
    'customData.pageType': ['CART', 'cart'],
    'customData.ecommTotalValue': [5, 5],
    'customData.ecommCategory': [12, '12'],
    'customData.hotelData.totalPrice': [188.23, 188.23],
    'customData.hotelData.basePrice': ['165.76', 165.76],
    'customData.hotelData.checkinDate': ['2026-12-01', '2026-12-01'],
    'customData.hotelData.checkoutDate': ['2026-12-05', '2026-12-05'],
    'customData.hotelData.lengthOfStay': ['4', 4],
    'customData.hotelData.partnerHotelId': ['H1001', 'H1001'],
    'customData.hotelData.bookingHref': ['X9Q2', 'X9Q2'],
  }

  it('has a case for every field', () => expect(Object.keys(CASES)).toEqual(CAPI_PATHS))

  it.each(Object.entries(CASES))('sets %s from a path, and from a constant', async (path, [raw, value]) => {
    const properties = { ...purchase.properties, nested: { raw } }
    expect(
      at(await mapped({ ...purchase, properties }, { overrides: { [path]: 'properties.nested.raw' } }), path),
    ).toEqual(value)
    expect(at(await mapped(purchase, { overrides: { [path]: { const: raw } } }), path)).toEqual(value)
  })

  it.each<[string, MapCapiOptions['overrides'], object]>([
    ['leaves the default where the path leads nowhere', { 'customData.value': 'properties.nothing' }, { value: 59.9 }],
    ['leaves out what is unusable', { 'customData.value': 'properties.order_id' }, { value: undefined }],
    ['leaves out what is fixed to null', { 'customData.value': { const: null } }, { value: undefined }],
    ['reads any part of the event', { 'customData.searchTerm': 'page.title' }, { searchTerm: 'Thanks' }],
    ['ignores what is no field', { 'customData.nothing': { const: 1 } }, { nothing: undefined }],
    ['cannot set the prototype', { '__proto__.polluted': { const: 1 } }, {}],
  ])('%s', async (_, overrides, expected) => {
    const { customData } = await mapped(purchase, { overrides })
    for (const [key, value] of Object.entries(expected)) expect(at(customData, key)).toEqual(value)
    expect({}).not.toHaveProperty('polluted')
  })

  it('cannot change the consent or the type', async () => {
    const overrides = { adStorageConsent: { const: 'D' }, eventType: { const: 'pageLoad' } }
    expect(await mapped(purchase, { overrides })).toMatchObject({ adStorageConsent: 'G', eventType: 'custom' })
  })

  it('sends a named event as a page load, without revenue', async () => {
    const event = await mapped(purchase, { as: 'pageLoad', overrides: { 'customData.value': { const: 5 } } })
    expect(event).toMatchObject({ eventType: 'pageLoad', eventSourceUrl: 'https://shop.example/thanks?o=1' })
    expect(event).not.toHaveProperty('eventName')
    expect(event.customData).toMatchObject({ pageType: 'purchase', itemIds: ['sku-1', 'sku-2'] })
    for (const key of ['value', 'eventLabel', 'eventCategory', 'transactionId'])
      expect(event.customData).not.toHaveProperty(key)
  })

  it('keeps an action where the override has none', async () => {
    expect(await mapped(track, { overrides: { eventName: { const: null } } })).toMatchObject({ eventName: 'track' })
  })
})

const overrides = fc.dictionary(
  fc.constantFrom(...CAPI_PATHS),
  fc.oneof(
    fc.constantFrom(
      'properties.other',
      'properties.products',
      'properties.revenue',
      'user.em',
      'page.url',
      'time',
      'x',
    ),
    fc.record({ const: fc.jsonValue({ maxDepth: 3 }) }),
  ),
)

describe('every mapped event', () => {
  it('is taken without a single complaint, however strict Microsoft is', async () => {
    let taken = 0
    await fc.assert(
      fc.asyncProperty(
        anyEvent,
        fc.option(overrides),
        fc.constantFrom(undefined, 'custom', 'pageLoad'),
        async (event, map, as) => {
          const fake = createFakeCapi({
            tags: { 1: 't' },
            now: () => NOW,
            futureToleranceMs: 0,
            countRemovedIdentifiers: false,
          })
          const result = await mapCapi(event, { now: NOW, as, overrides: map ?? {}, throwawayId: THROWAWAY })
          if (!result.ok) return
          const answer = await fake.fetch(
            new Request('https://capi.example/v1/1/events', {
              method: 'POST',
              headers: { authorization: 'Bearer t', 'content-type': 'application/json' },
              body: JSON.stringify({ data: [result.event] }),
            }),
          )
          taken++
          expect(await answer.json()).toEqual({ eventsReceived: 1 })
          expect(fake.oracle.accepted).toEqual([
            { tagId: '1', event: JSON.parse(JSON.stringify(result.event)), consent: event.consent ?? 'denied' },
          ])
        },
      ),
      { numRuns: 600 },
    )
    expect(taken).toBeGreaterThan(200)
  })

  it('says what the browser tag said, so that both are one', async () => {
    const mapping = { action: 'track', category: 'category', currency: 'currency', ecommerce: true }
    await fc.assert(
      fc.asyncProperty(anyEvent, async ({ conversion: _, ...event }) => {
        const source = { ...event, type: 'track', consent: 'granted', user: USER } as ServerEvent
        const result = await map(source)
        if (!result.ok) {
          expect(result.code).toMatch(/time|expired/)
          return
        }
        const { action, params } = mapUet(source as never, mapping)
        const { eventName, eventId, customData = {} } = result.event
        expect({ eventName, eventId, ...customData }).toMatchObject({
          eventName: action,
          ...(params.event_id ? { eventId: params.event_id } : {}),
          ...(params.event_label ? { eventLabel: params.event_label } : {}),
        })
        expect([
          customData.eventCategory,
          customData.value,
          customData.currency,
          customData.itemIds,
          customData.pageType,
        ]).toEqual([
          params.event_category,
          params.revenue_value,
          params.currency,
          params.ecomm_prodid,
          params.ecomm_pagetype,
        ])
      }),
      { numRuns: 600 },
    )
  })
})
