import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { installFakeTag } from '../../../src/testing/fake-tag/install.ts'
import type { UetInstance } from '../../../src/testing/fake-tag/types.ts'
import { createTagPage, runSnippet, type TagPageOptions } from '../../support/tag-page.ts'
import { DENIED, GRANT, settled, start, summary } from './support.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const EVENT = (action: string) => ['event', action, { event_label: 'x' }]

describe('the globals', () => {
  it('replaces the queue array by an instance that is no array', () => {
    const page = settled()
    const { uetq, UET } = page.window as unknown as { uetq: object; UET: new () => object }
    expect(uetq).toBeInstanceOf(UET)
    expect(Array.isArray(uetq)).toBe(false)
    expect('length' in uetq).toBe(false)
    expect((uetq as UetInstance).push).not.toBe(Array.prototype.push)
    expect((uetq as UetInstance).push('event', 'x', {})).toBeUndefined()
  })

  it('hands the instance to the container by a global of its own', () => {
    const page = settled()
    const [container] = page.requests
    expect(container?.url).toBe('https://bat.bing.com/p/action/1.js')
    const name = container?.element?.getAttribute('data-ueto') ?? ''
    expect(name).toMatch(/^ueto_[0-9a-f]{10}$/)
    expect(page.window[name]).toBe(page.window.uetq)
  })

  it('UET_init makes an instance of a missing variable or an array, and leaves an instance alone', () => {
    const page = createTagPage()
    installFakeTag(page.window)
    const init = page.window.UET_init as (name: string, options: object) => void
    page.window.mine = ['event', 'early', { event_label: 'x' }]
    init('mine', { ti: '7' })
    const first = page.tag('mine')
    init('mine', { ti: '8' })
    expect(page.tag('mine')).toBe(first)
    vi.advanceTimersByTime(20)
    expect(page.sent).toEqual([])
    first.push('pageLoad')
    expect(summary(page)).toEqual(['com 1 pageLoad', 'com 2 custom early'])
    init('other', { ti: '9' })
    expect(page.tag('other').beaconParams.ti).toBe('9')
  })

  it('UET_push makes the array and pushes into it', () => {
    const page = createTagPage()
    installFakeTag(page.window)
    const push = page.window.UET_push as (...args: unknown[]) => void
    push('mine', ...EVENT('a'))
    expect(page.window.mine).toEqual(EVENT('a'))
    runSnippet(page.window, { ti: '1' }, 'mine')
    vi.advanceTimersByTime(20)
    push('mine', ...EVENT('b'))
    expect(summary(page)).toEqual(['com 1 pageLoad', 'com 2 custom a', 'com 3 custom b'])
  })

  it.each<[unknown, string]>([
    [{ ti: 97247724 }, '97247724'],
    [{ ti: ' 97<24>7724' }, '97247724'],
    [{ tagId: '12' }, '12'],
    [{ ti: 'a_b-C' }, 'a_b-C'],
  ])('reads the tag id of %o as %s', (options, ti) => {
    const page = createTagPage()
    runSnippet(page.window, options as Record<string, unknown>)
    vi.advanceTimersByTime(20)
    expect(page.sent[0]?.params.ti).toBe(ti)
    expect(page.requests[0]?.url).toBe(`https://bat.bing.com/p/action/${ti}.js`)
  })

  it.each([
    [{ Ver: 1 }, { Ver: '1' }],
    [{ Ver: 3 }, { Ver: '2' }],
    [
      { tm: 'gtm002', Tag: 'x' },
      { tm: 'gtm002', Tag: 'x' },
    ],
    [{ gtmTagSource: 's' }, { gtm_tag_source: 's' }],
    [{ allRep: true }, { rep: '1' }],
  ])('sends what the options %o say', (options, expected) => {
    expect(settled([], {}, options).sent[0]?.params).toMatchObject(expected)
  })
})

describe('the gates before the first beacon', () => {
  it('are never passed inside the constructor', () => {
    const page = start([], {}, { disableContainer: true })
    expect(page.sent).toEqual([])
    vi.advanceTimersByTime(0)
    expect(summary(page)).toEqual(['com 1 pageLoad'])
  })

  it('wait for the body and for the document to be parsed', () => {
    const page = start([], { hasBody: false, readyState: 'loading' }, { disableContainer: true })
    vi.advanceTimersByTime(500)
    expect(page.sent).toEqual([])
    page.becomeReady('interactive')
    vi.advanceTimersByTime(5)
    expect(summary(page)).toEqual(['com 1 pageLoad'])
  })

  it.each<[string, TagPageOptions, object, number]>([
    ['an empty answer', { container: 'empty', containerDelay: 1 }, {}, 1500],
    ['a blocked request', { container: 'blocked' }, {}, 1500],
    ['no answer', { container: 'never' }, {}, 1500],
    ['an answer after 400 ms', { containerDelay: 400 }, {}, 400],
    ['an answer after 2 s', { containerDelay: 2000 }, {}, 1500],
    ['no container', { container: 'never' }, { disableContainer: true }, 0],
    ['the word true instead of the boolean', { container: 'never' }, { disableContainer: 'true' }, 1500],
    ['no tag id', {}, { ti: undefined }, 1500],
  ])('with %s', (_, options, tagOptions, delay) => {
    const page = start([], options, tagOptions)
    vi.advanceTimersByTime(Math.max(0, delay - 1))
    expect(page.sent).toHaveLength(delay === 0 ? 1 : 0)
    vi.advanceTimersByTime(1)
    expect(summary(page)).toEqual(['com 1 pageLoad'])
    const requests = page.requests.filter(({ kind }) => kind === 'script')
    expect(requests).toHaveLength('disableContainer' in tagOptions && delay === 0 ? 0 : 'ti' in tagOptions ? 0 : 1)
  })

  it('pass a second tag that starts while the container is awaited by its own container', () => {
    const page = start([], { containerDelay: 300 })
    runSnippet(page.window, { ti: '2' }, 'other')
    vi.advanceTimersByTime(299)
    expect(page.sent).toEqual([])
    vi.advanceTimersByTime(1)
    expect(page.sent.map(({ params }) => params.ti)).toEqual(['1', '2'])
  })

  it('keep consent pushed meanwhile in order, and ahead of events', () => {
    const page = start([EVENT('stub'), DENIED], { containerDelay: 300 })
    page.tag().push(...EVENT('late'))
    page.tag().push(...GRANT)
    vi.advanceTimersByTime(300)
    expect(summary(page)).toEqual([
      'net 1 consent default D',
      'com 2 consent update G',
      'com 3 pageLoad G',
      'com 4 custom late G',
      'com 5 custom stub G',
    ])
  })

  it('deliver what was pushed on the instance before what stood in the array', () => {
    const page = start([EVENT('stub')])
    page.tag().push(...EVENT('instance'))
    vi.advanceTimersByTime(20)
    expect(summary(page)).toEqual(['com 1 pageLoad', 'com 2 custom instance', 'com 3 custom stub'])
  })
})

describe('wait_for_update', () => {
  const wait = (wait_for_update: unknown) => [
    ['consent', 'default', { ad_storage: 'denied', wait_for_update }],
    EVENT('a'),
  ]

  it.each<[unknown, number]>([
    [500, 500],
    ['500ms', 500],
    [10_001, 10_000],
    [0, 0],
    [-5, 0],
    ['soon', 0],
  ])('of %o holds everything for %d ms', (value, delay) => {
    const page = start(wait(value), {}, { disableContainer: true })
    vi.advanceTimersByTime(Math.max(0, delay - 1))
    expect(page.beacons()).toHaveLength(delay ? 0 : 2)
    expect(summary(page)[0]).toBe('net 1 consent default D')
    vi.advanceTimersByTime(1)
    expect(summary(page).slice(1)).toEqual(['net 2 pageLoad D', 'net 3 custom a D'])
  })

  it('ends with a denial as well', () => {
    const page = start(wait(500), {}, { disableContainer: true })
    vi.advanceTimersByTime(100)
    page.tag().push('consent', 'update', { ad_storage: 'denied' })
    expect(summary(page)).toContain('net 3 pageLoad D')
  })

  it.each<[string, unknown[]]>([
    ['in a wrong spelling', ['consent', 'default', { ad_storage: 'denied', waitForUpdate: 500 }]],
    ['on an update', ['consent', 'update', { ad_storage: 'denied', wait_for_update: 500 }]],
  ])('is ignored %s', (_, command) => {
    expect(settled([command]).beacons()).toHaveLength(1)
  })

  it('is ignored once the page load is out', () => {
    const page = settled()
    page.tag().push('consent', 'default', { ad_storage: 'denied', wait_for_update: 500 })
    page.tag().push(...EVENT('now'))
    expect(summary(page)).toEqual(['com 1 pageLoad', 'net 2 consent default D', 'net 3 custom now D'])
  })
})

describe('without automatic page views', () => {
  it('ignores pageLoad, and drains the array with the first event', () => {
    const page = settled([EVENT('stub')], {}, { disableAutoPageView: true })
    expect(page.sent).toEqual([])
    page.tag().push(...EVENT('first'))
    expect(summary(page)).toEqual(['com 1 custom first', 'com 2 custom stub'])
  })
})

describe('several tags', () => {
  it('keep consent apart by their variables, and share cookies', () => {
    const page = start([DENIED])
    runSnippet(page.window, { ti: '2' }, 'uetq_2')
    vi.advanceTimersByTime(20)
    const loads = page.beacons().map(({ host, params: { ti, asc } }) => [ti, host, asc])
    expect(loads).toEqual([
      ['1', 'bat.bing.net', 'D'],
      ['2', 'bat.bing.com', undefined],
    ])
    expect(page.cookieJar.find('_uetvid')).toBeDefined()
  })

  it('count everything twice when one tag sits behind two variables', () => {
    const page = start()
    runSnippet(page.window, { ti: '1' }, 'uetq_2')
    vi.advanceTimersByTime(20)
    expect(page.beacons().map(({ params }) => params.ti)).toEqual(['1', '1'])
  })

  it('a second instance of one tag leads to the first: ids, state and commands', () => {
    const page = settled()
    const first = page.tag()
    runSnippet(page.window)
    const second = page.tag()
    expect(second.beaconParams.mid).toBe(first.beaconParams.mid)
    second.push(...DENIED)
    expect(first.uetConfig.consent.adStorageAllowed).toBe(false)
    expect(summary(page)).toEqual(['com 1 pageLoad', 'com 2 dedup', 'net 3 consent default D'])
  })
})
