import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { TagPage, TagPageOptions } from '../../support/tag-page.ts'
import { cookieNames, DENIED, GRANT, settled, start, summary } from './support.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const DENY = ['consent', 'update', { ad_storage: 'denied' }]
const GRANTED = ['consent', 'default', { ad_storage: 'granted' }]

describe('consent mode', () => {
  it.each<[string, unknown[][], string[]]>([
    ['no signal', [], ['com 1 pageLoad']],
    ['granted by default', [GRANTED], ['com 1 consent default G', 'com 2 pageLoad G']],
    [
      'denied, then granted',
      [DENIED, GRANT],
      ['net 1 consent default D', 'com 2 consent update G', 'com 3 pageLoad G'],
    ],
    [
      'granted, then denied',
      [GRANTED, DENY],
      ['com 1 consent default G', 'net 2 consent update D', 'net 3 pageLoad D'],
    ],
    ['two defaults', [DENIED, GRANTED], ['net 1 consent default D', 'com 2 consent default G', 'com 3 pageLoad G']],
    ['an update that repeats', [DENY, DENY], ['net 1 consent update D', 'net 2 consent update D', 'net 3 pageLoad D']],
    [
      'an update without ad_storage',
      [DENIED, ['consent', 'update', { analytics_storage: 'granted' }]],
      ['net 1 consent default D', 'net 2 pageLoad D'],
    ],
    [
      'only other kinds of storage',
      [['consent', 'default', { ad_user_data: 'denied' }]],
      ['com 1 consent default G', 'com 2 pageLoad G'],
    ],
    ['no object', [['consent', 'default', 'denied']], ['com 1 pageLoad']],
    [
      'a marked call of a tag manager',
      [['consent', 'default', { ad_storage: 'denied', source: 'gtm_auto' }]],
      ['com 1 pageLoad'],
    ],
    [
      'a marked update',
      [['consent', 'update', { ad_storage: 'denied', source: 'gtm_update' }]],
      ['com 1 gtmConsent', 'com 2 pageLoad'],
    ],
    [
      'a mark of somebody else',
      [['consent', 'default', { ad_storage: 'denied', source: 'cmp' }]],
      ['net 1 consent default D', 'net 2 pageLoad D'],
    ],
  ])('with %s', (_, calls, sent) => {
    expect(summary(settled(calls))).toEqual(sent)
  })

  it('a default after the page load comes too late for it', () => {
    const page = settled()
    page.tag().push(...DENIED)
    page.tag().push('event', 'x', { event_label: 'l' })
    expect(summary(page)).toEqual(['com 1 pageLoad', 'net 2 consent default D', 'net 3 custom x D'])
    expect(cookieNames(page)).toContain('_uetvid')
  })

  it('tells the page of each change, and shows its state', () => {
    const page = settled([DENIED])
    const seen: unknown[] = []
    page.window.addEventListener('UetConsent', (event) => seen.push((event as CustomEvent).detail))
    expect(page.tag().uetConfig.consent).toEqual({
      enabled: true,
      adStorageAllowed: false,
      adStorageUpdated: false,
      enforced: false,
      waitForUpdate: 0,
    })
    page.tag().push(...GRANT)
    expect(page.tag().uetConfig.consent).toMatchObject({ adStorageAllowed: true, adStorageUpdated: true })
    expect(seen).toEqual([{ adStorageConsent: true }])
  })

  it('sends address, referrer and title of a page load also while denied', () => {
    const page = settled([DENIED], {
      url: 'https://shop.example.com/a?q=1#h',
      referrer: 'https://r.example/',
      title: 'T',
    })
    expect(page.beacons()[0]?.params).toMatchObject({
      p: 'https://shop.example.com/a?q=1#h',
      r: 'https://r.example/',
      tl: 'T',
    })
  })

  it('sends a visitor id that the page has set also while denied', () => {
    const page = settled([DENIED, ['set', { vid: 'f'.repeat(32) }]])
    expect(page.beacons()[0]?.params).toMatchObject({ vid: 'f'.repeat(32), vids: '3', asc: 'D' })
  })
})

describe('enforcement', () => {
  const flags = (container: TagPageOptions['container'], calls: unknown[][] = [], tag = {}) =>
    summary(settled(calls, { container } as TagPageOptions, tag))
  const ENFORCED = ['net 1 consent enforced D', 'net 2 pageLoad D']
  const FREE = ['com 1 pageLoad']

  it.each<[object, string[]]>([
    [{}, FREE],
    [{ bi: true }, ENFORCED],
    [{ dt: true }, FREE],
    [{ dt: true, ea: true }, ENFORCED],
    [{ ec: true }, ENFORCED],
    [{ ec: true, at: true }, FREE],
    [{ ec: true, pt: true }, FREE],
    [{ ec: true, pt: true, ah: true }, ENFORCED],
    [{ sb: true }, FREE],
    [{ sb: true, ec: true, at: true }, ENFORCED],
  ])('by the flags %o', (container, sent) => {
    expect(flags(container)).toEqual(sent)
  })

  it('does not touch a site that has spoken, whatever it said', () => {
    expect(flags({ ec: true }, [GRANTED])).toEqual(['com 1 consent default G', 'com 2 pageLoad G'])
    expect(flags({ ec: true }, [DENIED])).toEqual(['net 1 consent default D', 'net 2 pageLoad D'])
  })

  it('without flags falls back to one time zone', () => {
    const zone = (timeZone: string) => summary(settled([], { timeZone }, { disableContainer: true }))
    expect(zone('Europe/Amsterdam')).toEqual(ENFORCED)
    expect(zone('Europe/Berlin')).toEqual(FREE)
  })

  it('comes also with flags that arrive after the start', () => {
    const page = start([], { container: { ec: true }, containerDelay: 1600 })
    vi.advanceTimersByTime(1500)
    expect(summary(page)).toEqual(FREE)
    vi.advanceTimersByTime(100)
    expect(summary(page)).toEqual([...FREE, 'net 2 consent enforced D'])
  })

  it.each<[string, object, number, string[]]>([
    ['an update', { update: true }, 0, ['com 1 consent update G', 'com 2 pageLoad G']],
    ['a denied update', { update: false }, 0, ['net 1 consent update D', 'net 2 pageLoad D']],
    ['a default', { default: true }, 500, ['com 1 consent default G', 'com 2 pageLoad G']],
  ])('takes over %s of Google’s Consent Mode first', (_, ad_storage, delay, sent) => {
    const page = start([], { container: { ec: true } })
    page.window.google_tag_data = { ics: { entries: { ad_storage } } }
    vi.advanceTimersByTime(delay)
    vi.advanceTimersByTime(5)
    expect(summary(page)).toEqual(sent)
  })

  it('does not look there without flags, or where that is switched off', () => {
    const google = { ics: { entries: { ad_storage: { update: false } } } }
    const page = start()
    page.window.google_tag_data = google
    vi.advanceTimersByTime(20)
    expect(summary(page)).toEqual(FREE)
    const off = start([], { container: { ec: true } }, { enableAutoConsent: false })
    off.window.google_tag_data = { ics: { entries: { ad_storage: { update: true } } } }
    vi.advanceTimersByTime(20)
    expect(summary(off)).toEqual(ENFORCED)
  })

  it('marks itself in the detection blob', () => {
    expect(settled([], { container: { ec: true } }).beacons()[0]?.params.cdb).toBe('AQAY')
  })
})

describe('TCF', () => {
  type Callback = (data: object, success: boolean) => void
  const VENDOR = 1126
  const allow = (...ids: number[]) => ({ consents: Object.fromEntries(ids.map((id) => [id, true])) })
  const all = { gdprApplies: true, vendor: allow(VENDOR), purpose: allow(1, 2, 3, 4, 7, 9, 10) }

  function page(answer: object | undefined, calls: unknown[][] = [], tag: object = {}, options: TagPageOptions = {}) {
    const callbacks: Callback[] = []
    const opened = start([['config', 'tcf', { enabled: true }], ...calls], options, tag)
    opened.window.__tcfapi = (command: string, version: number, callback: Callback) => {
      expect([command, version]).toEqual(['addEventListener', 2])
      callbacks.push(callback)
      if (answer) callback(answer, true)
    }
    vi.advanceTimersByTime(20)
    return { opened, answer: (data: object) => callbacks.forEach((callback) => callback(data, true)) }
  }
  const tcf = (opened: TagPage) => opened.beacons()[0]?.params.tcf

  it.each<[string, object, string, string]>([
    ['everything allowed', all, 'com', 'st=L&gdpr=Y&as=G&ms=G&pz=G'],
    [
      'by legitimate interest',
      { ...all, vendor: { legitimateInterests: { [VENDOR]: true } } },
      'com',
      'st=L&gdpr=Y&as=G&ms=G&pz=G',
    ],
    ['no storage', { ...all, purpose: allow(3, 4, 7, 9, 10) }, 'net', 'st=L&gdpr=Y&ms=G&pz=G'],
    ['no measurement', { ...all, purpose: allow(1, 3, 4, 7, 9) }, 'com', 'st=L&gdpr=Y&as=G&pz=G'],
    ['no ads of one’s own', { ...all, purpose: allow(1, 4, 7, 9, 10) }, 'com', 'st=L&gdpr=Y&as=G&ms=G'],
    ['not the vendor', { ...all, vendor: allow(1) }, 'net', 'st=L&gdpr=Y'],
    ['no GDPR', { gdprApplies: false }, 'com', 'st=L&as=G&ms=G&pz=G'],
    ['no word about GDPR', {}, 'com', 'st=L&as=G&ms=G&pz=G'],
  ])('with %s', (_, answer, host, sent) => {
    const { opened } = page(answer)
    expect(tcf(opened)).toBe(sent)
    expect(opened.beacons()[0]?.host).toBe(`bat.bing.${host}`)
    expect(opened.pings()[0]?.params).toMatchObject({ evt: 'consent', src: 'tcf' })
    expect(cookieNames(opened).includes('_uetsid')).toBe(host === 'com')
  })

  it('sends and stores when the platform takes longer than 500 ms, and follows its answer', () => {
    const { opened, answer } = page(undefined)
    expect(opened.sent).toEqual([])
    vi.advanceTimersByTime(500)
    expect(tcf(opened)).toBe('st=E')
    expect(cookieNames(opened)).toContain('_uetsid')
    answer({ ...all, purpose: allow() })
    expect(opened.sent.at(-1)).toMatchObject({ host: 'bat.bing.net', params: { src: 'tcf', tcf: 'st=L&gdpr=Y' } })
  })

  it('is not looked for again where the platform is missing', () => {
    const opened = settled([['config', 'tcf', { enabled: true }]])
    opened.window.__tcfapi = () => {
      throw new Error('not to be called')
    }
    opened.tag().push('event', 'x', { event_label: 'l' })
    expect(opened.tag().uetConfig.tcf.enabled).toBe(false)
    expect(opened.sent.every(({ params }) => !('tcf' in params))).toBe(true)
  })

  it('beside consent mode either one may deny, and asc shows consent mode alone', () => {
    const { opened } = page({ ...all, purpose: allow() }, [GRANTED])
    expect(opened.beacons()[0]).toMatchObject({ host: 'bat.bing.net', params: { asc: 'G' } })
  })

  it('is found by itself where denial would be enforced, and then decides', () => {
    const opened = start([], { container: { ec: true } })
    opened.window.__tcfapi = (_: string, __: number, callback: Callback) => callback(all, true)
    vi.advanceTimersByTime(20)
    expect(tcf(opened)).toBe('st=L&al=1&gdpr=Y&as=G&ms=G&pz=G')
    expect(opened.beacons()[0]?.host).toBe('bat.bing.com')
  })
})
