import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { NOW, SERVER_KEY, TAG, type TestRelay, testRelay } from '../../support/relay.ts'

let relay: TestRelay
afterEach(() => relay.close())

const basic = (key = SERVER_KEY) => ({ authorization: `Basic ${btoa(`${key}:`)}`, 'content-type': 'application/json' })
const iso = (offset = 0) => new Date(NOW + offset).toISOString()

let made = 0
/** As `@segment/analytics-node` sends it. */
const message = (fields: Record<string, unknown> = {}) => ({
  type: 'track',
  event: 'Order Completed',
  messageId: `node-next-${NOW}-${++made}`,
  timestamp: iso(-1_000),
  userId: 'customer-7',
  anonymousId: 'b7b1d1f0-6f0c-4f6e-9d4c-6b5d3f3b1c11',
  properties: {
    order_id: 'A-1',
    revenue: 25,
    currency: 'EUR',
    category: 'tools',
    products: [{ sku: 'lamp', price: 25 }],
  },
  context: {
    library: { name: '@segment/analytics-node', version: '2.2.1' },
    ip: '198.51.100.9',
    userAgent: 'Mozilla/5.0',
    page: {
      url: 'https://shop.example/thanks?msclkid=292049a17e2413e3a4081719e839afe6',
      referrer: 'https://www.bing.com/',
      title: 'Thanks',
    },
    traits: { email: 'john@contoso.com', phone: '+14255551234' },
    consent: { categoryPreferences: { Advertising: true, Analytics: false } },
  },
  integrations: {},
  ...fields,
})
const batch = (...messages: unknown[]) => ({ batch: messages, sentAt: iso() })
const withCategory = { tag: { consent: { category: 'Advertising' } } }

describe('the Segment HTTP API', () => {
  it('takes a batch of a server library', async () => {
    relay = testRelay(withCategory)
    const { status, json } = await relay.post('/v1/batch', batch(message({ messageId: 'm-1' }), message()), basic())
    // Some libraries take nothing but 200 for success.
    expect([status, json]).toEqual([200, { success: true, accepted: 2, rejected: [] }])
    expect((await relay.waiting())[0]).toEqual({
      eventType: 'custom',
      eventId: 'm-1',
      eventName: 'track',
      eventTime: NOW / 1000 - 1,
      eventSourceUrl: 'https://shop.example/thanks?msclkid=292049a17e2413e3a4081719e839afe6',
      referrerUrl: 'https://www.bing.com/',
      pageTitle: 'Thanks',
      adStorageConsent: 'G',
      userData: {
        anonymousId: 'b7b1d1f0-6f0c-4f6e-9d4c-6b5d3f3b1c11',
        externalId: expect.stringMatching(/^[0-9a-f]{64}$/),
        em: 'ec81f3ac7b2b19675bab9d54cf416f9f18cff87c97da5cca82c0f0891bc40602',
        ph: 'c59475d96e9f01d7d18d06cfad84dd02333207f02c0c2c5663ef2782cda0390e',
        msclkid: '292049a1-7e24-13e3-a408-1719e839afe6',
        clientIpAddress: '198.51.100.9',
        clientUserAgent: 'Mozilla/5.0',
      },
      customData: {
        eventLabel: 'Order Completed',
        eventCategory: 'tools',
        value: 25,
        currency: 'EUR',
        transactionId: 'A-1',
        pageType: 'purchase',
        ecommTotalValue: 25,
        itemIds: ['lamp'],
        items: [{ id: 'lamp', price: 25 }],
      },
    })
  })

  it.each([
    ['/v1/track', message({ type: undefined }), 'custom'],
    [
      '/v1/page',
      message({ type: undefined, event: undefined, name: 'Home', properties: { url: 'https://shop.example/' } }),
      'pageLoad',
    ],
  ])('takes one message at %s', async (path, body, eventType) => {
    relay = testRelay(withCategory)
    expect((await relay.post(path, body, basic())).json).toEqual({ success: true, accepted: 1, rejected: [] })
    expect(await relay.waiting()).toMatchObject([{ eventType }])
  })

  it.each([
    ['identify', '/v1/identify', { userId: 'x', traits: { email: 'john@contoso.com' } }],
    ['group', '/v1/group', { groupId: 'g', userId: 'x' }],
    ['a message that leaves us out', '/v1/track', message({ integrations: { 'Microsoft Advertising UET': false } })],
    ['a message that leaves all out', '/v1/track', message({ integrations: { All: false } })],
    ['a change of consent', '/v1/track', message({ event: 'Segment Consent Preference Updated' })],
  ])('acknowledges %s and sends nothing', async (_, path, body) => {
    relay = testRelay(withCategory)
    const { status, json } = await relay.post(path, body, basic())
    expect([status, json]).toEqual([200, { success: true, accepted: 0, rejected: [], ignored: 1 }])
    expect(await relay.waiting()).toEqual([])
  })

  it('keeps nothing of an identify, and takes the user from what each message says', async () => {
    relay = testRelay(withCategory)
    const consent = { consent: { categoryPreferences: { Advertising: true } } }
    const identify = {
      type: 'identify',
      userId: 'customer-7',
      traits: { email: 'jane@contoso.com', phone: '+14255559999' },
      context: consent,
    }
    await relay.post('/v1/identify', identify, basic())
    expect(await relay.outbox.counts()).toEqual([])
    const bare = message({ context: consent })
    const own = message({ context: { ...consent, traits: { email: 'john@contoso.com' } } })
    expect((await relay.post('/v1/batch', batch(identify, bare, own), basic())).json).toMatchObject({
      accepted: 2,
      ignored: 1,
    })
    const [first, second] = await relay.waiting()
    expect(Object.keys(first!.userData)).toEqual(['anonymousId', 'externalId'])
    expect(second!.userData.em).toBe('ec81f3ac7b2b19675bab9d54cf416f9f18cff87c97da5cca82c0f0891bc40602')
    expect(JSON.stringify(relay.reports)).not.toContain('contoso')
  })

  it('takes an identify that refuses for a withdrawal', async () => {
    relay = testRelay(withCategory)
    await relay.post('/v1/batch', batch(message()), basic())
    const refusal = { userId: 'customer-7', context: { consent: { categoryPreferences: { Advertising: false } } } }
    expect((await relay.post('/v1/identify', refusal, basic())).json.withdrawn).toBe(1)
    expect(await relay.waiting()).toEqual([])
  })

  it('takes what a batch says for its messages, a named integration, and a batch that is packed', async () => {
    relay = testRelay(withCategory)
    const { context, ...bare } = message({ integrations: { All: false, 'Microsoft Advertising UET': true } })
    const body = gzipSync(JSON.stringify({ ...batch(bare), context }))
    const { json } = await relay.post('/v1/batch', new Uint8Array(body), { ...basic(), 'content-encoding': 'gzip' })
    expect(json.accepted).toBe(1)
    expect((await relay.waiting())[0]!.userData.clientIpAddress).toBe('198.51.100.9')
  })

  it('takes the key of the body, as mobile libraries send it', async () => {
    relay = testRelay(withCategory)
    const mobile = message({
      context: {
        consent: { categoryPreferences: { Advertising: true } },
        device: { type: 'ios', advertisingId: '7A3CBEA0-BDF5-11E4-8DFC-AA07A5B093DB', adTrackingEnabled: true },
      },
    })
    const { status } = await relay.post(
      '/v1/batch',
      { ...batch(mobile), writeKey: SERVER_KEY },
      { 'content-type': 'application/json' },
    )
    expect(status).toBe(200)
    expect((await relay.waiting())[0]!.userData).toMatchObject({ idfa: '7A3CBEA0-BDF5-11E4-8DFC-AA07A5B093DB' })
  })

  it.each([
    ['Android', { type: 'android', advertisingId: '7a3cbea0-bdf5-11e4-8dfc-aa07a5b093db' }, 'gaid'],
    [
      'tracking refused',
      { type: 'android', advertisingId: '7a3cbea0-bdf5-11e4-8dfc-aa07a5b093db', adTrackingEnabled: false },
      undefined,
    ],
  ])('reads the advertising id: %s', async (_, device, field) => {
    relay = testRelay({ tag: { consent: { assume: 'granted' } } })
    await relay.post('/v1/track', message({ context: { device } }), basic())
    const { userData } = (await relay.waiting())[0]!
    expect(Object.keys(userData).filter((key) => /^(idfa|gaid)$/.test(key))).toEqual(field ? [field] : [])
  })

  it.each<[string, unknown, Record<string, string>, number, string]>([
    ['no key', batch(message()), {}, 401, 'server_key_wrong'],
    ['a wrong key', batch(message()), basic('nope'), 401, 'server_key_wrong'],
    ['the public key', batch(message()), basic('pk_shop'), 401, 'server_key_wrong'],
    ['what is not base64', batch(message()), { authorization: 'Basic ***' }, 401, 'server_key_wrong'],
    ['no JSON', '{', basic(), 400, 'invalid_json'],
    ['no batch', {}, basic(), 400, 'no_events'],
    ['too much', batch(...Array(2_501).fill(1)), basic(), 413, 'too_many_events'],
    ['a broken package', 'x', { ...basic(), 'content-encoding': 'gzip' }, 400, 'incomplete_body'],
    ['another packing', 'x', { ...basic(), 'content-encoding': 'br' }, 415, 'content_encoding'],
  ])('refuses %s, in words that libraries read', async (_, body, headers, status, code) => {
    relay = testRelay(withCategory)
    const answer = await relay.post('/v1/batch', body, headers)
    expect([answer.status, answer.json.code]).toEqual([status, code])
    expect(answer.json).toMatchObject({ message: expect.any(String), error: { code } })
    expect(answer.headers.get('www-authenticate')).toBe(status === 401 ? 'Basic realm="uetkit"' : null)
  })

  it.each([
    ['a message that is no object', 7, 'invalid_event'],
    ['a message of no type', message({ type: undefined }), 'invalid_event'],
    ['a track without a name', message({ event: undefined }), 'invalid_event'],
    ['a time that is none', message({ timestamp: 'yesterday' }), 'invalid_event'],
    ['a message that is too old', message({ timestamp: iso(-8 * 86_400_000) }), 'expired'],
    [
      'a refused category',
      message({ context: { consent: { categoryPreferences: { Advertising: false } } } }),
      'consent_denied',
    ],
    ['no category', message({ context: {} }), 'consent_unknown'],
    [
      'a screen without an address',
      message({
        type: 'screen',
        name: 'Home',
        context: message().context && { consent: { categoryPreferences: { Advertising: true } } },
      }),
      'no_source_url',
    ],
  ])('accepts the others beside %s', async (_, bad, code) => {
    relay = testRelay(withCategory)
    const other = message({
      userId: 'other',
      anonymousId: 'another-visitor',
      context: { consent: { categoryPreferences: { Advertising: true } } },
    })
    const { status, json } = await relay.post('/v1/batch', batch(other, bad), basic())
    expect([status, json.accepted, json.rejected]).toEqual([200, 1, [{ index: 1, code, message: expect.any(String) }]])
  })

  it('gives a message without an id one of its own', async () => {
    relay = testRelay(withCategory)
    await relay.post('/v1/batch', batch(message({ messageId: undefined }), message({ messageId: undefined })), basic())
    const ids = (await relay.waiting()).map(({ eventId }) => eventId)
    expect(new Set(ids).size).toBe(2)
  })

  it('sends to every tag of the key', async () => {
    relay = testRelay({
      tags: [
        { ...TAG, ...withCategory.tag, id: '111111' },
        { ...TAG, ...withCategory.tag, id: '222222' },
      ],
    })
    expect((await relay.post('/v1/batch', batch(message()), basic())).json.accepted).toBe(1)
    expect([(await relay.waiting('111111')).length, (await relay.waiting('222222')).length]).toEqual([1, 1])
  })
})
