import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createUet } from '../../src/browser/index.ts'
import type { UetOptions } from '../../src/browser/options.ts'
import type { Uet } from '../../src/browser/types.ts'
import { installFakeTag } from '../../src/testing/fake-tag/install.ts'
import type { TestWindow } from '../support/fake-window.ts'
import type { TagPageOptions } from '../support/tag-page.ts'
import { openUetPage, type UetPage } from '../support/uet-page.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

const SHOP = 'https://shop.example.com'
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

function open(options: TagPageOptions = {}, uetOptions: Partial<UetOptions> = {}) {
  const page = openUetPage(options)
  const uet = createUet({ tagId: '1', consent: { default: 'granted' }, ...uetOptions })
  return { page, uet }
}

const installLate = { script: { delay: 1000, run: (window: TestWindow) => installFakeTag(window) } }

/** The same steps with the script there at once, and with one that comes after all of them. */
const each = describe.each<[string, TagPageOptions | undefined]>([
  ['with the script there', undefined],
  ['with the script yet to come', installLate],
  ['with the script yet to start', { containerDelay: 1000 }],
])

function at(late: TagPageOptions | undefined, options: TagPageOptions = {}, uetOptions: Partial<UetOptions> = {}) {
  const opened = open({ ...options, ...late }, uetOptions)
  if (!late) opened.page.settle()
  return opened
}

const load = (page: UetPage, index: number) =>
  page.beacons().filter(({ params }) => params.evt === 'pageLoad')[index]?.params

each('%s', (_, late) => {
  const run = (
    steps: (uet: Uet, page: UetPage) => void,
    options?: TagPageOptions,
    uetOptions?: Partial<UetOptions>,
  ) => {
    const { page, uet } = at(late, options, uetOptions)
    steps(uet, page)
    page.settle(2000)
    expect(page.errors).toEqual([])
    return { page, uet }
  }
  const go = (page: UetPage, url: string, title?: string) => {
    page.window.history.pushState({}, '', url)
    if (title) page.document.title = title
  }

  it('the first page() is the page load of the page itself', () => {
    const { page } = run((uet) => uet.page(), { url: `${SHOP}/a?q=1#h`, title: 'A', referrer: 'https://r.example/' })
    expect(page.lines()).toEqual(['pageLoad /a?q=1#h'])
    expect(load(page, 0)).toMatchObject({ tl: 'A', r: 'https://r.example/', p: `${SHOP}/a?q=1#h` })
    expect(load(page, 0)).not.toHaveProperty('spa')
  })

  it('a later page() is one of an SPA: a path with a slash in front, the title of now, a new id', () => {
    const { page } = run(
      (uet, page) => {
        uet.page()
        go(page, '/b?x=1', 'B')
        uet.page()
      },
      { title: 'A' },
    )
    expect(page.lines()).toEqual(['pageLoad /', 'pageLoad /b?x=1'])
    expect(load(page, 1)).toMatchObject({ tl: 'B', page_path: '/b?x=1', spa: 'Y', r: `${SHOP}/` })
    expect(load(page, 1)?.mid).not.toBe(load(page, 0)?.mid)
    expect(load(page, 0)?.tl).toBe('A')
  })

  it('each page() of one address counts, and a navigation without page() does not', () => {
    const { page } = run((uet, page) => {
      uet.page()
      uet.page()
      go(page, '/b')
      page.window.location.hash = '#part'
      uet.track('Signup')
    })
    expect(page.lines()).toEqual(['pageLoad /', 'pageLoad /', 'custom Signup'])
  })

  it('an event before any page() makes the page load it needs, and page() then adds none', () => {
    const { page, uet } = run((uet) => {
      uet.track('Early')
      uet.track('Second')
      uet.page()
      uet.track('Third')
    })
    expect(page.lines()).toEqual(['pageLoad /', 'custom Early', 'custom Second', 'custom Third'])
    expect(new Set(page.beacons().map(({ params }) => params.mid)).size).toBe(1)
    expect(uet.state().pageLoadId).toBe(load(page, 0)?.mid)
  })

  it('an event alone makes its page load', () => {
    expect(run((uet) => uet.track('Early')).page.lines()).toEqual(['pageLoad /', 'custom Early'])
  })

  it('a page() of another page after an early event counts', () => {
    const { page } = run((uet, page) => {
      uet.track('Early')
      go(page, '/b')
      uet.page()
      uet.page()
    })
    expect(page.lines()).toEqual(['pageLoad /', 'custom Early', 'pageLoad /b', 'pageLoad /b'])
  })

  it('a page() that names another address after an early event counts', () => {
    const { page } = run((uet) => {
      uet.track('Early')
      uet.page({ path: '/virtual' })
    })
    expect(page.lines()).toEqual(['pageLoad /', 'custom Early', 'pageLoad /virtual'])
  })

  it('events belong to the page load before them', () => {
    const { page } = run((uet, page) => {
      uet.page()
      uet.track('One')
      go(page, '/b')
      uet.page()
      uet.track('Two')
    })
    expect(page.lines()).toEqual(['pageLoad /', 'custom One', 'pageLoad /b', 'custom Two'])
    const mids = page.beacons().map(({ params }) => params.mid)
    expect(mids).toEqual([mids[0], mids[0], mids[2], mids[2]])
  })

  it.each<[string, Record<string, string>, string, string]>([
    ['an address', { url: `${SHOP}/told?x=1` }, '/told?x=1', 'T'],
    ['a path', { path: '/told' }, '/told', 'T'],
    ['a path without a slash', { path: 'told' }, '/dir/told', 'T'],
    ['a title', { title: 'Told' }, '/dir/page', 'Told'],
    ['all of them', { url: `${SHOP}/told`, path: '/no', title: 'Told' }, '/told', 'Told'],
  ])('page() with %s says so, first and later', (_, properties, path, title) => {
    const { page } = run(
      (uet) => {
        uet.page(properties)
        uet.page(properties)
      },
      { url: `${SHOP}/dir/page`, title: 'T' },
    )
    expect(page.lines()).toEqual([`pageLoad ${path}`, `pageLoad ${path}`])
    expect([load(page, 0)?.tl, load(page, 1)?.tl]).toEqual([title, title])
    expect(load(page, 1)?.page_path).toBe(path)
  })

  it('takes the same from the context of a host, and properties first', () => {
    const { page } = run((uet) => {
      uet.page({ title: 'Ours' }, { page: { path: '/host', title: 'Host' } })
    })
    expect(page.lines()).toEqual(['pageLoad /host'])
    expect(load(page, 0)?.tl).toBe('Ours')
  })

  it('counts a page() with a broken address as one of the address that the page has', () => {
    const { page } = run((uet, page) => {
      uet.page({ url: 'http://[' })
      go(page, '/b')
      uet.page({ url: 'http://[' })
    })
    expect(page.lines()).toEqual(['pageLoad /', 'pageLoad /b'])
  })

  it.each<[string, unknown]>([
    ['numbers', { url: 5, path: 6, title: 7 }],
    ['a broken address', { url: 'http://[' }],
    ['null', null],
    ['a text', 'Home'],
  ])('odd properties make the page load itself: %s', (_, properties) => {
    const { page } = run((uet) => {
      uet.page(properties as never)
      uet.track('After')
    })
    expect(page.lines()).toEqual(['pageLoad /', 'custom After'])
  })

  describe('redactUrl', () => {
    const redactUrl = (url: string) => url.replace(/secret-\w+/g, 'x')
    const noSecret = (page: UetPage) => {
      for (const { url } of page.requests) expect(decodeURIComponent(decodeURIComponent(url))).not.toContain('secret')
    }

    it('is applied to everything from the very first beacon', () => {
      const { page } = run(
        (uet, page) => {
          uet.page()
          uet.track('One')
          go(page, '/secret-b?q=secret-c#secret-d')
          uet.page()
          uet.track('Two')
          uet.page({ path: '/secret-e' })
          uet.track('Three')
          uet.consent('denied')
          uet.track('Four')
        },
        { url: `${SHOP}/secret-a?q=secret-a`, referrer: `${SHOP}/secret-r` },
        { redactUrl },
      )
      noSecret(page)
      expect(page.lines()).toEqual([
        'pageLoad /x?q=x',
        'custom One',
        'pageLoad /x?q=x',
        'custom Two',
        'pageLoad /x',
        'custom Three',
        'custom Four',
      ])
    })

    it('is applied to the page load that an early event makes', () => {
      const { page } = run((uet) => uet.track('Early'), { url: `${SHOP}/secret-a` }, { redactUrl })
      noSecret(page)
      expect(page.lines()).toEqual(['pageLoad /x', 'custom Early'])
    })

    it.each<[string, (url: string) => string]>([
      [
        'throws',
        () => {
          throw new Error('no')
        },
      ],
      ['gives nothing', () => undefined as never],
      ['gives an empty text', () => ''],
      ['gives no address', () => 'http://['],
    ])('that %s lets nothing through', (_, redact) => {
      const { page } = run(
        (uet, page) => {
          uet.page()
          go(page, '/secret-b')
          uet.page()
          uet.track('One')
        },
        { url: `${SHOP}/secret-a`, referrer: `${SHOP}/secret-r` },
        { redactUrl: redact },
      )
      noSecret(page)
      expect(page.events()).toHaveLength(1)
    })
  })

  it('with pageLoads "auto" leaves all but the first to the tag', () => {
    const { page } = run(
      (uet, page) => {
        uet.page()
        page.settle(2000)
        go(page, '/b')
        uet.page()
        go(page, '/c')
        uet.page()
      },
      {},
      { pageLoads: 'auto' },
    )
    expect(page.lines()).toEqual(['pageLoad /', 'pageLoad /b', 'pageLoad /c'])
  })

  it('with pageLoads "calls" the tag does not watch the history', () => {
    const { page } = run((uet, page) => {
      uet.page()
      page.settle(2000)
      go(page, '/b')
    })
    expect(page.lines()).toEqual(['pageLoad /'])
  })
})

describe('half a character in the title', () => {
  it.each<[string, TagPageOptions, object]>([
    ['of the document', { title: 'A \ud83d' }, {}],
    ['that page() names', { title: 'A' }, { title: 'A \ud83d' }],
  ])('%s does not break the tag', (_, options, properties) => {
    const { page, uet } = open(options)
    uet.page({ ...properties })
    uet.page({ ...properties })
    uet.track('Signup')
    page.settle()
    expect(page.errors).toEqual([])
    expect(page.lines()).toEqual(['pageLoad /', 'pageLoad /', 'custom Signup'])
    expect([load(page, 0)?.tl, load(page, 1)?.tl]).toEqual(['A', 'A'])
  })
})

describe('a script that comes late', () => {
  it('still gets the address and title of the first page load', () => {
    const { page, uet } = open({ ...installLate, title: 'A' })
    uet.page()
    page.window.history.pushState({}, '', '/b')
    page.document.title = 'B'
    uet.page()
    page.settle(2000)
    expect(page.lines()).toEqual(['pageLoad /', 'pageLoad /b'])
    expect(load(page, 0)?.tl).toBe('A')
  })
})

describe('what the tag is told of the first page load, it neither loses nor keeps', () => {
  const SEARCH = 'https://search.example/?q=spade'
  const pagesOfEvents = (page: UetPage) => page.events().map(({ params }) => params.p?.replace(SHOP, ''))

  /** Events on the first page and on two that follow by script. */
  const walk = (uet: Uet, page: UetPage, whenLoaded: () => void) => {
    uet.track('One')
    whenLoaded()
    for (const path of ['/b', '/c']) {
      page.window.history.pushState({}, '', path)
      uet.page()
      uet.track(`On ${path}`)
    }
    page.settle(2000)
  }

  it('a path that starts with two slashes, which names no other host', () => {
    const { page, uet } = open()
    uet.page({ path: '//shoes' })
    page.settle()
    expect(load(page, 0)?.p).toBe(`${SHOP}/shoes`)
  })

  it('a title of the call', () => {
    const { page, uet } = open({ title: 'T', referrer: SEARCH })
    uet.page({ title: 'Told' })
    walk(uet, page, () => page.settle())
    expect(load(page, 0)).toMatchObject({ tl: 'Told', r: SEARCH })
    expect(pagesOfEvents(page)).toEqual(['/', '/b', '/c'])
  })

  it('a title that changes while the script is on its way', () => {
    const { page, uet } = open({ ...installLate, title: 'Loading', referrer: SEARCH })
    uet.page()
    walk(uet, page, () => {
      page.document.title = 'Home'
      page.settle(2000)
    })
    expect(load(page, 0)).toMatchObject({ tl: 'Loading', r: SEARCH })
    expect(pagesOfEvents(page)).toEqual(['/', '/b', '/c'])
  })

  it('an address that changes while the script is on its way', () => {
    const { page, uet } = open(installLate)
    uet.page()
    walk(uet, page, () => {})
    expect(page.lines()).toEqual([
      'pageLoad /',
      'custom One',
      'pageLoad /b',
      'custom On /b',
      'pageLoad /c',
      'custom On /c',
    ])
    expect(pagesOfEvents(page)).toEqual(['/', '/b', '/c'])
  })

  it('an address that changes without a page() meanwhile', () => {
    const { page, uet } = open(installLate)
    uet.page()
    page.window.history.pushState({}, '', '/a')
    page.settle(2000)
    walk(uet, page, () => {})
    expect(pagesOfEvents(page).slice(1)).toEqual(['/b', '/c'])
  })
})

describe('pageLoadId', () => {
  it('is empty before the first page load, then one of ours, then the tag’s', () => {
    const { page, uet } = open()
    expect(uet.state().pageLoadId).toBe('')
    uet.page()
    expect(uet.state().pageLoadId).toMatch(UUID)
    page.settle()
    expect(uet.state().pageLoadId).toBe(load(page, 0)?.mid)
    uet.page()
    expect(uet.state().pageLoadId).toBe(load(page, 1)?.mid)
  })
})
