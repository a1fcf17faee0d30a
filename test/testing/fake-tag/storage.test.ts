import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createFakeStorage } from '../../support/fake-window.ts'
import { CLICK_ID, cookieNames, DENIED, GRANT, settled, start } from './support.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const DAY = 86_400_000
const event = ['event', 'x', { event_label: 'l' }]

describe('cookies', () => {
  it('of session and visitor are 32 hex characters, on the widest domain, for a day and for 390', () => {
    const page = settled()
    const [{ params }] = page.sent as [(typeof page.sent)[0]]
    for (const [name, id, days] of [
      ['_uetsid', params.sid, 1],
      ['_uetvid', params.vid, 390],
    ] as const) {
      const cookie = page.cookieJar.find(name)
      expect(id).toMatch(/^[0-9a-f]{12}1[0-9a-f]{19}$/)
      expect(cookie).toMatchObject({ value: id, domain: 'example.com', path: '/', secure: false, sameSite: undefined })
      // The text of an expiry date has no milliseconds.
      expect(cookie!.expires! - Date.now()).toBeLessThanOrEqual(days * DAY)
      expect(cookie!.expires! - Date.now()).toBeGreaterThan(days * DAY - 2000)
      expect(page.window.localStorage.getItem(name)).toBe(id)
      expect(Date.parse(page.window.localStorage.getItem(`${name}_exp`)!)).toBe(cookie!.expires)
    }
    expect(params.vids).toBe('1')
  })

  it('are renewed by every event, and keep their value', () => {
    const page = settled()
    vi.advanceTimersByTime(DAY / 2)
    page.tag().push(...event)
    expect(page.sent[1]?.params).toMatchObject({
      sid: page.sent[0]?.params.sid,
      vid: page.sent[0]?.params.vid,
      vids: '0',
    })
    expect(page.cookieJar.find('_uetsid')!.expires! - Date.now()).toBeGreaterThan(DAY - 2000)
  })

  it('of an earlier page are known, with what Microsoft’s insights script put behind them', () => {
    const vid = 'ab'.repeat(16)
    const page = settled([], { cookies: `_uetvid=${vid}|abc|1; _uetuid=u-1` })
    expect(page.sent[0]?.params).toMatchObject({ vid, vids: '0', uid: 'u-1' })
    expect(page.cookieJar.all().find(({ name, domain }) => name === '_uetvid' && domain === 'example.com')?.value).toBe(
      `${vid}|abc|1`,
    )
  })

  it('that are gone are restored from localStorage until their time is over', () => {
    const localStorage = createFakeStorage()
    const first = settled([], { localStorage }).sent[0]!.params
    expect(settled([], { localStorage }).sent[0]?.params).toMatchObject({ sid: first.sid, vid: first.vid, vids: '0' })
    vi.advanceTimersByTime(2 * DAY)
    const later = settled([], { localStorage }).sent[0]!.params
    expect(later.sid).not.toBe(first.sid)
    expect(later.vid).toBe(first.vid)
  })

  it.each([
    ['https://www.shop.co.uk/', 'shop.co.uk', false],
    ['https://a.b.shop.example.com/', 'example.com', false],
    ['http://localhost:8080/', 'localhost', true],
    ['http://127.0.0.1:8080/', '127.0.0.1', true],
  ])('of %s sit on %s', (url, domain, hostOnly) => {
    expect(settled([], { url }).cookieJar.find('_uetvid')).toMatchObject({ domain, hostOnly })
  })

  it.each([
    ['shop.example.com', 'shop.example.com'],
    ['.example.com', 'example.com'],
    ['other.example', 'example.com'],
    ['com', 'shop.example.com'],
  ])('take the option cookieDomain %s as %s', (cookieDomain, domain) => {
    expect(settled([], {}, { cookieDomain }).cookieJar.find('_uetvid')?.domain).toBe(domain)
  })

  it('carry the option cookieFlags', () => {
    const page = settled([], {}, { cookieFlags: 'SameSite=None;Secure' })
    expect(page.cookieJar.find('_uetvid')).toMatchObject({ sameSite: 'None', secure: true })
  })

  it.each([
    [{ storeConvTrackCookies: false }, ['sid', 'vid', 'vids', 'msclkid'], []],
    [{ disableUetVid: true }, ['vid', 'vids'], ['_uetsid']],
  ])('are left out by %o', (options, missing, cookies) => {
    const page = settled([], {}, options)
    for (const key of missing) expect(page.sent[0]?.params).not.toHaveProperty(key)
    expect(cookieNames(page)).toEqual(cookies)
  })

  it('that cannot be written leave the ids on the beacons', () => {
    const page = settled([event], { url: 'file:///shop.html', localStorage: 'blocked' })
    expect(page.errors).toEqual([])
    expect(page.sent[0]?.params).toMatchObject({ sid: expect.stringMatching(/^[0-9a-f]{32}$/), msclkid: 'N' })
    expect(page.sent[1]?.params.sid).toBe(page.sent[0]?.params.sid)
  })

  it('stay as they are while denied: not read, not renewed, not deleted', () => {
    const vid = 'ab'.repeat(16)
    const page = settled([DENIED, event], { cookies: `_uetvid=${vid}; _uetmsclkid=_uet${CLICK_ID}` })
    expect(page.cookieJar.all().map(({ name, value, domain }) => `${name}=${value} ${domain}`)).toEqual([
      `_uetvid=${vid} shop.example.com`,
      `_uetmsclkid=_uet${CLICK_ID} shop.example.com`,
    ])
    expect(page.window.localStorage.length).toBe(0)
    for (const { params } of page.sent) expect(Object.keys(params)).not.toEqual(expect.arrayContaining(['vid']))
    page.tag().push(...GRANT)
    expect(page.sent.at(-1)?.params).toMatchObject({ vid, vids: '0', msclkid: `${CLICK_ID}-0` })
  })
})

describe('click ids', () => {
  const url = `https://shop.example.com/?x=1&MsClkId=${CLICK_ID}`
  const other = 'f'.repeat(32)

  it('none is said to be none', () => {
    expect(settled().sent[0]?.params.msclkid).toBe('N')
  })

  it('is stored with its prefix for 90 days, and without it in localStorage', () => {
    const page = settled([], { url })
    expect(page.sent[0]?.params.msclkid).toBe(`${CLICK_ID}-1`)
    expect(page.cookieJar.find('_uetmsclkid')).toMatchObject({ value: `_uet${CLICK_ID}` })
    expect(page.cookieJar.find('_uetmsclkid')!.expires! - Date.now()).toBeGreaterThan(90 * DAY - 2000)
    expect(page.window.localStorage.getItem('_uetmsclkid')).toBe(CLICK_ID)
    page.tag().push(...event)
    expect(page.sent[1]?.params.msclkid).toBe(`${CLICK_ID}-0`)
  })

  it('of the address replaces a stored one', () => {
    const page = settled([], { url, cookies: `_uetmsclkid=_uet${other}` })
    expect(page.sent[0]?.params.msclkid).toBe(`${CLICK_ID}-1`)
  })

  it('is also found in the referrer of the same host, and of no other', () => {
    expect(settled([], { referrer: url }).sent[0]?.params.msclkid).toBe(`${CLICK_ID}-1`)
    const foreign = url.replace('shop.', 'other.')
    expect(settled([], { referrer: foreign }).sent[0]?.params.msclkid).toBe('N')
  })

  it('cannot be stored where storage is blocked, and says so', () => {
    const page = settled([], { url: `file:///shop.html?msclkid=${CLICK_ID}`, localStorage: 'blocked' })
    expect(page.sent[0]?.params.msclkid).toBe(`${CLICK_ID}-1N`)
  })

  it('is captured by a grant on the same page, and lost by a navigation before it', () => {
    const page = settled([DENIED], { url })
    expect(page.sent[1]?.params).not.toHaveProperty('msclkid')
    page.tag().push(...GRANT)
    expect(page.sent[2]?.params.msclkid).toBe(`${CLICK_ID}-1`)
    const landing = settled([DENIED], { url })
    const next = settled([DENIED, GRANT], { url: 'https://shop.example.com/next', cookieJar: landing.cookieJar })
    expect(next.beacons()[0]?.params.msclkid).toBe('N')
  })
})

describe('do not share', () => {
  it('reads the name of the cookie from an option', () => {
    expect(settled([], { cookies: 'quiet=1' }, { msDnsCookie: 'quiet' }).sent).toEqual([])
    expect(settled([], { cookies: '_uetmsdns=0' }).sent).toHaveLength(1)
  })

  it('is read once, at the start', () => {
    const page = start()
    page.window.document.cookie = '_uetmsdns=1'
    vi.advanceTimersByTime(20)
    expect(page.sent).toHaveLength(1)
  })
})
