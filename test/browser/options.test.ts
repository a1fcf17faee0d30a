import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Uet } from '../../src/browser/types.ts'
import { HOSTILE } from '../support/hostile.ts'
import { openUetPage } from '../support/uet-page.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

/** A fresh copy of the package: warnings are given once in the life of a page. */
async function load() {
  vi.resetModules()
  const { createUet } = await import('../../src/browser/index.ts')
  const page = openUetPage()
  return { page, create: (options: unknown) => createUet(options as never) }
}

const use = (uet: Uet) => {
  uet.page()
  uet.track('Signup')
  uet.identify('u', { email: 'a@b.example' })
  uet.on('event', () => {})()
  uet.reset()
  return uet.state()
}

describe('a wrong option', () => {
  const consent = false
  it.each<[what: string, options: unknown, name: string, value: string, remedy: string]>([
    ['no options', undefined, 'tagId', 'undefined', 'use digits'],
    ['null', null, 'tagId', 'undefined', 'use digits'],
    ['no tag id', { consent }, 'tagId', 'undefined', 'use digits'],
    ['an empty tag id', { tagId: '', consent }, 'tagId', '', 'use digits'],
    ['a tag id that is no number', { tagId: 'UET-1', consent }, 'tagId', 'UET-1', 'use digits'],
    ['a tag id with a space', { tagId: '1 ', consent }, 'tagId', '1 ', 'use digits'],
    ['one bad tag id of several', { tagId: ['1', 'x'], consent }, 'tagId', '1,x', 'use digits'],
    ['no tag ids in a list', { tagId: [], consent }, 'tagId', '', 'use digits'],
    ['a fraction', { tagId: 1.5, consent }, 'tagId', '1.5', 'use digits'],
    ['a negative tag id', { tagId: -1, consent }, 'tagId', '-1', 'use digits'],
    ['an unknown option', { tagId: 1, consent, colour: 'red' }, 'colour', 'red', 'no such option'],
    ['an option of another case', { tagId: 1, consent, Debug: true }, 'Debug', 'true', 'no such option'],
    [
      'an unknown option in a group',
      { tagId: 1, consent: { defualt: 'denied' } },
      'consent.defualt',
      'denied',
      'no such option',
    ],
    ['consent as a word', { tagId: 1, consent: 'denied' }, 'consent', 'denied', 'use group or false'],
    ['consent: true', { tagId: 1, consent: true }, 'consent', 'true', 'use group or false'],
    ['consent: null', { tagId: 1, consent: null }, 'consent', 'null', 'use group or false'],
    [
      'a default that is no text',
      { tagId: 1, consent: { default: true } },
      'consent.default',
      'true',
      'use text or function',
    ],
    ['a numeric category', { tagId: 1, consent: { category: 4 } }, 'consent.category', '4', 'use text or list'],
    [
      'a list of categories that are none',
      { tagId: 1, consent: { category: [4] } },
      'consent.category',
      '4',
      'use text or list',
    ],
    [
      'a wait that is no number',
      { tagId: 1, consent: { waitForUpdate: 'soon' } },
      'consent.waitForUpdate',
      'soon',
      'use 0-10000',
    ],
    [
      'a wait beyond ten seconds',
      { tagId: 1, consent: { waitForUpdate: 10001 } },
      'consent.waitForUpdate',
      '10001',
      'use 0-10000',
    ],
    ['a negative wait', { tagId: 1, consent: { waitForUpdate: -1 } }, 'consent.waitForUpdate', '-1', 'use 0-10000'],
    ['another way to load', { tagId: 1, consent: { load: 'lazy' } }, 'consent.load', 'lazy', 'use advanced or basic'],
    ['GPC as a text', { tagId: 1, consent: { gpc: 'false' } }, 'consent.gpc', 'false', 'use boolean'],
    [
      'TCF beside others',
      { tagId: 1, consent: { tcf: true, category: 'Ads' } },
      'consent.tcf',
      'true',
      'remove the other consent options',
    ],
    ['a mapping that is none', { tagId: 1, consent, mapping: 'label' }, 'mapping', 'label', 'use group'],
    ['a label that is no path', { tagId: 1, consent, mapping: { label: 5 } }, 'mapping.label', '5', 'use text'],
    [
      'parameters in a list',
      { tagId: 1, consent, mapping: { parameters: ['x'] } },
      'mapping.parameters',
      'x',
      'use object',
    ],
    ['an event list that is none', { tagId: 1, consent, events: { allow: 'A' } }, 'events.allow', 'A', 'use list'],
    [
      'another maker of page loads',
      { tagId: 1, consent, pageLoads: 'never' },
      'pageLoads',
      'never',
      'use calls or auto',
    ],
    [
      'a cookie name true',
      { tagId: 1, consent, identifiers: { clickId: true } },
      'identifiers.clickId',
      'true',
      'use text or false',
    ],
    ['a relay without an address', { tagId: 1, consent, relay: { key: 'k' } }, 'relay.url', 'undefined', 'use text'],
    ['a relay as an address', { tagId: 1, consent, relay: '/v1/e' }, 'relay', '/v1/e', 'use group'],
    [
      'another choice for the relay',
      { tagId: 1, consent, relay: { url: '/', events: 'never' } },
      'relay.events',
      'never',
      'use always or blocked',
    ],
    [
      'an id sync without a customer',
      { tagId: 1, consent, idSync: {} },
      'idSync.customerId',
      'undefined',
      'use digits',
    ],
    [
      'a container as a text',
      { tagId: 1, consent, script: { container: 'false' } },
      'script.container',
      'false',
      'use boolean',
    ],
    ['a redaction that is no function', { tagId: 1, consent, redactUrl: '/x/' }, 'redactUrl', '/x/', 'use function'],
    [
      'redaction beside the tag’s own page loads',
      { tagId: 1, consent, pageLoads: 'auto', redactUrl: (url: string) => url },
      'pageLoads',
      'auto',
      'remove redactUrl',
    ],
    ['a debug level', { tagId: 1, consent, debug: 2 }, 'debug', '2', 'use boolean'],
  ])(
    '%s: one warning with name, value and remedy, however often it is used, and nothing leaves',
    async (_, options, name, value, remedy) => {
      const { page, create } = await load()
      const uet = create(options)
      create(options)
      expect(page.warnings).toHaveLength(1)
      expect(page.warnings[0]).toContain(`option ${name} is ${value} : ${remedy}`)
      expect(use(uet)).toMatchObject({ script: 'off', tagIds: [] })
      page.settle(20_000)
      expect(page.warnings).toHaveLength(1)
      expect([...page.requests, ...page.cookieJar.all(), ...page.errors]).toEqual([])
    },
  )

  it.each(HOSTILE)('%s for options, for a tag id or for any option throws nothing', async (_, make) => {
    const { page, create } = await load()
    const names = ['tagId', 'consent', 'mapping', 'events', 'relay', 'script', 'redactUrl', 'identifiers', 'debug']
    const all = [make(), ...names.map((name) => ({ tagId: '1', consent: false, [name]: make() }))]
    for (const options of all) expect(() => use(create(options))).not.toThrow()
    page.settle(20_000)
    expect(page.errors).toEqual([])
  })
})

describe('right options', () => {
  it.each<[string, object]>([
    ['the smallest', { tagId: '1', consent: false }],
    ['a numeric tag id', { tagId: 1, consent: false }],
    ['options left undefined', { tagId: '1', consent: false, relay: undefined, mapping: { label: undefined } }],
    [
      'every option',
      {
        tagId: ['1', 2],
        consent: {
          default: 'ALLOWED',
          category: ['Ads', 'Marketing'],
          property: 'consent.ads',
          sources: [],
          load: 'basic',
          waitForUpdate: 10_000,
          gpc: false,
        },
        mapping: {
          action: () => 'track',
          label: 'a',
          category: 'b.c',
          value: 'd',
          currency: 'e',
          parameters: { search_term: 'q' },
          ecommerce: false,
        },
        events: { allow: ['A'], deny: [] },
        pageLoads: 'auto',
        identifiers: { domain: false, days: false, clickId: false, visitorId: 'mine' },
        relay: { url: '/v1/e', key: 'k', pageLoads: 'never', events: 'blocked' },
        idSync: { customerId: 7 },
        script: { src: '/bat.js', nonce: 'n', container: false, trustedTypesPolicy: 'uetkit' },
        debug: false,
      },
    ],
    ['TCF alone', { tagId: 1, consent: { tcf: true } }],
    ['redaction', { tagId: 1, consent: false, pageLoads: 'calls', redactUrl: (url: string) => url }],
    ['a function as default', { tagId: 1, consent: { default: () => 'denied' } }],
  ])('%s: no warning', async (_, options) => {
    const { page, create } = await load()
    expect(create(options).state().script).not.toBe('off')
    expect(page.warnings).toEqual([])
  })

  it('may be frozen, and are not written to', async () => {
    const { page, create } = await load()
    const options = Object.freeze({ tagId: Object.freeze(['1']), consent: Object.freeze({ default: 'granted' }) })
    create(options).track('Signup')
    page.settle()
    expect(page.lines()).toEqual(['pageLoad /', 'custom Signup'])
  })
})

describe('consent left out', () => {
  it('is off, with one notice of what that costs and how to choose', async () => {
    const { page, create } = await load()
    create({ tagId: 1 }).track('Signup')
    create({ tagId: 2 })
    page.settle()
    expect(page.warnings).toHaveLength(1)
    expect(page.warnings[0]).toMatch(/option consent is not set.*EEA, UK and Switzerland.*default.*false/)
    expect(page.sent.some(({ params }) => params.evt === 'consent')).toBe(false)
  })
})

describe('a wrong call', () => {
  it('of consent() warns once with the remedy, and changes nothing', async () => {
    const { page, create } = await load()
    const uet = create({ tagId: 1, consent: { default: 'denied' } })
    for (const state of ['maybe', '', 5, undefined, null]) uet.consent(state as never)
    expect(page.warnings).toEqual([expect.stringContaining("consent() takes 'granted' or 'denied'")])
    expect(uet.state().consent).toBe('denied')
  })

  it('of consent() where none is managed warns once', async () => {
    const { page, create } = await load()
    const uet = create({ tagId: 1, consent: false })
    uet.consent('granted')
    uet.consent('granted')
    expect(page.warnings).toEqual([expect.stringContaining('consent() needs the option consent')])
  })

  it('of track() and page() stays off the console, but for the option debug', async () => {
    const debug = vi.spyOn(console, 'debug').mockImplementation(() => {})
    const { page, create } = await load()
    const quiet = create({ tagId: 1, consent: false })
    quiet.track('')
    quiet.track('Signup', { revenue: '1,234' })
    expect(debug).not.toHaveBeenCalled()
    const uet = create({ tagId: 2, consent: false, debug: true })
    uet.track('')
    uet.track('Signup', { revenue: '1,234' })
    const lines = debug.mock.calls.map((line) => line.map(String).join(' '))
    expect(lines).toContainEqual(expect.stringContaining('[uetkit] dropped track() needs an event name'))
    expect(lines).toContainEqual(expect.stringContaining('revenue_value: unusable in "revenue"'))
    expect(page.warnings).toEqual([])
  })
})

describe('a console', () => {
  it.each<[string, unknown]>([
    [
      'that throws',
      {
        warn: () => {
          throw new Error('theirs')
        },
        debug: () => {
          throw new Error('theirs')
        },
      },
    ],
    ['without methods', {}],
    ['that is not there', undefined],
  ])('%s stops nothing', async (_, console) => {
    const { page, create } = await load()
    vi.stubGlobal('console', console)
    create({ tagId: 1, debug: true }).track('Signup')
    create({ tagId: 'x' })
    page.settle()
    vi.unstubAllGlobals()
    expect(page.lines()).toEqual(['pageLoad /', 'custom Signup'])
  })
})
