import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createUet } from '../../src/browser/index.ts'
import type { UetOptions } from '../../src/browser/options.ts'
import { installFakeTag } from '../../src/testing/fake-tag/install.ts'
import type { FakeAnswer } from '../support/fake-window.ts'
import { runSnippet, type TagPageOptions } from '../support/tag-page.ts'
import { openUetPage, type UetPage } from '../support/uet-page.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

const DENIED = { default: 'denied' } as const
const OPTIONS: UetOptions = { tagId: '1', consent: DENIED }
const tagScripts = (page: UetPage) => page.requests.filter(({ url }) => /\/bat\.js/.test(url))
const addScript = (page: UetPage, { text = '', src = '' }) => {
  const script = page.document.createElement('script')
  // The fake element has no text of its own.
  Object.assign(script, { text, textContent: text })
  if (src) script.src = src
  page.document.head.appendChild(script)
  return script
}
const SNIPPET = (ti: string) =>
  `(function(w,d,t,r,u){var f=function(){var o={ti:"${ti}",enableAutoSpaTracking:true};o.q=w[u],w[u]=new UET(o)}})(window,document,"script","//bat.bing.com/bat.js","uetq");`

describe('the tag script', () => {
  it('is requested once, by https, asynchronously, as UTF-8', () => {
    const page = openUetPage({ url: 'http://shop.example.com/' })
    createUet(OPTIONS)
    expect(tagScripts(page).map(({ url }) => url)).toEqual(['https://bat.bing.com/bat.js'])
    expect(page.scripts()[0]).toMatchObject({ async: true, charset: 'utf-8' })
  })

  it('is requested from another address, with a nonce', () => {
    const page = openUetPage()
    createUet({ ...OPTIONS, script: { src: '/mine/bat.js', nonce: 'n0' } })
    expect(tagScripts(page).map(({ url }) => url)).toEqual(['https://shop.example.com/mine/bat.js'])
    expect(page.scripts()[0]).toMatchObject({ nonce: 'n0' })
  })

  it('is one for several tags, each of which has its own variable and its own consent', () => {
    const page = openUetPage()
    const uet = createUet({ tagId: ['1', 22, '333'], consent: DENIED })
    uet.page()
    uet.track('Signup')
    page.settle()
    expect(tagScripts(page)).toHaveLength(1)
    expect([page.tag(), page.tag('uetq_22'), page.tag('uetq_333')].map((tag) => tag.beaconParams.ti)).toEqual([
      '1',
      '22',
      '333',
    ])
    for (const ti of ['1', '22', '333']) {
      expect(page.lines(ti)).toEqual(['pageLoad /', 'custom Signup'])
      expect(page.sent.filter(({ params }) => params.ti === ti).every(({ params }) => params.asc === 'D')).toBe(true)
    }
    expect(page.cookieJar.all()).toEqual([])
    expect(uet.state().tagIds).toEqual(['1', '22', '333'])
  })

  it('gives each of several tags values of its own, which they overwrite', () => {
    const page = openUetPage()
    const uet = createUet({ tagId: ['1', '2'], consent: false })
    uet.page()
    page.settle()
    uet.track('Cart Viewed', { products: [{ sku: 'a' }] })
    expect(page.events().map(({ params }) => params.items)).toEqual(['id=a', 'id=a'])
    expect(page.errors).toEqual([])
  })

  it.each<[string, boolean | undefined, number]>([
    ['loads its container by default', undefined, 1],
    ['loads no container by option', false, 0],
  ])('%s', (_, container, requests) => {
    const page = openUetPage()
    createUet({ ...OPTIONS, ...(container !== undefined && { script: { container } }) })
    page.settle()
    expect(page.requests.filter(({ url }) => url.includes('/p/action/'))).toHaveLength(requests)
  })

  it('starts without its container where the page’s policy refuses that one', () => {
    const page = openUetPage({ trustedTypes: true })
    const trusted = (url: string) => ({ toString: () => url })
    const uet = createUet({ ...OPTIONS, script: { trustedTypesPolicy: { createScriptURL: trusted } } })
    uet.page()
    page.settle()
    expect(uet.state().script).toBe('ready')
    expect(page.lines()).toEqual(['pageLoad /'])
    expect(page.errors).toEqual([])
  })

  it('under Trusted Types comes from a policy of the name that the option gives', () => {
    const page = openUetPage({ trustedTypes: true })
    const names: string[] = []
    Object.assign(page.window, {
      trustedTypes: {
        defaultPolicy: null,
        createPolicy: (name: string, { createScriptURL }: { createScriptURL(url: string): string }) => {
          names.push(name)
          return { createScriptURL: (url: string) => ({ toString: () => createScriptURL(url) }) }
        },
      },
    })
    const uet = createUet({ ...OPTIONS, script: { trustedTypesPolicy: 'ours' } })
    page.settle()
    expect(names).toEqual(['ours'])
    expect(uet.state().script).toBe('ready')
  })
})

describe('what became of the script', () => {
  const open = (script: FakeAnswer | undefined, options: TagPageOptions = {}) => {
    const page = openUetPage({ ...options, ...(script && { script }) })
    const uet = createUet(OPTIONS)
    const reports: unknown[] = []
    uet.on('script', (report) => reports.push(report))
    return { page, uet, reports }
  }

  it('loading, then ready', () => {
    const { page, uet, reports } = open(undefined)
    expect(uet.state()).toMatchObject({ script: 'loading' })
    expect(uet.state()).not.toHaveProperty('scriptReason')
    page.settle()
    expect(uet.state().script).toBe('ready')
    expect(reports).toEqual([{ status: 'ready' }])
  })

  it.each<[string, FakeAnswer, string]>([
    ['a network error', { outcome: 'error' }, 'network'],
    ['an empty answer', {}, 'empty'],
    ['a script that defines nothing', { run: (window) => Object.assign(window, { other: 1 }) }, 'empty'],
    [
      'a script that throws',
      {
        run: () => {
          throw new Error('broken')
        },
      },
      'empty',
    ],
    [
      'a constructor that throws',
      {
        run: (window) =>
          Object.assign(window, {
            UET: () => {
              throw 'no'
            },
          }),
      },
      'forbidden',
    ],
  ])('blocked by %s, with a bounded queue', (_, answer, reason) => {
    const { page, uet, reports } = open(answer)
    page.settle()
    expect(uet.state()).toMatchObject({ script: 'blocked', scriptReason: reason })
    expect(reports).toEqual([{ status: 'blocked', reason }])
    for (let count = 0; count < 1000; count++) uet.track('Scrolled')
    expect(uet.state()).toMatchObject({ queued: 100, dropped: 900 })
    expect((page.window.uetq as unknown as unknown[]).length).toBeLessThan(10)
    for (let count = 0; count < 1000; count++) uet.page()
    expect(uet.state().queued).toBe(100)
  })

  it('blocked by a page that forbids it at once', () => {
    const { uet } = open(undefined, { trustedTypes: true })
    expect(uet.state()).toMatchObject({ script: 'blocked', scriptReason: 'forbidden' })
  })

  it('blocked when no answer came for ten seconds', () => {
    const { page, uet } = open({ outcome: 'never' })
    page.settle(9_999)
    expect(uet.state().script).toBe('loading')
    page.settle(1)
    expect(uet.state()).toMatchObject({ script: 'blocked', scriptReason: 'timeout' })
  })

  it('ready after all when the answer comes later; nothing is lost or doubled', () => {
    const { page, uet, reports } = open({ delay: 60_000, run: (window) => installFakeTag(window) })
    uet.page()
    uet.track('Early')
    page.settle(30_000)
    uet.track('Waiting')
    page.settle(31_000)
    uet.track('Late')
    expect(uet.state()).toMatchObject({ script: 'ready', queued: 0 })
    expect(reports).toEqual([{ status: 'blocked', reason: 'timeout' }, { status: 'ready' }])
    expect(page.lines()).toEqual(['pageLoad /', 'custom Early', 'custom Waiting', 'custom Late'])
  })
})

describe('a page that knows the tag already', () => {
  it('keeps what stands in its array, behind our consent default', () => {
    const page = openUetPage()
    page.window.uetq = ['event', 'theirs', { event_label: 'Theirs' }]
    const uet = createUet(OPTIONS)
    uet.page()
    uet.track('Ours')
    page.settle()
    expect(page.lines().sort()).toEqual(['custom Ours', 'custom Theirs', 'pageLoad /'])
    expect(page.sent.every(({ params }) => params.asc === 'D')).toBe(true)
  })

  it('is overruled by our consent where it granted before us', () => {
    const page = openUetPage()
    page.window.uetq = ['consent', 'default', { ad_storage: 'granted' }]
    createUet(OPTIONS).page()
    page.settle()
    expect(page.beacons().map(({ params }) => params.asc)).toEqual(['D'])
  })

  it('runs this tag: nothing is loaded, counted or started twice', () => {
    const page = openUetPage()
    runSnippet(page.window, { ti: '1', enableAutoSpaTracking: true })
    page.settle()
    const instance = page.tag()
    const uet = createUet(OPTIONS)
    uet.page()
    uet.track('Ours')
    page.settle()
    expect(tagScripts(page)).toEqual([])
    expect(page.tag()).toBe(instance)
    expect(uet.state().script).toBe('ready')
    expect(page.lines()).toEqual(['pageLoad /', 'custom Ours'])
  })

  it('runs another tag: ours gets a variable of its own and shares the script', () => {
    const page = openUetPage()
    runSnippet(page.window, { ti: '555' })
    page.settle()
    const theirs = page.tag()
    const uet = createUet(OPTIONS)
    uet.page()
    uet.track('Ours')
    page.settle()
    expect(tagScripts(page)).toEqual([])
    expect(page.tag()).toBe(theirs)
    expect(page.tag('uetq_1').beaconParams.ti).toBe('1')
    expect(page.lines('555')).toEqual(['pageLoad /'])
    expect(page.lines('1')).toEqual(['pageLoad /', 'custom Ours'])
  })

  it('is about to load this tag by its own snippet: we wait for that one', () => {
    const page = openUetPage()
    page.window.uetq = []
    addScript(page, { text: SNIPPET('1') })
    const script = addScript(page, { src: 'https://bat.bing.com/bat.js' })
    // What the snippet does on load stands before what we add.
    const load = () => runSnippet(page.window, { ti: '1' })
    script.addEventListener('load', load)
    const uet = createUet(OPTIONS)
    uet.page()
    uet.track('Ours')
    page.settle()
    expect(tagScripts(page)).toHaveLength(1)
    expect(uet.state().script).toBe('ready')
    expect(page.lines()).toEqual(['pageLoad /', 'custom Ours'])
    expect(page.beacons().every(({ params }) => params.asc === 'D')).toBe(true)
  })

  it('is about to load another tag: it is left alone', () => {
    const page = openUetPage()
    page.window.uetq = []
    addScript(page, { text: SNIPPET('555') })
    const script = addScript(page, { src: 'https://bat.bing.com/bat.js' })
    script.addEventListener('load', () => runSnippet(page.window, { ti: '555' }))
    const uet = createUet(OPTIONS)
    uet.page()
    uet.track('Ours')
    page.settle()
    expect(page.lines('555')).toEqual(['pageLoad /'])
    expect(page.lines('1')).toEqual(['pageLoad /', 'custom Ours'])
    const asc = (ti: string) =>
      page
        .beacons()
        .filter(({ params }) => params.ti === ti)
        .map(({ params }) => params.asc)
    expect(asc('1')).toEqual(['D', 'D'])
    expect(asc('555')).toEqual([undefined])
  })

  it('has the variable taken by something else', () => {
    const page = openUetPage()
    Object.assign(page.window, { uetq: 'theirs' })
    const uet = createUet(OPTIONS)
    uet.page()
    page.settle()
    expect(page.window.uetq).toBe('theirs')
    expect(page.lines()).toEqual(['pageLoad /'])
  })

  it('starts a second tracker of one tag: it is the same one', () => {
    const page = openUetPage()
    const first = createUet(OPTIONS)
    const second = createUet({ tagId: 1, consent: { default: 'granted' } })
    expect(second).toBe(first)
    second.page()
    page.settle()
    expect(tagScripts(page)).toHaveLength(1)
    expect(page.lines()).toEqual(['pageLoad /'])
  })

  it.each([undefined, 'https://shop.example.com/assets/bat.js'])(
    'starts a second tracker of another tag, script from %s: each keeps to its own consent',
    (src) => {
      const page = openUetPage()
      const trackers = [
        createUet({ tagId: '1', consent: {}, script: { src } }),
        createUet({ tagId: '2', consent: { default: 'granted' }, script: { src } }),
      ]
      for (const uet of trackers) uet.page()
      page.settle()
      const seen = [...page.pings(), ...page.beacons()].map(({ params: { ti, asc } }) => `${ti}${asc}`)
      expect(seen.toSorted()).toEqual(['1D', '1D', '2G', '2G'])
    },
  )

  it('replaces the queue by something that throws: no call throws, and we go our own way', () => {
    const page = openUetPage({ script: { outcome: 'never' } })
    const uet = createUet(OPTIONS)
    Object.assign(page.window, {
      uetq: {
        push: () => {
          throw new Error('theirs')
        },
      },
    })
    expect(() => {
      uet.page()
      uet.track('Ours')
      uet.consent('granted')
    }).not.toThrow()
    expect(uet.state()).toMatchObject({ consent: 'granted', queued: 1 })
  })
})
