import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CAPI_PATHS, isCapiPath, readField } from '../../src/core/capi-fields.ts'

const UUID = '0b0f9a63-5a4f-4a0e-9d4c-6b5d3f3b1c11'

describe('isCapiPath', () => {
  it.each(['eventId', 'eventSourceUrl', 'userData.em', 'customData.items', 'customData.hotelData.checkinDate'])(
    'knows %s',
    (path) => expect(isCapiPath(path)).toBe(true),
  )

  // The type and the consent are decided elsewhere.
  it.each([
    'eventType',
    'adStorageConsent',
    'userData',
    'customData',
    '',
    'em',
    'constructor',
    '__proto__',
    'customData.x',
  ])('does not know %j', (path) => {
    expect(isCapiPath(path)).toBe(false)
    expect(readField(path, 'x')).toBeUndefined()
  })
})

describe('readField', () => {
  it.each<[string, unknown, unknown]>([
    ['eventId', 7, '7'],
    ['eventId', ' a ', 'a'],
    ['eventTime', 1_764_000_000, 1_764_000_000],
    ['eventTime', 1_764_000_000_999, 1_764_000_000],
    ['eventTime', '1764000000999', 1_764_000_000],
    ['eventTime', '2025-11-24T16:00:00.5Z', 1_764_000_000],
    ['eventTime', new Date(1_764_000_000_500), 1_764_000_000],
    ['eventTime', 'yesterday', undefined],
    ['eventTime', -1, undefined],
    ['eventTime', Number.NaN, undefined],
    ['eventSourceUrl', 'https://Shop.example', 'https://shop.example/'],
    ['eventSourceUrl', 'https://me:secret@shop.example/a b', 'https://shop.example/a%20b'],
    ['eventSourceUrl', '/thanks', undefined],
    ['eventSourceUrl', 'javascript:alert(1)', undefined],
    ['referrerUrl', 'android-app://com.google.android.gm', undefined],
    ['pageLoadId', UUID, UUID],
    ['pageLoadId', 'x', undefined],
    ['keywords', ['clocks', '', 'decor'], 'clocks,decor'],
    ['keywords', 'clocks, decor', 'clocks, decor'],
    ['userData.anonymousId', '5c1e', '5c1e'],
    ['userData.anonymousId', 'jane@example.com', undefined],
    ['userData.msclkid', '_uet292049a17e2413e3a4081719e839afe6', '292049a1-7e24-13e3-a408-1719e839afe6'],
    ['userData.msclkid', 'dd4afcccb1c9a4cad9544dd7e5006', undefined],
    ['userData.idfa', UUID.toUpperCase(), UUID.toUpperCase()],
    ['userData.gaid', '00000000-0000-0000-0000-000000000000', undefined],
    ['userData.clientIpAddress', '203.0.113.7', '203.0.113.7'],
    ['userData.clientIpAddress', '::ffff:203.0.113.7', '203.0.113.7'],
    ['userData.clientIpAddress', ' 2001:db8::7 ', '2001:db8::7'],
    ['userData.clientIpAddress', '256.1.1.1', undefined],
    ['userData.clientIpAddress', '1.2.3', undefined],
    ['userData.clientIpAddress', '1.2.3.4:80', undefined],
    ['userData.clientIpAddress', 'fe80::1%eth0', undefined],
    ['userData.clientIpAddress', '::1]/@x:', undefined],
    ['customData.value', '1.234,50 €', 1234.5],
    ['customData.value', -1, undefined],
    ['customData.value', 0, 0],
    ['customData.currency', ' eur ', 'EUR'],
    ['customData.currency', 'euro', undefined],
    ['customData.transactionId', 8841, '8841'],
    ['customData.pageType', 'Purchase', 'purchase'],
    ['customData.pageType', 'checkout', undefined],
    ['customData.itemIds', ['a', 7, '', { sku: 'b' }, 'a'], ['a', '7', 'b']],
    ['customData.itemIds', 'a', ['a']],
    ['customData.itemIds', [], undefined],
    [
      'customData.items',
      [
        { product_id: 'a', price: '1.5', quantity: '2', brand: 'x' },
        { name: 'b', quantity: 1.5 },
        { price: 3 },
        'not a product',
      ],
      [{ id: 'a', price: 1.5, quantity: 2 }, { name: 'b' }],
    ],
    ['customData.items', [{ brand: 'x' }], undefined],
    ['customData.hotelData.totalPrice', '188.23', 188.23],
    ['customData.hotelData.checkinDate', '2026-12-01', '2026-12-01'],
    ['customData.hotelData.checkinDate', '2026-02-31', undefined],
    ['customData.hotelData.checkinDate', '2026-13-01', undefined],
    ['customData.hotelData.lengthOfStay', '4', 4],
    ['customData.hotelData.lengthOfStay', 31, undefined],
    ['customData.hotelData.lengthOfStay', 1.5, undefined],
  ])('%s: %j → %j', (path, raw, value) => {
    expect(readField(path, raw)).toEqual(value)
  })

  it('never throws and reads what it gave the same way', () => {
    fc.assert(
      fc.property(fc.constantFrom(...CAPI_PATHS), fc.anything(), (path, raw) => {
        const value = readField(path, raw)
        if (value !== undefined) expect(readField(path, value)).toEqual(value)
      }),
      { numRuns: 2_000 },
    )
  })
})
