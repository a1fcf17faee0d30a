import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { installFakeTag } from '../../../src/testing/fake-tag/install.ts'
import { createTagPage } from '../../support/tag-page.ts'
import { DENIED, settled } from './support.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const event = (params: object = { event_label: 'l' }) => ['event', 'x', params]

describe('beacons', () => {
  it('are images that stay in a hidden element, in the order of the wire', () => {
    const page = settled([event()], { url: 'https://shop.example.com/?a=1' })
    const holder = page.window.document.querySelector('div[id^="batBeacon"]')
    expect(holder?.querySelectorAll('img')).toHaveLength(2)
    const keys = page.sent.map(({ url }) => [...new URL(url).searchParams.keys()])
    const common = ['ti', 'Ver', 'mid', 'bo', 'sid', 'vid', 'vids', 'msclkid']
    expect(keys[0]).toEqual([...common, 'lg', 'tl', 'p', 'r', 'evt', 'sv', 'cdb', 'rn'])
    expect(keys[1]).toEqual([...common, 'el', 'ea', 'en', 'p', 'evt', 'cdb', 'rn'])
    expect(page.sent[0]?.params).toMatchObject({ ti: '1', Ver: '2', rn: expect.stringMatching(/^\d{1,6}$/) })
    expect(page.sent[0]?.params.mid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })

  it.each([
    ['accept', ['ping']],
    ['refuse', ['image']],
    ['missing', ['image']],
  ] as const)('pings fall back to an image when sendBeacon would %s', (sendBeacon, kinds) => {
    const page = settled([DENIED], { sendBeacon })
    const requests = page.requests.filter(({ url }) => url.includes('/actionp/0'))
    expect(requests.map(({ kind }) => kind)).toEqual(kinds)
    expect(requests.every(({ url }) => url.startsWith('https://bat.bing.net/actionp/0?'))).toBe(true)
  })

  it('always go to https', () => {
    expect(settled([], { url: 'http://shop.example.com/' }).sent[0]?.url).toMatch(/^https:/)
  })

  it('can be sent to another origin, with Microsoft’s host as the first part of the path', () => {
    const page = createTagPage()
    installFakeTag(page.window, { beacons: 'http://127.0.0.1:4000/' })
    const Uet = page.window.UET as new (options: object) => { push(...args: unknown[]): void }
    const tag = new Uet({ ti: '1', q: ['consent', 'default', { ad_storage: 'denied' }] })
    tag.push('pageLoad')
    vi.advanceTimersByTime(1500)
    expect(page.requests.map(({ url }) => url.split('?')[0])).toEqual([
      'http://127.0.0.1:4000/bat.bing.com/p/action/1.js',
      'http://127.0.0.1:4000/bat.bing.net/actionp/0',
      'http://127.0.0.1:4000/bat.bing.net/action/0',
    ])
    expect(page.sent.map(({ url }) => new URL(url).origin)).toEqual(['https://bat.bing.net', 'https://bat.bing.net'])
  })
})

describe('an address of more than 4,096 characters', () => {
  const long = (length: number) => 'x'.repeat(length)

  it('loses the page of a long page load', () => {
    const page = settled([], { url: `https://shop.example.com/?q=${long(4000)}`, title: 'T' })
    expect(page.sent[0]?.params).not.toHaveProperty('p')
    expect(page.sent[0]?.params.tl).toBe('T')
  })

  it('first gives up the query of the referrer', () => {
    const page = settled([], { referrer: `https://r.example/a?q=${long(4000)}` })
    expect(page.sent[0]?.params).toMatchObject({ r: 'https://r.example/a', p: 'https://shop.example.com/' })
  })

  it('counts a percent sign three times', () => {
    const page = settled([], { url: `https://shop.example.com/?q=${'%20'.repeat(700)}` })
    expect(page.sent[0]?.url.length).toBeLessThan(4096)
    expect(page.sent[0]?.params).not.toHaveProperty('p')
  })

  it('gives up the products of an event last, and is sent even then', () => {
    const items = [{ id: long(5000) }]
    const page = settled([event({ event_label: 'l', items }), event({ event_label: long(5000) })])
    expect(page.sent[1]?.params).toMatchObject({ el: 'l' })
    expect(page.sent[1]?.params).not.toHaveProperty('items')
    expect(page.sent[2]?.params.el).toHaveLength(5000)
  })
})

describe('what a page can watch', () => {
  it('UetEvent for page loads and custom events, not for pings, and the last twenty queries', () => {
    const page = settled([DENIED])
    const seen: string[] = []
    page.window.document.addEventListener('UetEvent', (event) => seen.push((event as CustomEvent).detail.uetEvent))
    for (let count = 0; count < 25; count++) page.tag().push(...event())
    page.tag().push('consent', 'update', { ad_storage: 'granted' })
    expect(seen).toHaveLength(25)
    expect(seen.every((query) => query.includes('evt=custom') && !/(^|&)rn=/.test(query))).toBe(true)
    expect(page.tag().snippetEventQueue).toEqual(seen.slice(-20))
  })

  it('errors, which are also sent where the option asks for it', () => {
    const page = settled([], {}, { errorBeaconLevel: 1 })
    expect(() => page.tag().push(...event({ event_value: 'x' }))).toThrow()
    expect(page.sent.at(-1)).toMatchObject({
      host: 'bat.bing.net',
      path: '/action-err/0',
      params: { ti: '1', errMsg: 'event_value should be a number' },
    })
    expect(page.window.uetFake).toMatchObject({ errors: ['event_value should be a number'] })
  })

  it('the state of the tag', () => {
    const page = settled([DENIED, event()])
    const { mid } = page.sent[0]!.params
    expect(page.tag()).toMatchObject({
      uetLoaded: true,
      pageLoadDispatch: true,
      eventPushQueue: [],
      beaconParams: { mid, ti: '1', bo: 3 },
      uetConfig: { tcf: { enabled: false } },
    })
    expect(page.tag().evq).toHaveLength(6)
  })
})
