import { afterEach, describe, expect, it } from 'vitest'
import type { TagInput } from '../../src/relay/settings.ts'
import { browserBody, browserEvent, type TestRelay, testRelay } from '../support/relay.ts'

let relay: TestRelay
afterEach(() => relay.close())

const SAME = { 'sec-fetch-site': 'same-origin' }
const ID = '292049a17e2413e3a4081719e839afe6'

describe('the click id cookie', () => {
  const cases: [string, TagInput['clickCookie'], Record<string, string>, Record<string, unknown>, string | null][] = [
    [
      "is renewed on the site's own origin",
      {},
      SAME,
      {},
      `_uetkit_click=${ID}; Max-Age=7776000; Path=/; SameSite=Lax; Secure`,
    ],
    [
      'takes name and domain',
      { name: 'c', domain: 'shop.example' },
      SAME,
      {},
      `c=${ID}; Max-Age=7776000; Path=/; SameSite=Lax; Domain=shop.example; Secure`,
    ],
    [
      'is renewed for the domain from a subdomain',
      { domain: 'shop.example' },
      { 'sec-fetch-site': 'same-site' },
      {},
      `_uetkit_click=${ID}; Max-Age=7776000; Path=/; SameSite=Lax; Domain=shop.example; Secure`,
    ],
    ['is left alone on another origin of the site', {}, { 'sec-fetch-site': 'same-site' }, {}, null],
    ["is never a third party's", { domain: 'shop.example' }, { 'sec-fetch-site': 'cross-site' }, {}, null],
    ['can be switched off', false, SAME, {}, null],
    ['needs a click id', {}, SAME, { user: { anonymousId: 'a' } }, null],
    ['needs one that is well formed', {}, SAME, { user: { anonymousId: 'a', msclkid: 'x; Domain=evil' } }, null],
    ['needs consent', {}, SAME, { consent: 'denied' }, null],
    ['needs consent that is known', {}, SAME, { consent: undefined }, null],
  ]
  it.each(cases)('%s', async (_, clickCookie, headers, fields, expected) => {
    relay = testRelay({ tag: { clickCookie } })
    const answer = await relay.post('/v1/e', browserBody(browserEvent(fields)), headers)
    expect(answer.headers.get('set-cookie')).toBe(expected)
  })

  it('respects Global Privacy Control', async () => {
    relay = testRelay()
    const answer = await relay.post('/v1/e', browserBody(browserEvent()), { ...SAME, 'sec-gpc': '1' })
    expect(answer.headers.get('set-cookie')).toBeNull()
  })

  it('works without Secure on a site without https, where it would be refused', async () => {
    relay = testRelay({ tag: { origins: ['http://localhost:8080'] } })
    const answer = await relay.post('/v1/e', browserBody(browserEvent()), { ...SAME, origin: 'http://localhost:8080' })
    expect(answer.headers.get('set-cookie')).toBe(`_uetkit_click=${ID}; Max-Age=7776000; Path=/; SameSite=Lax`)
  })

  it('knows its own origin by the host where a browser does not say', async () => {
    relay = testRelay({ tag: { origins: ['https://relay.example'] } })
    const post = async (host: string) => {
      const request = new Request('https://relay.example/v1/e', {
        method: 'POST',
        headers: { origin: 'https://relay.example', host, 'content-type': 'text/plain' },
        body: JSON.stringify(browserBody(browserEvent())),
      })
      return (await relay.fetch(request)).headers.get('set-cookie')
    }
    expect(await post('relay.example')).toContain(ID)
    expect(await post('other.example')).toBeNull()
  })
})
