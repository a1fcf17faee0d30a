import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { DENIED, settled, start, summary } from './support.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const SHOP = 'https://shop.example.com'
const view = (page_path: string, more: object = {}) => ['event', 'page_view', { page_path, ...more }]
const event = ['event', 'x', { event_label: 'l' }]

describe('the first page load', () => {
  it('describes the document', () => {
    const page = start([], {
      url: `${SHOP}/a?q=1#h`,
      referrer: 'https://r.example/?s=1',
      title: 'Ä & Co',
      language: 'de',
    })
    const meta = page.window.document.createElement('meta')
    meta.setAttribute('name', 'keywords')
    meta.setAttribute('content', 'a b,c')
    page.window.document.head.appendChild(meta)
    vi.advanceTimersByTime(20)
    expect(page.sent[0]?.params).toMatchObject({
      p: `${SHOP}/a?q=1#h`,
      r: 'https://r.example/?s=1',
      tl: 'Ä & Co',
      lg: 'de',
      kw: 'a b,c',
      sv: '2',
      bo: '1',
    })
    expect(page.sent[0]?.url).toContain('&kw=a%20b,c&')
    expect(page.sent[0]?.params).not.toHaveProperty('spa')
  })

  it('by page_view takes location and title from there, and has no referrer', () => {
    const page = settled([], { referrer: 'https://r.example/' }, { disableAutoPageView: true })
    page.tag().push('event', 'page_view', {
      page_location: `${SHOP}/told?x=1`,
      page_title: 'Told',
      event_label: 'no',
      search_term: 'no',
    })
    page.tag().push(...event)
    expect(page.sent[0]?.params).toMatchObject({ evt: 'pageLoad', p: `${SHOP}/told?x=1`, tl: 'Told', r: '' })
    for (const key of ['el', 'search_term', 'event_id', 'spa']) expect(page.sent[0]?.params).not.toHaveProperty(key)
    expect(page.sent[1]?.params.p).toBe(`${SHOP}/told`)
  })

  it('by page_view with a path counts as one of an SPA, with the first id', () => {
    const page = settled([], {}, { disableAutoPageView: true })
    const { mid } = page.tag().beaconParams
    page.tag().push(...view('/first'))
    expect(page.sent[0]?.params).toMatchObject({ mid, bo: '1', spa: 'Y', page_path: '/first', p: `${SHOP}/first` })
    expect(page.pings()).toEqual([])
  })

  it('drops queries by option, but only here', () => {
    const page = settled([], { url: `${SHOP}/a?q=1#h`, referrer: `${SHOP}/r?q=2` }, { removeQueryFromUrls: true })
    page.tag().push(...view('/b?q=3'))
    expect(page.sent[0]?.params).toMatchObject({ p: `${SHOP}/a#h`, r: `${SHOP}/r` })
    expect(page.beacons()[1]?.params.p).toBe(`${SHOP}/b?q=3`)
  })

  it.each([
    ['its own', { referrer: `${SHOP}/outer`, parentReferrers: [''] }],
    ['that of a frame above', { referrer: '', parentReferrers: [`${SHOP}/outer`, 'https://top.example/'] }],
  ])('in a frame has the first referrer that is not blank as its page: %s', (_, options) => {
    const page = settled([], { url: `${SHOP}/frame`, ...options })
    expect(page.sent[0]?.params).toMatchObject({ ifm: '1', p: `${SHOP}/outer` })
  })
})

describe('a later page load', () => {
  it('gets a new id, counts afresh, and comes from the page before', () => {
    const page = settled([], { url: `${SHOP}/a?q=1#h`, title: 'A' })
    page.tag().push(...event)
    page.tag().push(...view('/b?x=1#y', { page_title: 'B' }))
    page.tag().push(...event)
    page.tag().push(...view('/c'))
    const [first, , second, , third] = page.beacons().map(({ params }) => params)
    expect(second).toMatchObject({
      p: `${SHOP}/b?x=1#y`,
      r: `${SHOP}/a?q=1#h`,
      tl: 'B',
      bo: '1',
      spa: 'Y',
      page_path: '/b?x=1#y',
    })
    expect(third).toMatchObject({ p: `${SHOP}/c`, r: `${SHOP}/b?x=1#y`, tl: 'A', bo: '1' })
    expect(new Set([first?.mid, second?.mid, third?.mid]).size).toBe(3)
    expect(summary(page)).toEqual([
      'com 1 pageLoad',
      'com 2 custom x',
      'com 3 pageHide',
      'com 1 pageLoad',
      'com 2 custom x',
      'com 3 pageHide',
      'com 1 pageLoad',
    ])
    expect(page.sent[2]?.params.mid).toBe(first?.mid)
  })

  it('leaves the address of events the real one, without its query', () => {
    const page = settled([], { url: `${SHOP}/a?q=1#h` })
    page.tag().push(...view('/b'))
    page.tag().push(...event)
    expect(page.beacons()[2]?.params).toMatchObject({ p: `${SHOP}/a#h` })
    expect(page.beacons()[2]?.params).not.toHaveProperty('r')
  })

  it('keeps the address before where the path does not start with a slash', () => {
    const page = settled()
    page.tag().push(...view('b'))
    expect(page.beacons()[1]?.params).toMatchObject({ p: `${SHOP}/`, page_path: 'b' })
  })

  it('tells events a location of its own, which they keep', () => {
    const page = settled()
    page.tag().push(...view('/b', { page_location: `${SHOP}/told` }))
    page.tag().push(...event)
    page.tag().push(...view('/c'))
    page.tag().push(...event)
    const [, load, first, , second] = page.beacons().map(({ params }) => params)
    expect(load).toMatchObject({ p: `${SHOP}/b`, page_location: `${SHOP}/told` })
    expect([first?.p, second?.p]).toEqual([`${SHOP}/told`, `${SHOP}/told`])
  })

  it('keeps an id that the page has set', () => {
    const page = settled()
    page.tag().setExternalMid('11111111-1111-4111-8111-111111111111')
    page.tag().push(...view('/b'))
    expect(page.beacons()[1]?.params).toMatchObject({ mid: '11111111-1111-4111-8111-111111111111', et: 'up' })
  })

  it('says no page hidden where that is switched off', () => {
    const page = settled([], {}, { disableVisibilityEvents: true })
    page.tag().push(...view('/b'))
    page.setVisibility('hidden')
    expect(page.pings()).toEqual([])
  })
})

describe('automatic SPA tracking', () => {
  it('starts with the first page load, and sees nothing before it', () => {
    const page = start([], { containerDelay: 300 }, { enableAutoSpaTracking: true })
    page.window.history.pushState({}, '', '/early')
    vi.advanceTimersByTime(300)
    page.window.history.replaceState({}, '', '/b')
    page.window.history.replaceState({}, '', '/b')
    expect(page.beacons().map(({ params }) => params.p)).toEqual([`${SHOP}/early`, `${SHOP}/b`])
  })

  it('sends the title that the page has at that moment', () => {
    const page = settled([], { title: 'A' }, { enableAutoSpaTracking: true })
    page.window.history.pushState({}, '', '/b')
    page.window.document.title = 'B'
    expect(page.beacons()[1]?.params.tl).toBe('A')
  })

  it.each([false, 'true', 1, undefined])('is not switched on by %o', (enableAutoSpaTracking) => {
    const page = settled([], {}, { enableAutoSpaTracking })
    page.window.history.pushState({}, '', '/b')
    expect(page.beacons()).toHaveLength(1)
  })
})

describe('leaving and coming back', () => {
  it('sends one ping each, the second only from the back/forward cache', () => {
    const page = settled([DENIED])
    page.setVisibility('hidden')
    page.setVisibility('visible', true)
    page.setVisibility('visible', false)
    expect(page.pings().map(({ params }) => params.evt)).toEqual(['consent', 'pageHide', 'pageShow'])
  })
})
