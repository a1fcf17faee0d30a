import { afterEach, describe, expect, it, vi } from 'vitest'
import { resolveNames } from '../../../src/browser/consent/names.ts'
import { isFaulty, type UetOptions } from '../../../src/browser/options.ts'

const resolve = (consent: unknown) => resolveNames({ tagId: '1', consent } as UetOptions)
const sourcesOf = (consent: object) => {
  const { sources } = resolve(consent).consent as { sources?: unknown }
  return Array.isArray(sources) ? sources.map((source: { name?: string }) => source.name) : sources
}

afterEach(() => void vi.restoreAllMocks())

describe('resolveNames', () => {
  it.each([
    ['cookiebot', ['cookiebot']],
    ['oneTrust, googleConsentMode', ['oneTrust', 'googleConsentMode']],
    [['oneTrust'], ['oneTrust']],
    [
      [{ name: 'mine', subscribe: () => () => {} }, 'cookiebot'],
      ['mine', 'cookiebot'],
    ],
    [undefined, undefined],
    [[], []],
  ])('makes sources of %j', (sources, names) => {
    expect(sourcesOf({ sources, category: 'C0004' })).toEqual(names)
  })

  it.each(['onetrust', 'cookiebot, other', ['other'], 'toString'])(
    'leaves %j to be warned of, so that nothing starts half way',
    (sources) => {
      vi.spyOn(console, 'warn').mockImplementation(() => {})
      expect(sourcesOf({ sources })).toBe(String(sources))
      expect(isFaulty(resolve({ sources }))).toBe(true)
    },
  )

  it.each([
    [{ default: 'EEA=denied, GB=denied,*=granted', country: 'DE' }, 'denied'],
    [{ default: 'EEA=denied, GB=denied,*=granted', country: 'US' }, 'granted'],
    [{ default: { EEA: 'denied', '*': 'granted' }, country: 'us' }, 'granted'],
    [{ default: 'EEA=denied,*', country: 'US' }, 'denied'],
  ])('makes a default by region of %j', (consent, state) => {
    const options = resolve(consent)
    const { default: fallback } = options.consent as { default?: () => string }
    expect(fallback?.()).toBe(state)
    expect(isFaulty(options)).toBe(false)
  })

  it.each([false, undefined, { default: 'denied' }])('leaves consent %j as it is', (consent) => {
    expect(resolve(consent).consent).toEqual(consent)
  })

  it.each([undefined, null, 5])('survives options %j', (options) => {
    expect(resolveNames(options as never)).toBe(options)
  })
})
