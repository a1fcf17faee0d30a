import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { uetAmplitudePlugin } from '../../../src/browser/adapters/amplitude.ts'
import { uetPlugin } from '../../../src/browser/adapters/analytics.ts'
import { uetRudderStackIntegration } from '../../../src/browser/adapters/rudderstack.ts'
import { uetSegmentPlugin } from '../../../src/browser/adapters/segment.ts'
import { createUet } from '../../../src/browser/index.ts'
import type { UetOptions } from '../../../src/browser/options.ts'
import { anyObject, anyValue, HOSTILE, throwingProxy } from '../../support/hostile.ts'
import type { TagPageOptions } from '../../support/tag-page.ts'
import { openUetPage } from '../../support/uet-page.ts'

beforeEach(() => {
  vi.useFakeTimers({ now: 1_764_000_000_000 })
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

const OPTIONS: UetOptions = { tagId: '1', consent: { category: 'Advertising' } }

/** Each adapter's hooks, called with a message as its host would hand it over. */
type Hook = 'page' | 'track' | 'identify'
const HOSTS: Record<string, (options: UetOptions) => (hook: Hook, message: unknown) => unknown> = {
  analytics: (options) => {
    const plugin = uetPlugin(options)
    return (hook, payload) => plugin[hook]({ payload } as never)
  },
  segment: (options) => {
    const plugin = uetSegmentPlugin(options)
    return (hook, event) => plugin[hook]({ event } as never)
  },
  rudderstack: (options) => {
    const integration = uetRudderStackIntegration(options)
    return (hook, message) => integration[hook](undefined, undefined, { message } as never)
  },
}

function open(host: string, options: UetOptions = OPTIONS, page: TagPageOptions = {}) {
  const opened = openUetPage(page)
  return { page: opened, call: HOSTS[host]!(options), state: () => createUet(options).state() }
}

const names = Object.keys(HOSTS)

describe.each(names)('%s', (name) => {
  it.each(['page', 'track', 'identify'] as const)('%s takes anything without throwing', (hook) => {
    const { call } = open(name)
    fc.assert(fc.property(anyValue, (make) => void call(hook, make())))
    fc.assert(fc.property(anyObject('event', 'properties', 'traits', 'context'), (make) => void call(hook, make())))
    for (const [, make] of HOSTILE) call(hook, { event: 'a', properties: make(), traits: make(), context: make() })
    expect(call(hook, { event: 'a' })).toEqual(name === 'segment' ? { event: { event: 'a' } } : undefined)
  })

  it('takes no mere word in place of the categories for an answer', () => {
    const { call, state, page } = open(name)
    const consent = (value: unknown) => ({ context: { consent: value, consentManagement: value } })
    for (const word of ['granted', true, ['granted'], { Advertising: true }, { categoryPreferences: 'granted' }])
      for (const hook of ['identify', 'track', 'page'] as const) call(hook, { event: 'a', ...consent(word) })
    expect(state().consent).toBe('denied')
    expect(page.warnings).toEqual([])
  })

  it.each([
    ['Global Privacy Control', { globalPrivacyControl: true }, 'denied', 'gpc'],
    ['nothing against it', {}, 'granted', 'category'],
  ])('grants by category where there is %s: %j', (_, page, consent, consentSource) => {
    const { call, state } = open(name, OPTIONS, page)
    const context = {
      consent: { categoryPreferences: { Advertising: true } },
      consentManagement: { allowedConsentIds: ['Advertising'], deniedConsentIds: [] },
    }
    call('identify', { userId: 'u', context })
    expect(state()).toMatchObject({ consent, consentSource })
  })
})

describe('RudderStack consent lists', () => {
  it.each([
    [['Advertising'], [], 'granted'],
    [['Advertising', 'Other'], ['Third'], 'granted'],
    [['Advertising'], ['Advertising'], 'denied'],
    [[], ['Advertising'], 'denied'],
    [[], [], 'denied'],
    [['Other'], undefined, 'denied'],
    [{ Advertising: true }, {}, 'denied'],
    ['Advertising', null, 'denied'],
    [['__proto__', 'Advertising'], [5, null], 'granted'],
    [throwingProxy([]), throwingProxy({}), 'denied'],
  ])('of row %#', (allowedConsentIds, deniedConsentIds, expected) => {
    const { call, state } = open('rudderstack', {
      tagId: '1',
      consent: { default: 'granted', category: 'Advertising' },
    })
    call('page', { context: { consentManagement: { allowedConsentIds, deniedConsentIds } } })
    expect(state().consent).toBe(expected)
  })
})

describe('Amplitude', () => {
  it('takes anything without rejecting', async () => {
    openUetPage()
    const plugin = uetAmplitudePlugin(OPTIONS)
    const call = async (event: unknown) => {
      const result = await plugin.execute(event as never)
      expect(result.code).toBe(200)
      expect(result.event === event || Number.isNaN(event)).toBe(true)
    }
    for (const [, make] of HOSTILE) await call(make())
    for (const [, make] of HOSTILE)
      for (const event_type of ['a', '$identify', '[Amplitude] Page Viewed'])
        await call({ event_type, event_properties: make(), user_properties: make() })
  })

  it.each(['session_start', 'session_end', '[Amplitude] Element Clicked', '$groupidentify', '$exposure'])(
    'sends no %s, but an event of the site that only looks like it',
    async (event_type) => {
      const page = openUetPage()
      const plugin = uetAmplitudePlugin({ tagId: '1', consent: { default: 'granted' } })
      await plugin.execute({ event_type })
      await plugin.execute({ event_type: `my ${event_type}` })
      page.settle()
      expect(page.lines()).toEqual(['pageLoad /', `custom my ${event_type}`])
    },
  )
})
