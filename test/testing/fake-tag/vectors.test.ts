import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { installFakeTag } from '../../../src/testing/fake-tag/install.ts'
import { createFakeStorage } from '../../support/fake-window.ts'
import { createTagPage, runSnippet } from '../../support/tag-page.ts'
import { CLICK_ID, cookieNames, DENIED, GRANT, GUID, settled, start, summary } from './support.ts'

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

it('V1 delivers a stub event after the page load, without unknown names', () => {
  const params = {
    event_label: 'L&1',
    event_value: 2,
    revenue_value: 12.3456,
    currency: 'USD',
    event_id: 'id-1',
    foo: 'x',
  }
  const page = settled([['event', 'early', params]])
  expect(summary(page)).toEqual(['com 1 pageLoad', 'com 2 custom early'])
  const [, event] = page.sent
  expect(event?.url).toContain('&el=L%261&ev=2&gv=12.346&gc=USD&event_id=id-1&ea=early&en=Y&')
  expect(event?.params).not.toHaveProperty('foo')
  expect(page.requests.filter(({ kind }) => kind === 'image').map(({ url }) => url)).toEqual(
    page.sent.map(({ url }) => url),
  )
})

it('V2 marks a click id as new, stores it, and knows it on the next page', () => {
  const storage = createFakeStorage()
  const landing = settled([], { url: `https://shop.example.com/?MSCLKID=${CLICK_ID}`, localStorage: storage })
  expect(landing.sent[0]?.params.msclkid).toBe(`${CLICK_ID}-1`)
  expect(landing.cookieJar.find('_uetmsclkid')).toMatchObject({ value: `_uet${CLICK_ID}`, domain: 'example.com' })
  expect(storage.getItem('_uetmsclkid')).toBe(CLICK_ID)
  const next = settled([], { url: 'https://shop.example.com/next', cookieJar: landing.cookieJar })
  expect(next.sent[0]?.params.msclkid).toBe(`${CLICK_ID}-0`)
})

it('V3 sends a dashed click id but does not store it', () => {
  const page = settled([], { url: `https://shop.example.com/?msclkid=${GUID}` })
  expect(page.sent[0]?.params.msclkid).toBe(`${GUID}-1N`)
  expect(cookieNames(page)).not.toContain('_uetmsclkid')
  expect(page.window.localStorage.getItem('_uetmsclkid')).toBeNull()
})

it('V4 sends both ping and page load to the cookieless host after a denied default', () => {
  const page = settled([DENIED])
  expect(summary(page)).toEqual(['net 1 consent default D', 'net 2 pageLoad D'])
  expect(page.sent.map(({ kind, path }) => `${kind} ${path}`)).toEqual(['ping /actionp/0', 'beacon /action/0'])
  for (const { params } of page.sent) {
    for (const id of ['sid', 'vid', 'vids', 'msclkid']) expect(params).not.toHaveProperty(id)
  }
  expect(cookieNames(page)).toEqual([])
})

it('V5 writes ids with the grant, and sends no second page load', () => {
  const page = settled([DENIED])
  page.tag().push(...GRANT)
  page.tag().push('event', 'after', { event_label: 'x' })
  expect(summary(page).slice(2)).toEqual(['com 3 consent update G', 'com 4 custom after G'])
  expect(page.sent[2]?.params).toMatchObject({ sid: expect.stringMatching(/^[0-9a-f]{32}$/), vids: '1' })
  expect(page.sent[3]?.params.sid).toBe(page.sent[2]?.params.sid)
  expect(cookieNames(page)).toEqual(expect.arrayContaining(['_uetsid', '_uetvid']))
})

it('V6 holds the page load until the update within wait_for_update', () => {
  const page = settled([['consent', 'default', { ad_storage: 'denied', wait_for_update: 2000 }]])
  vi.advanceTimersByTime(980)
  expect(summary(page)).toEqual(['net 1 consent default D'])
  page.tag().push(...GRANT)
  expect(summary(page).slice(1)).toEqual(['com 2 consent update G', 'com 3 pageLoad G'])
  expect(page.sent[2]?.params).toHaveProperty('sid')
})

it('V7 lets an update win over a later default', () => {
  const page = settled([GRANT, DENIED])
  expect(summary(page)).toEqual(['com 1 consent update G', 'com 2 consent default G', 'com 3 pageLoad G'])
})

it.each([
  ['an empty default', {}],
  ['upper case', { ad_storage: 'DENIED' }],
  ['no', { ad_storage: 'no' }],
  ['true', { ad_storage: true }],
  ['undefined', { ad_storage: undefined }],
  ['null', { ad_storage: null }],
  ['an empty string', { ad_storage: '' }],
])('V8 takes %s for granted', (_, params) => {
  const page = settled([['consent', 'default', params]])
  expect(summary(page)).toEqual(['com 1 consent default G', 'com 2 pageLoad G'])
  expect(cookieNames(page)).toContain('_uetsid')
})

it('V9 counts one page load', () => {
  const page = settled()
  page.tag().push('pageLoad')
  page.tag().push('event', 'page_view', {})
  expect(summary(page)).toEqual(['com 1 pageLoad'])
})

it('V10 is silenced for good by one bad event in the stub', () => {
  const page = settled([
    ['event', 'bad', { revenue_value: 'abc' }],
    ['event', 'good', { event_label: 'x' }],
  ])
  page.tag().push('event', 'later', { event_label: 'x' })
  vi.advanceTimersByTime(5000)
  expect(summary(page)).toEqual(['com 1 pageLoad'])
  expect(page.errors).toEqual(['revenue_value should be a number'])
  expect(page.tag().uetLoaded).toBe(false)
  expect(page.tag().eventPushQueue).toHaveLength(2)
})

it('V11 throws a string out of push after load, reports it, and goes on', () => {
  const page = settled()
  const seen: unknown[] = []
  page.window.addEventListener('uetError', (event) => seen.push((event as CustomEvent).detail))
  let thrown: unknown
  try {
    page.tag().push('event', 'bad', { revenue_value: 'abc' })
  } catch (error) {
    thrown = error
  }
  expect(thrown).toBe('revenue_value should be a number')
  expect(seen).toEqual([{ errMsg: 'revenue_value should be a number', tagId: '1' }])
  page.tag().push('event', 'fine', { event_label: 'x' })
  expect(summary(page)).toEqual(['com 1 pageLoad', 'com 2 custom fine'])
})

it('V12 follows the history with automatic SPA tracking', () => {
  const page = settled([], { title: 'Home' }, { enableAutoSpaTracking: true })
  page.window.history.pushState({}, '', '/b')
  page.window.location.hash = '#part'
  vi.advanceTimersByTime(1)
  page.window.history.back()
  vi.advanceTimersByTime(1)

  const loads = page.beacons().slice(1)
  expect(loads.map(({ params: { p, r, spa, bo } }) => ({ p, r, spa, bo }))).toEqual([
    { p: 'https://shop.example.com/b', r: 'https://shop.example.com/', spa: 'Y', bo: '1' },
    { p: 'https://shop.example.com/b#part', r: 'https://shop.example.com/b', spa: 'Y', bo: '1' },
    { p: 'https://shop.example.com/b', r: 'https://shop.example.com/b#part', spa: 'Y', bo: '1' },
  ])
  expect(new Set(page.beacons().map(({ params }) => params.mid)).size).toBe(4)
  const hides = page.pings().map(({ params }) => `${params.evt} ${params.mid} ${params.bo}`)
  expect(hides).toEqual(
    page
      .beacons()
      .slice(0, 3)
      .map(({ params }) => `pageHide ${params.mid} 2`),
  )
})

it('V13 counts one navigation twice when automatic and manual tracking meet', () => {
  const page = settled([], {}, { enableAutoSpaTracking: true })
  page.window.history.pushState({}, '', '/b')
  page.tag().push('event', 'page_view', { page_path: '/b' })
  const [, first, second] = page.beacons()
  expect([first?.params.page_path, second?.params.page_path]).toEqual(['/b', '/b'])
  expect(first?.params.mid).not.toBe(second?.params.mid)
})

it('V14 loses the action of a frozen object', () => {
  const page = settled()
  page.tag().push('event', 'frozen', Object.freeze({ event_label: 'x' }))
  expect(page.sent[1]?.params).toMatchObject({ el: 'x', en: 'Y' })
  expect(page.sent[1]?.params).not.toHaveProperty('ea')
})

it('V15 waits 1,500 ms for a blocked container', () => {
  const page = settled([], { container: 'blocked' })
  vi.advanceTimersByTime(1479)
  expect(page.sent).toEqual([])
  vi.advanceTimersByTime(1)
  expect(summary(page)).toEqual(['com 1 pageLoad'])
  expect(page.sent[0]?.params.cdb).toBe('AQAA')
  expect(settled().sent[0]?.params.cdb).toBe('AQAQ')
})

it('V16 never delivers stub events without a page load, but consent and later events', () => {
  const page = createTagPage()
  page.window.uetq = []
  page.tag().push(...DENIED)
  page.tag().push('event', 'early', { event_label: 'x' })
  installFakeTag(page.window)
  const Uet = page.window.UET as new (options: object) => unknown
  page.window.uetq = new Uet({ ti: '1', q: page.window.uetq })
  vi.advanceTimersByTime(20)
  page.tag().push('event', 'late', { event_label: 'x' })
  expect(summary(page)).toEqual(['net 1 consent default D', 'net 2 custom late D'])
})

it('V17 enforces denial by the flags of the container until a grant', () => {
  const page = settled([], { container: { ec: true } })
  expect(summary(page)).toEqual(['net 1 consent enforced D', 'net 2 pageLoad D'])
  page.tag().push(...GRANT)
  expect(summary(page).slice(2)).toEqual(['com 3 consent update G'])
})

it('V18 ignores every consent push for a site under the strict flag', () => {
  const page = settled([GRANT], { container: { ec: true, sb: true } })
  page.tag().push(...GRANT)
  page.tag().push('event', 'x', { event_label: 'x' })
  expect(summary(page)).toEqual(['net 1 consent enforced D', 'net 2 pageLoad D', 'net 3 custom x D'])
})

it('V19 makes one tag of the same snippet twice', () => {
  const page = start()
  const first = page.tag()
  runSnippet(page.window)
  vi.advanceTimersByTime(20)
  expect(summary(page)).toEqual(['com 1 pageLoad', 'com 2 dedup'])
  expect(page.tag()).not.toBe(first)
  page.tag().push('event', 'x', { event_label: 'x' })
  expect(summary(page).slice(2)).toEqual(['com 3 custom x'])
})

it('V20 loses the consent default for a second tag on the same variable', () => {
  const page = start([DENIED])
  runSnippet(page.window, { ti: '2' })
  vi.advanceTimersByTime(20)
  const loads = page.beacons().map(({ host, params: { ti, asc } }) => ({ host, ti, asc }))
  expect(loads).toEqual([
    { host: 'bat.bing.net', ti: '1', asc: 'D' },
    { host: 'bat.bing.com', ti: '2', asc: undefined },
  ])
  expect(cookieNames(page)).toContain('_uetvid')
})

it('V21 sends nothing with the do-not-share cookie, and writes its own cookies all the same', () => {
  const page = settled([['event', 'x', { event_label: 'x' }]], { cookies: '_uetmsdns=1' })
  expect(page.sent).toEqual([])
  expect(page.requests.map(({ kind }) => kind)).toEqual(['script'])
  expect(cookieNames(page)).toEqual(expect.arrayContaining(['_uetsid', '_uetvid']))
})

it('V22 takes commas out of numbers', () => {
  const page = settled()
  page.tag().push('event', 'x', { event_value: '1,5' })
  expect(page.sent[1]?.params.ev).toBe('15')
})

it('V23 sends no ids after a withdrawal, and leaves the cookies', () => {
  const page = settled([GRANT], { cookies: '_uetuid=u-1' })
  page.tag().push('consent', 'update', { ad_storage: 'denied' })
  page.tag().push('event', 'x', { event_label: 'x' })
  expect(summary(page).slice(2)).toEqual(['net 3 consent update D', 'net 4 custom x D'])
  for (const id of ['sid', 'vid', 'vids', 'msclkid']) expect(page.sent[3]?.params).not.toHaveProperty(id)
  expect(page.sent[3]?.params.uid).toBe('u-1')
  expect(cookieNames(page)).toEqual(expect.arrayContaining(['_uetsid', '_uetvid']))
})

it('V24 writes a purchase as the tag does', () => {
  const page = settled()
  page.tag().push('event', 'purchase', {
    ecomm_prodid: ['a', 'b c'],
    ecomm_pagetype: 'Purchase',
    ecomm_totalvalue: 99.9,
    items: [{ id: 'a', price: 1, quantity: 2, brand: 'z', foo: 1 }],
    new_customer: true,
  })
  expect(page.sent[1]?.params).toMatchObject({
    prodid: 'a,b%20c',
    pagetype: 'purchase',
    gv: '99.9',
    items: 'id=a&price=1&quantity=2&brand=z',
    nca: '1',
  })
})
