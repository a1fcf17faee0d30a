import { afterEach, describe, expect, it } from 'vitest'
import { NOW, SERVER_KEY, type TestRelay, testRelay } from '../../support/relay.ts'

let relay: TestRelay
afterEach(() => relay.close())

const bearer = (key = SERVER_KEY) => ({ authorization: `Bearer ${key}`, 'content-type': 'application/json' })
const post = (body: unknown, headers = bearer()) => relay.post('/v1/amplitude', body, headers)
const assumed = { tag: { consent: { assume: 'granted' as const } } }

let made = 0
/** As event streaming sends it. */
const event = (fields: Record<string, unknown> = {}) => ({
  user_id: 'customer-7',
  device_id: 'c3f1b2a0-6f0c-4f6e-9d4c-6b5d3f3b1c11',
  event_type: 'Order Completed',
  time: NOW - 1_000,
  insert_id: `insert-${++made}`,
  event_properties: { order_id: 'A-1', currency: 'EUR', category: 'tools' },
  user_properties: { email: 'john@contoso.com' },
  revenue: 25,
  ip: '198.51.100.9',
  adid: '7a3cbea0-bdf5-11e4-8dfc-aa07a5b093db',
  ...fields,
})

describe('POST /v1/amplitude', () => {
  it('stores a streamed event', async () => {
    relay = testRelay(assumed)
    const { status, json } = await post(event({ insert_id: 'i-1' }))
    expect([status, json]).toEqual([202, { accepted: 1, rejected: [] }])
    expect((await relay.waiting())[0]).toMatchObject({
      eventType: 'custom',
      eventId: 'i-1',
      eventName: 'track',
      eventTime: NOW / 1000 - 1,
      userData: {
        anonymousId: 'c3f1b2a0-6f0c-4f6e-9d4c-6b5d3f3b1c11',
        em: 'ec81f3ac7b2b19675bab9d54cf416f9f18cff87c97da5cca82c0f0891bc40602',
        gaid: '7a3cbea0-bdf5-11e4-8dfc-aa07a5b093db',
        clientIpAddress: '198.51.100.9',
      },
      customData: { eventLabel: 'Order Completed', value: 25, currency: 'EUR', transactionId: 'A-1' },
    })
  })

  it.each([
    ['one event', event()],
    ['a list', [event(), event()]],
    ['the HTTP V2 form', { api_key: 'x', events: [event(), event(), event()] }],
  ])('takes %s', async (_, body) => {
    relay = testRelay(assumed)
    const count = Array.isArray(body) ? 2 : 'events' in body ? 3 : 1
    expect((await post(body)).json.accepted).toBe(count)
  })

  it.each([
    ['milliseconds', { time: NOW - 2_000 }, -2],
    ['the text of an export', { time: undefined, event_time: '2026-11-24 11:59:57.123456' }, -3],
    ['ISO 8601', { time: undefined, event_time: '2026-11-24T13:59:56+02:00' }, -4],
    ['nothing', { time: undefined }, 0],
  ])('reads the time from %s', async (_, fields, seconds) => {
    relay = testRelay(assumed)
    await post(event(fields))
    expect((await relay.waiting())[0]!.eventTime).toBe(NOW / 1000 + seconds)
  })

  it.each([
    ['price and quantity', { revenue: undefined, price: 10, quantity: 3 }, 30],
    ['a property', { revenue: undefined, event_properties: { revenue: 7 } }, 7],
    ['the property before the field', { event_properties: { revenue: 8 } }, 8],
  ])('reads revenue from %s', async (_, fields, value) => {
    relay = testRelay(assumed)
    await post(event(fields))
    expect((await relay.waiting())[0]!.customData?.value).toBe(value)
  })

  it('reads the page views of the browser SDK', async () => {
    relay = testRelay(assumed)
    const page = {
      '[Amplitude] Page Location': 'https://shop.example/a?b=c',
      '[Amplitude] Page URL': 'https://shop.example/a',
      '[Amplitude] Page Title': 'A',
    }
    await post(event({ event_type: '[Amplitude] Page Viewed', event_properties: page }))
    expect((await relay.waiting())[0]).toMatchObject({
      eventType: 'pageLoad',
      eventSourceUrl: 'https://shop.example/a?b=c',
      pageTitle: 'A',
    })
  })

  it('acknowledges changes of users, which are no events', async () => {
    relay = testRelay(assumed)
    expect((await post(event({ event_type: '$identify' }))).json).toEqual({ accepted: 0, rejected: [], ignored: 1 })
  })

  it('reads consent from the event, or from a property that the tag names', async () => {
    relay = testRelay({ tag: { consent: { property: 'properties.ads' } } })
    const { json } = await post([
      event({ consent: 'granted' }),
      event({ event_properties: { ads: 'granted' } }),
      event({ event_properties: { ads: false }, user_id: 'x', device_id: 'y', user_properties: {}, adid: undefined }),
      event(),
    ])
    expect([json.accepted, json.rejected.map(({ code }: { code: string }) => code)]).toEqual([
      2,
      ['consent_denied', 'consent_unknown'],
    ])
  })

  it.each<[string, unknown, Record<string, string>, number, string]>([
    ['no key', event(), {}, 401, 'server_key_wrong'],
    ['a wrong key', event(), bearer('nope'), 401, 'server_key_wrong'],
    ['an empty list', [], bearer(), 400, 'no_events'],
    ['events that are no list', { events: 7 }, bearer(), 400, 'no_events'],
    ['a number', 7, bearer(), 400, 'invalid_event'],
    ['an event without a type', event({ event_type: undefined }), bearer(), 400, 'invalid_event'],
    ['a time that is none', event({ time: 'now' }), bearer(), 400, 'invalid_event'],
  ])('refuses %s', async (_, body, headers, status, code) => {
    relay = testRelay(assumed)
    const answer = await post(body, headers as ReturnType<typeof bearer>)
    expect([answer.status, answer.json.error.code]).toEqual([status, code])
  })
})
