import { beforeEach, describe, expect, it, vi } from 'vitest'
import { cookiebot, custom, googleConsentMode, oneTrust } from '../../../src/browser/consent/index.ts'
import type { ConsentSourceApi } from '../../../src/browser/options.ts'
import { createFakeWindow, type FakePage } from '../../support/fake-window.ts'

let page: FakePage
let reports: string[]

/** Starts a source on the page; reports are collected as `granted`, or `granted?` where only assumed. */
const start = (source: ConsentSourceApi) =>
  source.subscribe((state, assumed) => reports.push(assumed ? `${state}?` : state), page.window)

const openPage = (cookies = '', globals: object = {}) => {
  page = createFakeWindow({ cookies })
  vi.stubGlobal('document', page.document)
  Object.assign(page.window, globals)
}
const fire = (type: string, detail?: unknown) => page.window.dispatchEvent(Object.assign(new Event(type), { detail }))

beforeEach(() => {
  vi.useFakeTimers()
  reports = []
  openPage()
  return () => {
    vi.useRealTimers()
    vi.unstubAllGlobals()
  }
})

/** A page on which whatever is looked at throws. */
const hostile = () =>
  new Proxy(
    {},
    {
      get: () => {
        throw new Error('hostile')
      },
      set: () => {
        throw new Error('hostile')
      },
      has: () => {
        throw new Error('hostile')
      },
      getOwnPropertyDescriptor: () => {
        throw new Error('hostile')
      },
    },
  ) as never

describe.each<[string, () => ConsentSourceApi]>([
  ['oneTrust', () => oneTrust({ category: 'C0004' })],
  ['cookiebot', cookiebot],
  ['googleConsentMode', googleConsentMode],
  ['custom', () => custom(() => {})],
])('%s', (name, make) => {
  it('has its name, says nothing on a page without the tool, and stops', () => {
    const source = make()
    expect(source.name).toBe(name)
    const stop = start(source)
    expect(reports).toEqual([])
    expect(stop).not.toThrow()
  })

  it('throws nothing at a hostile page', () => {
    vi.spyOn(console, 'warn').mockImplementation(() => {})
    vi.stubGlobal('document', hostile())
    const stop = make().subscribe(() => {}, hostile())
    expect(stop).not.toThrow()
  })
})

describe('oneTrust', () => {
  const consentCookie = (groups: string) =>
    `OptanonConsent=${encodeURIComponent(`isGpcEnabled=0&version=6.33&groups=${groups}&AwaitingReconsent=false`)}`

  it.each<[what: string, cookies: string, globals: object, category: string | string[], expected: string[]]>([
    ['an active group', '', { OnetrustActiveGroups: ',C0001,C0004,' }, 'C0004', ['granted']],
    ['a group that is not active', '', { OnetrustActiveGroups: ',C0001,' }, 'C0004', ['denied']],
    ['a part of a name', '', { OnetrustActiveGroups: ',C0001,C00041,' }, 'C0004', ['denied']],
    ['another case', '', { OnetrustActiveGroups: ',C0001,c0004,' }, 'C0004', ['denied']],
    ['all of several', '', { OnetrustActiveGroups: ',C0001,C0002,C0004,' }, ['C0002', 'C0004'], ['granted']],
    ['one of several', '', { OnetrustActiveGroups: ',C0001,C0004,' }, ['C0002', 'C0004'], ['denied']],
    ['an array', '', { OnetrustActiveGroups: ['C0001', 'C0004'] }, 'C0004', ['granted']],
    ['spaces', '', { OnetrustActiveGroups: 'C0001, C0004' }, 'C0004', ['granted']],
    ['no category at all', '', { OnetrustActiveGroups: ',C0001,' }, [], ['denied']],
    ['an empty text, as before OneTrust has started', '', { OnetrustActiveGroups: '' }, 'C0004', []],
    ['something odd', '', { OnetrustActiveGroups: { C0004: true } }, 'C0004', []],
    ['the cookie, where the script is not there yet', consentCookie('C0001:1,C0004:1'), {}, 'C0004', ['granted']],
    ['a refusal in the cookie', consentCookie('C0001:1,C0004:0'), {}, 'C0004', ['denied']],
    ['a cookie without the group', consentCookie('C0001:1'), {}, 'C0004', ['denied']],
    ['a cookie that is not encoded', 'OptanonConsent=a=1&groups=C0001:1,C0004:1', {}, 'C0004', ['granted']],
    ['a cookie without groups', 'OptanonConsent=isGpcEnabled%3D0', {}, 'C0004', []],
    ['a broken cookie', consentCookie('broken'), {}, 'C0004', []],
    [
      'the page rather than the cookie',
      consentCookie('C0001:1,C0004:1'),
      { OnetrustActiveGroups: ',C0001,' },
      'C0004',
      ['denied'],
    ],
  ])('reads %s', (_, cookies, globals, category, expected) => {
    openPage(cookies, globals)
    start(oneTrust({ category }))
    expect(reports).toEqual(expected)
  })

  it('follows the event, and what it says counts before the page', () => {
    openPage('', { OnetrustActiveGroups: ',C0001,' })
    const stop = start(oneTrust({ category: 'C0004' }))
    fire('OneTrustGroupsUpdated', ['C0001', 'C0004'])
    fire('OneTrustGroupsUpdated', ['C0001'])
    page.window.OnetrustActiveGroups = ',C0001,C0004,'
    fire('OneTrustGroupsUpdated')
    expect(reports).toEqual(['denied', 'granted', 'denied', 'granted'])
    stop()
    fire('OneTrustGroupsUpdated', ['C0001'])
    expect(reports).toHaveLength(4)
  })

  it('follows OptanonWrapper and leaves the site’s own in place', () => {
    const calls: unknown[][] = []
    const own = function (this: unknown, ...args: unknown[]) {
      calls.push([this, ...args])
      return 'site'
    }
    openPage('', { OptanonWrapper: own })
    const stop = start(oneTrust({ category: 'C0004' }))
    page.window.OnetrustActiveGroups = ',C0001,C0004,'
    const wrapper = page.window.OptanonWrapper as typeof own
    expect(wrapper.call(page.window, 1, 2)).toBe('site')
    expect(calls).toEqual([[page.window, 1, 2]])
    expect(reports).toEqual(['granted'])
    stop()
    expect(page.window.OptanonWrapper).toBe(own)
  })

  it('lets the error of a site’s own OptanonWrapper pass, after it has read', () => {
    openPage('', {
      OnetrustActiveGroups: '',
      OptanonWrapper: () => {
        throw new Error('of the site')
      },
    })
    start(oneTrust({ category: 'C0004' }))
    page.window.OnetrustActiveGroups = ',C0001,C0004,'
    expect(page.window.OptanonWrapper).toThrow('of the site')
    expect(reports).toEqual(['granted'])
  })

  it('survives a site that defines its OptanonWrapper later, and does not take that away when stopped', () => {
    const stop = start(oneTrust({ category: 'C0004' }))
    const later = () => {}
    page.window.OptanonWrapper = later
    fire('OneTrustGroupsUpdated', ['C0001', 'C0004'])
    stop()
    expect(reports).toEqual(['granted'])
    expect(page.window.OptanonWrapper).toBe(later)
  })
})

describe('cookiebot', () => {
  const cookie = (value: string) => `CookieConsent=${encodeURIComponent(value)}`
  const answer = (marketing: unknown, hasResponse: unknown = true) => ({
    Cookiebot: { consent: { necessary: true, marketing }, hasResponse },
  })

  it.each<[what: string, cookies: string, globals: object, expected: string[]]>([
    ['a grant', '', answer(true), ['granted']],
    ['a refusal', '', answer(false), ['denied']],
    ['no answer yet', '', answer(false, false), []],
    ['an implied grant without an answer', '', answer(true, false), ['granted']],
    ['something odd', '', answer('yes'), []],
    ['Cookiebot without consent', '', { Cookiebot: {} }, []],
    [
      'a cookie with a grant',
      cookie("{stamp:'x',necessary:true,preferences:false,statistics:false,marketing:true,ver:1}"),
      {},
      ['granted'],
    ],
    [
      'a cookie with a refusal',
      cookie("{stamp:'x',necessary:true,preferences:true,statistics:true,marketing:false,ver:1}"),
      {},
      ['denied'],
    ],
    ['a cookie with quotes', cookie('{"necessary":true,"marketing":true}'), {}, ['granted']],
    ['a cookie that is not encoded', "CookieConsent={stamp:'x',marketing:true}", {}, ['granted']],
    ['a cookie where no consent is needed', cookie('-1'), {}, ['granted']],
    ['a cookie of a plain refusal', cookie('0'), {}, ['denied']],
    ['a cookie of another tool', cookie('true'), {}, []],
    ['a name that only ends alike', cookie('{no_marketing:true}'), {}, []],
    ['a broken cookie', 'CookieConsent=%E0%A4%A', {}, []],
    ['the page rather than the cookie', cookie('{marketing:true}'), answer(false), ['denied']],
    ['the cookie while Cookiebot has not answered', cookie('{marketing:true}'), answer(false, false), ['granted']],
  ])('reads %s', (_, cookies, globals, expected) => {
    openPage(cookies, globals)
    start(cookiebot())
    expect(reports).toEqual(expected)
  })

  it.each(['CookiebotOnConsentReady', 'CookiebotOnAccept', 'CookiebotOnDecline'])('follows %s', (type) => {
    const stop = start(cookiebot())
    Object.assign(page.window, answer(true))
    fire(type)
    Object.assign(page.window, answer(false, false))
    fire(type)
    expect(reports).toEqual(['granted', 'denied'])
    stop()
    fire(type)
    expect(reports).toHaveLength(2)
  })
})

describe('googleConsentMode', () => {
  const entries = (entry: object) => ({ google_tag_data: { ics: { entries: { ad_storage: entry } } } })
  /** As gtag() pushes. */
  function command(..._: unknown[]) {
    // biome-ignore lint/complexity/noArguments: gtag pushes its arguments object
    return arguments
  }
  const consent = (kind: string, params: unknown) => command('consent', kind, params)

  it.each<[what: string, globals: object, expected: string[]]>([
    ['an answer', entries({ default: false, update: true }), ['granted']],
    ['a refusal', entries({ default: true, update: false }), ['denied']],
    ['a default as an assumption', entries({ default: false }), ['denied?']],
    ['a granted default', entries({ default: true }), ['granted?']],
    ['an entry without values', entries({}), []],
    ['odd values', entries({ default: 1, update: 'yes' }), []],
    [
      'commands before Google is there',
      { dataLayer: [consent('default', { ad_storage: 'denied' }), consent('update', { ad_storage: 'granted' })] },
      ['denied?', 'granted'],
    ],
    [
      'the last of several',
      { dataLayer: [consent('update', { ad_storage: 'granted' }), consent('update', { ad_storage: 'denied' })] },
      ['granted', 'denied'],
    ],
    ['arrays, as some tools push', { dataLayer: [['consent', 'update', { ad_storage: 'granted' }]] }, ['granted']],
    ['no ad_storage', { dataLayer: [consent('update', { analytics_storage: 'granted' })] }, []],
    [
      'odd values in commands',
      {
        dataLayer: [
          consent('update', { ad_storage: 'yes' }),
          consent('update', null),
          consent('other', { ad_storage: 'granted' }),
        ],
      },
      [],
    ],
    [
      'other commands',
      {
        dataLayer: [
          command('js', new Date()),
          { event: 'consent' },
          'consent',
          null,
          undefined,
          command('set', 'update', { ad_storage: 'granted' }),
        ],
      },
      [],
    ],
    [
      'a granted default that only some regions have',
      { dataLayer: [consent('default', { ad_storage: 'granted', region: ['US'] })] },
      [],
    ],
    [
      'a refusing default of some regions',
      {
        dataLayer: [
          consent('default', { ad_storage: 'granted' }),
          consent('default', { ad_storage: 'denied', region: ['DE'] }),
        ],
      },
      ['granted?', 'denied?'],
    ],
    [
      'Google’s state rather than its commands',
      { ...entries({ default: true }), dataLayer: [consent('default', { ad_storage: 'denied', region: ['DE'] })] },
      ['granted?'],
    ],
    ['a data layer that is none', { dataLayer: 'text' }, []],
  ])('reads %s', (_, globals, expected) => {
    openPage('', globals)
    start(googleConsentMode())
    expect(reports).toEqual(expected)
  })

  it('follows commands, keeps what push answers, and takes its hands off when stopped', () => {
    const stop = start(googleConsentMode())
    const layer = page.window.dataLayer as unknown[]
    expect(layer.push(consent('default', { ad_storage: 'denied' }), { event: 'x' })).toBe(2)
    layer.push(consent('update', { ad_storage: 'granted' }))
    layer.push(consent('update', { ad_storage: 'denied' }))
    expect(layer).toHaveLength(4)
    expect(reports).toEqual(['denied?', 'granted', 'denied'])
    stop()
    expect(layer.push).toBe(Array.prototype.push)
    layer.push(consent('update', { ad_storage: 'granted' }))
    vi.runAllTimers()
    expect(reports).toHaveLength(3)
  })

  it('stays under a push that Google puts over it', () => {
    const stop = start(googleConsentMode())
    const layer = page.window.dataLayer as unknown[]
    const { push } = layer
    const google = (...items: unknown[]) => push.apply(layer, items)
    layer.push = google
    layer.push(consent('update', { ad_storage: 'granted' }))
    expect(reports).toEqual(['granted'])
    stop()
    expect(layer.push).toBe(google)
    layer.push(consent('update', { ad_storage: 'denied' }))
    expect(reports).toHaveLength(1)
  })

  it('reads what Google made of a command once it has seen it, and listens to Google itself from then on', () => {
    openPage('', { dataLayer: [consent('default', { ad_storage: 'denied', region: ['DE'] })] })
    start(googleConsentMode())
    const listeners: (() => void)[] = []
    const ad_storage: Record<string, boolean> = { default: true }
    const layer = page.window.dataLayer as unknown[]
    layer.push({ event: 'gtm.js' })
    page.window.google_tag_data = {
      ics: { entries: { ad_storage }, addListener: (_: string[], call: () => void) => listeners.push(call) },
    }
    vi.runAllTimers()
    expect(reports).toEqual(['denied?', 'granted?'])
    layer.push({ event: 'gtm.load' })
    vi.runAllTimers()
    expect(listeners).toHaveLength(1)
    ad_storage.update = false
    listeners[0]?.()
    listeners[0]?.()
    expect(reports).toEqual(['denied?', 'granted?', 'denied'])
  })
})

describe('custom', () => {
  it('passes on what is a state, of any case, and booleans', () => {
    let report: (value: never) => void = () => {}
    const stop = start(
      custom((told) => {
        report = told as never
        told('granted')
        return () => reports.push('stopped')
      }),
    )
    for (const value of ['Denied', true, false, 'GRANTED ', 'yes', 1, null, undefined, {}]) report(value as never)
    expect(reports).toEqual(['granted', 'denied', 'granted', 'denied', 'granted'])
    stop()
    report('denied' as never)
    expect(reports.slice(5)).toEqual(['stopped'])
  })

  it.each<[what: string, subscribe: unknown]>([
    ['no function', undefined],
    [
      'one that throws',
      () => {
        throw new Error('of the site')
      },
    ],
    [
      'one whose stop throws',
      () => () => {
        throw new Error('of the site')
      },
    ],
    ['one that returns a promise', async () => () => {}],
  ])('survives %s', (_, subscribe) => {
    vi.spyOn(console, 'warn').mockImplementation(() => {})
    const stop = start(custom(subscribe as never))
    expect(stop).not.toThrow()
    expect(reports).toEqual([])
  })
})
