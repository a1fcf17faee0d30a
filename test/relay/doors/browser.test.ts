import { afterEach, describe, expect, it } from 'vitest'
import { browserBody, browserEvent, NOW, ORIGIN, TAG, type TestRelay, testRelay } from '../../support/relay.ts'

let relay: TestRelay
afterEach(() => relay.close())

describe('POST /v1/e', () => {
  it('stores what a browser sends, enriched with address and user agent', async () => {
    relay = testRelay()
    const { status, json, headers } = await relay.post('/v1/e', browserBody(browserEvent({ id: 'order-1' })))
    expect([status, json]).toEqual([202, { accepted: 1, rejected: [] }])
    expect(headers.get('access-control-allow-origin')).toBe(ORIGIN)
    expect(await relay.waiting()).toEqual([
      {
        eventType: 'custom',
        eventId: 'order-1',
        eventName: 'track',
        eventTime: NOW / 1000 - 1,
        eventSourceUrl: 'https://shop.example/thanks',
        pageLoadId: '0b0f9a63-5a4f-4a0e-9d4c-6b5d3f3b1c11',
        pageTitle: 'Thanks',
        adStorageConsent: 'G',
        userData: {
          anonymousId: '5c1e4f0acb6b11f0a1b20242ac120002',
          msclkid: '292049a1-7e24-13e3-a408-1719e839afe6',
          clientIpAddress: '203.0.113.7',
          clientUserAgent: 'Mozilla/5.0 (X11; Linux x86_64)',
        },
        customData: {
          eventCategory: 'tools',
          eventLabel: 'Order Completed',
          value: 25,
          currency: 'EUR',
          pageType: 'purchase',
          ecommTotalValue: 25,
        },
      },
    ])
  })

  it('stores a page view as a page load', async () => {
    relay = testRelay()
    const page = browserEvent({ type: 'page', name: undefined, conversion: undefined, properties: undefined })
    expect((await relay.post('/v1/e', browserBody(page))).status).toBe(202)
    expect((await relay.waiting())[0]).toMatchObject({
      eventType: 'pageLoad',
      eventSourceUrl: 'https://shop.example/thanks',
    })
  })

  it('takes the good ones of a mixed body and says what is wrong with the others', async () => {
    relay = testRelay()
    const { status, json } = await relay.post(
      '/v1/e',
      browserBody(browserEvent(), { type: 'track' }, browserEvent(), browserEvent({ user: {} }), 7),
    )
    expect([status, json.accepted]).toEqual([202, 2])
    expect(json.rejected).toEqual([
      { index: 1, code: 'invalid_event', message: 'id: missing or empty; name: missing or empty; time: missing' },
      { index: 3, code: 'no_identifier', message: expect.stringMatching(/^user: needs /) },
      { index: 4, code: 'invalid_event', message: 'event: found a number, expected an object' },
    ])
  })

  it('answers 400 when nothing is usable', async () => {
    relay = testRelay()
    const { status, json } = await relay.post('/v1/e', browserBody({ type: 'track' }))
    expect(status).toBe(400)
    expect(json).toMatchObject({ accepted: 0, rejected: [{ index: 0 }], error: { code: 'invalid_event' } })
  })

  it.each<[string, unknown, Record<string, string>, number, string]>([
    ['no JSON', '{', {}, 400, 'invalid_json'],
    ['an empty body', '', {}, 400, 'invalid_json'],
    ['a list', [], {}, 400, 'invalid_body'],
    ['null', 'null', {}, 400, 'invalid_body'],
    ['another version', { v: 2, key: 'pk_shop', events: [] }, {}, 400, 'unknown_version'],
    ['no events', { v: 1, key: 'pk_shop' }, {}, 400, 'no_events'],
    ['an empty list', browserBody(), {}, 400, 'no_events'],
    ['events that are no list', { v: 1, key: 'pk_shop', events: { length: 3 } }, {}, 400, 'no_events'],
    ['51 events', browserBody(...Array(51).fill(1)), {}, 413, 'too_many_events'],
    ['a body that is too large', ' '.repeat(65_537), {}, 413, 'too_large'],
    ['no key', { v: 1, events: [1] }, {}, 401, 'key_missing'],
    ['an unknown key', { v: 1, key: 'pk_other', events: [1] }, {}, 401, 'key_unknown'],
    ['a key that is no text', { v: 1, key: { $ne: 1 }, events: [1] }, {}, 401, 'key_unknown'],
    ['an unknown origin', browserBody(1), { origin: 'https://evil.example' }, 403, 'origin_unknown'],
    ['a form', browserBody(1), { 'content-type': 'application/x-www-form-urlencoded' }, 415, 'content_type'],
    ['a packed body', browserBody(1), { 'content-encoding': 'gzip' }, 415, 'content_encoding'],
  ])('refuses %s', async (_, body, headers, status, code) => {
    relay = testRelay()
    const answer = await relay.post('/v1/e', body, headers)
    expect([answer.status, answer.json.error.code]).toEqual([status, code])
    expect(await relay.waiting()).toEqual([])
  })

  it('takes an event once, whoever sends it how often', async () => {
    relay = testRelay()
    const event = browserEvent()
    for (let time = 0; time < 3; time++) {
      expect((await relay.post('/v1/e', browserBody(event, event))).json).toEqual({ accepted: 2, rejected: [] })
    }
    expect(await relay.waiting()).toHaveLength(1)
    expect(await relay.outbox.counts()).toMatchObject([{ accepted: 6, duplicates: 5 }])
  })

  it.each([
    ['the right clock', { time: -1_000, sentAt: 0 }, -1_000],
    ['a slow way', { time: -31_000, sentAt: -30_000 }, -31_000],
    ['a clock an hour ahead', { time: 3_599_000, sentAt: 3_600_000 }, -1_000],
    ['a clock a day behind', { time: -86_401_000, sentAt: -86_400_000 }, -1_000],
    ['a clock ahead, which the sender does not tell', { time: 3_600_000, sentAt: undefined }, 0],
  ])('puts the time right: %s', async (_, { time, sentAt }, expected) => {
    relay = testRelay()
    const body = browserBody(browserEvent({ time: NOW + time }))
    await relay.post('/v1/e', { ...body, sentAt: sentAt === undefined ? undefined : NOW + sentAt })
    expect((await relay.waiting())[0]!.eventTime).toBe((NOW + expected) / 1000)
  })

  it('keeps each tag to its key, and sends to all that share one', async () => {
    relay = testRelay({
      tags: [
        { ...TAG, id: '111111', key: 'a' },
        { ...TAG, id: '222222', key: 'b', action: 'other' },
        { ...TAG, id: '333333', key: 'b' },
      ],
    })
    const post = (key: string) => relay.post('/v1/e', { ...browserBody(browserEvent()), key })
    expect((await post('a')).json.accepted).toBe(1)
    expect((await post('b')).json.accepted).toBe(1)
    const waiting = await Promise.all(['111111', '222222', '333333'].map((id) => relay.waiting(id)))
    expect(waiting.map(({ length }) => length)).toEqual([1, 1, 1])
  })

  it('needs no key where the tag has none', async () => {
    relay = testRelay({ tag: { key: undefined } })
    expect((await relay.post('/v1/e', { v: 1, events: [browserEvent()] })).status).toBe(202)
    expect((await relay.post('/v1/e', browserBody(browserEvent()))).status).toBe(202)
  })

  it('listens on a path of the operator', async () => {
    relay = testRelay({ path: '/shop/hello' })
    const headers = { origin: ORIGIN, 'content-type': 'text/plain' }
    expect((await relay.post('/shop/hello', browserBody(browserEvent()), headers)).status).toBe(202)
    expect((await relay.post('/v1/e', browserBody(browserEvent()))).status).toBe(404)
  })

  it('sends what the stream selects, as it says', async () => {
    relay = testRelay({
      tag: {
        stream: {
          rules: [
            { event: 'Order Completed', as: 'custom', map: { 'customData.transactionId': 'properties.order_id' } },
            { event: ['Signed Up'] },
          ],
        },
      },
    })
    const { status, json } = await relay.post(
      '/v1/e',
      browserBody(
        browserEvent({ properties: { order_id: 'A-1' } }),
        browserEvent({ name: 'Signed Up' }),
        browserEvent({ name: 'Other' }),
      ),
    )
    expect([status, json]).toEqual([202, { accepted: 2, rejected: [], ignored: 1 }])
    expect((await relay.waiting()).map(({ customData }) => customData?.transactionId)).toEqual(['A-1', undefined])
    expect((await relay.post('/v1/e', browserBody(browserEvent({ name: 'Other' })))).status).toBe(202)
  })

  it('sends nothing of a stream that is off', async () => {
    relay = testRelay({ tag: { stream: { enabled: false } } })
    expect((await relay.post('/v1/e', browserBody(browserEvent()))).json).toEqual({
      accepted: 0,
      rejected: [],
      ignored: 1,
    })
    expect(await relay.outbox.counts()).toEqual([])
  })

  it('derives the conversion where a sender leaves it out', async () => {
    relay = testRelay({ tag: { action: 'buy' } })
    await relay.post('/v1/e', browserBody(browserEvent({ conversion: undefined })))
    expect((await relay.waiting())[0]).toMatchObject({
      eventName: 'buy',
      customData: { eventLabel: 'Order Completed', eventCategory: 'tools', value: 25, currency: 'EUR' },
    })
  })
})
