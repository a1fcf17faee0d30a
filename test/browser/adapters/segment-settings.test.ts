import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromSegmentSettings, type SegmentSettings } from '../../../src/browser/adapters/segment.ts'
import { isFaulty } from '../../../src/browser/options.ts'
import { parseDefault } from '../../../src/core/consent.ts'

const settings = (more: object = {}) => ({ tagId: '97247724', enableConsent: true, ...more }) as SegmentSettings
/** What remains of options whose empty ones count as left out. */
const plain = (value: unknown) => JSON.parse(JSON.stringify(value))

describe('settings of the classic destination become options', () => {
  it.each<[object, unknown]>([
    [{}, {}],
    [{ adStorage: 'ALLOWED' }, { default: 'ALLOWED' }],
    [{ adStorage: 'denied' }, { default: 'denied' }],
    [{ adStorage: '' }, {}],
    [{ adStorageConsentCategory: 'Advertising' }, { category: 'Advertising' }],
    [{ adStorageConsentCategory: '  ' }, {}],
    [{ adStoragePropertyMapping: 'ad_storage' }, { property: 'ad_storage' }],
    [{ adStoragePropertyMapping: 'properties.consent.ads' }, { property: 'consent.ads' }],
    [{ adStoragePropertyMapping: '$.properties.ads' }, { property: 'ads' }],
    [{ adStoragePropertyMapping: '', adStorageConsentCategory: null, adStorage: undefined }, {}],
    [
      { adStorage: 'DENIED', adStorageConsentCategory: 'C4', adStoragePropertyMapping: 'ads' },
      { default: 'DENIED', category: 'C4', property: 'ads' },
    ],
  ])('%j', (given, consent) => {
    const options = fromSegmentSettings(settings(given))
    expect(plain(options)).toEqual({ tagId: '97247724', consent })
    expect(isFaulty(options)).toBe(false)
  })

  it.each([false, undefined, null, 'false', 0])('enableConsent %j sends no signal', (enableConsent) => {
    const options = fromSegmentSettings(settings({ enableConsent, adStorage: 'ALLOWED' }))
    expect(options.consent).toBe(false)
  })

  it('grants by default for the two words only, whatever else the setting holds', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.constantFrom('ALLOWED', 'granted', ' Granted ', 'DENIED', 'yes')),
        (adStorage) => {
          const { consent } = fromSegmentSettings(settings({ adStorage }))
          const granted = /^\s*(allowed|granted)\s*$/i.test(adStorage)
          expect(parseDefault((consent as { default?: string }).default)).toBe(granted ? 'granted' : 'denied')
        },
      ),
    )
  })

  it('never throws', () => {
    fc.assert(fc.property(fc.anything(), (given) => void fromSegmentSettings(given as SegmentSettings)))
  })
})
