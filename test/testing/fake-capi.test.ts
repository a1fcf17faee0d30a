import { describe, expect, it } from 'vitest'
import type { CapiAnswer } from '../../src/core/capi-json.ts'
import { createFakeCapi, type FakeCapi, type FakeCapiOptions } from '../../src/testing/fake-capi.ts'
import { NOW, SHA } from '../support/events.ts'

const SECONDS = NOW / 1000
const WEEK = 7 * 86_400
const UUID = '0b0f9a63-5a4f-4a0e-9d4c-6b5d3f3b1c11'

type Json = Record<string, unknown>
const good: Json = {
  eventType: 'custom',
  eventName: 'track',
  eventId: 'e-1',
  eventTime: SECONDS,
  adStorageConsent: 'G',
  userData: { anonymousId: 'a1' },
}
const create = (options: Partial<FakeCapiOptions> = {}) =>
  createFakeCapi({ tags: { 1: 'token-1', 2: 'token-2' }, now: () => NOW, ...options })

async function post(
  fake: FakeCapi,
  body: unknown,
  change: { path?: string; headers?: Record<string, string>; method?: string } = {},
) {
  const { path = '/v1/1/events', headers = {}, method = 'POST' } = change
  const response = await fake.fetch(
    new Request(`https://capi.example${path}`, {
      method,
      headers: { authorization: 'Bearer token-1', 'content-type': 'application/json', ...headers },
      body: method === 'GET' ? null : typeof body === 'string' ? body : JSON.stringify(body),
    }),
  )
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: (text ? JSON.parse(text) : {}) as CapiAnswer }
}
/** What the stand-in says about one event, as `E` or `W`, code and property. */
const complaints = async (event: unknown, options?: Partial<FakeCapiOptions>) => {
  const { body } = await post(create(options), { data: [event] })
  return (body.error?.details ?? []).map(
    ({ isWarning, errorCode, propertyName }) => `${isWarning ? 'W' : 'E'} ${errorCode} ${propertyName}`,
  )
}

describe('one event', () => {
  it.each<[string, Json, string[]]>([
    ['nothing', {}, []],
    ['unknown members', { dataProvider: 'x', more: { a: 1 } }, []],
    ['nulls', { eventName: null, pageLoadId: null, customData: null, referrerUrl: null }, []],
    ['no type', { eventType: undefined }, ['E InvalidEnumValue data[0].eventType']],
    ['a type in capitals', { eventType: 'Custom' }, ['E InvalidEnumValue data[0].eventType']],
    ['no time', { eventTime: null }, ['E Empty data[0].eventTime']],
    ['milliseconds', { eventTime: NOW }, ['E InvalidEventTime data[0].eventTime']],
    ['a time as text', { eventTime: `${SECONDS}` }, ['E InvalidEventTime data[0].eventTime']],
    ['parts of seconds', { eventTime: SECONDS - 0.5 }, ['E InvalidEventTime data[0].eventTime']],
    ['the oldest time', { eventTime: SECONDS - WEEK }, []],
    ['an older time', { eventTime: SECONDS - WEEK - 1 }, ['E InvalidEventTime data[0].eventTime']],
    ['nine minutes ahead', { eventTime: SECONDS + 540 }, []],
    ['eleven minutes ahead', { eventTime: SECONDS + 660 }, ['E InvalidEventTime data[0].eventTime']],
    ['a page load without address', { eventType: 'pageLoad' }, ['E Empty data[0].eventSourceUrl']],
    ['a page load elsewhere', { eventType: 'pageLoad', eventSourceUrl: '/a' }, ['E InvalidUrl data[0].eventSourceUrl']],
    ['a relative address', { eventSourceUrl: '/a' }, ['W InvalidUrl data[0].eventSourceUrl']],
    ['an empty referrer', { referrerUrl: '' }, ['W InvalidUrl data[0].referrerUrl']],
    ['a numeric id', { eventId: 7 }, ['E MockInvalidType data[0].eventId']],
    ['a short page load id', { pageLoadId: 'x' }, ['W MockInvalidUuid data[0].pageLoadId']],
    ['consent of the samples', { adStorageConsent: 'G|D' }, ['W MockInvalidConsent data[0].adStorageConsent']],
    ['no user', { userData: undefined }, ['E Empty data[0].userData']],
    ['a user of nothing that counts', { userData: { clientIpAddress: '1.2.3.4' } }, ['E Empty data[0].userData']],
    ['empty identifiers', { userData: { anonymousId: '', externalId: null } }, ['E Empty data[0].userData']],
    ['an address in the clear', { userData: { em: 'j@x.example', ph: SHA } }, ['W InvalidSha256 data[0].userData.em']],
    ['only an address in the clear', { userData: { em: 'j@x.example' } }, ['W InvalidSha256 data[0].userData.em']],
    ['an undashed click id', { userData: { msclkid: 'a'.repeat(32) } }, ['W MockInvalidUuid data[0].userData.msclkid']],
    ['a dashed click id', { userData: { msclkid: UUID } }, []],
    [
      'no IP address',
      { userData: { idfa: UUID, clientIpAddress: '1.2.3.256' } },
      ['W MockInvalidIp data[0].userData.clientIpAddress'],
    ],
    ['an IPv6 address', { userData: { gaid: UUID, clientIpAddress: '2001:db8::1' } }, []],
    ['custom data as text', { customData: 'x' }, ['E MockInvalidType data[0].customData']],
    ['a currency in words', { customData: { currency: 'euro' } }, ['W MockInvalidField data[0].customData.currency']],
    ['an amount as text', { customData: { value: '1' } }, ['W MockInvalidField data[0].customData.value']],
    ['a negative amount', { customData: { value: -1 } }, ['W MockInvalidField data[0].customData.value']],
    ['four decimals', { customData: { value: 1.2345 } }, ['W MockInvalidField data[0].customData.value']],
    ['three decimals', { customData: { value: 0.1 + 0.2, ecommTotalValue: 1.235 } }, []],
    [
      'a page type in capitals',
      { customData: { pageType: 'PURCHASE' } },
      ['W MockInvalidField data[0].customData.pageType'],
    ],
    ['ids as text', { customData: { itemIds: 'a,b' } }, ['W MockInvalidField data[0].customData.itemIds']],
    [
      'half a piece',
      { customData: { items: [{}, { quantity: 1.5 }] } },
      ['W MockInvalidField data[0].customData.items[1].quantity'],
    ],
    [
      'a stay of no days',
      { customData: { hotelData: { checkinDate: '2026-02-30', checkInDate: 'x', lengthOfStay: 31 } } },
      [
        'W MockInvalidField data[0].customData.hotelData.checkinDate',
        'W MockInvalidField data[0].customData.hotelData.lengthOfStay',
      ],
    ],
    [
      'revenue on a page load',
      { eventType: 'pageLoad', eventSourceUrl: 'https://a.example', customData: { value: 1 } },
      ['W MockInvalidField data[0].customData.value'],
    ],
  ])('with %s', async (_, change, expected) => {
    expect(await complaints({ ...good, ...change })).toEqual(expected)
  })

  it('that is none', async () => {
    expect(await complaints('x')).toEqual(['E Empty data[0]'])
  })

  it('by the options for what nobody knows', async () => {
    const emailOnly = { ...good, userData: { em: 'j@x.example' } }
    expect(await complaints(emailOnly, { countRemovedIdentifiers: false })).toEqual([
      'W InvalidSha256 data[0].userData.em',
      'E Empty data[0].userData',
    ])
    expect(await complaints({ ...good, userData: { msclkid: 'a'.repeat(32) } }, { undashedClickIds: true })).toEqual([])
    expect(await complaints({ ...good, eventTime: SECONDS + 1 }, { futureToleranceMs: 0 })).toHaveLength(1)
  })

  it('is kept without the fields that were warned of, and counts as granted without valid consent', async () => {
    const fake = create()
    const event = {
      ...good,
      adStorageConsent: 'G|D',
      customData: { items: [{ id: 'a', quantity: 0.5 }], currency: 'euro' },
    }
    expect(await post(fake, { data: [event, { ...good, adStorageConsent: 'D' }] })).toMatchObject({
      status: 200,
      body: { eventsReceived: 2, error: { code: 'ValidationWarning' } },
    })
    const { adStorageConsent: _, ...kept } = event
    expect(fake.oracle.accepted).toEqual([
      { tagId: '1', event: { ...kept, customData: { items: [{ id: 'a' }] } }, consent: 'granted' },
      { tagId: '1', event: { ...good, adStorageConsent: 'D' }, consent: 'denied' },
    ])
  })
})

describe('a batch', () => {
  const bad = { ...good, eventId: 'bad', eventType: 'x' }
  const warned = { ...good, eventId: 'warned', referrerUrl: 'x' }

  it.each<[string, Json[], boolean | undefined, number, Json, string[]]>([
    ['good', [good], undefined, 200, { eventsReceived: 1 }, ['e-1']],
    ['warned', [warned], false, 200, { eventsReceived: 1, error: { code: 'ValidationWarning' } }, ['warned']],
    ['partly bad', [good, bad], undefined, 400, { error: { code: 'ValidationError' } }, []],
    [
      'partly bad, to be taken in part',
      [good, bad],
      true,
      200,
      { eventsReceived: 1, error: { code: 'ValidationError' } },
      ['e-1'],
    ],
    ['all bad, to be taken in part', [bad, bad], true, 400, { error: { code: 'ValidationError' } }, []],
  ])('that is %s', async (_, data, continueOnValidationError, status, body, ids) => {
    const fake = create()
    expect(await post(fake, { data, continueOnValidationError })).toMatchObject({ status, body })
    expect(fake.oracle.ids()).toEqual(ids)
  })

  it('lists ten findings, warnings among them, in the order of the events', async () => {
    const data = [...Array(6).fill(warned), ...Array(20).fill(bad)]
    const { body } = await post(create(), { data })
    expect(body.error!.details!.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(body.error!.details![6]).toEqual({
      index: 6,
      propertyName: 'data[6].eventType',
      errorMessage: "'eventType' must be one of the following: pageLoad, custom.",
      errorCode: 'InvalidEnumValue',
      isWarning: false,
    })
  })

  it('follows the guide of October 2025', async () => {
    const fake = create({ profile: '2025-10' })
    const data = [{ ...good, userData: undefined, customData: { currency: 'euro' } }]
    expect(await post(fake, { data })).toMatchObject({ status: 200, body: { eventsReceived: 1 } })
    const { status, body } = await post(fake, {
      data: Array(12).fill({ ...good, userData: { em: 'x' }, referrerUrl: 'x' }),
    })
    expect(status).toBe(400)
    expect(body.error!.details).toHaveLength(24)
    expect(body.error!.details![1]).toEqual({
      index: 0,
      propertyName: 'data[0].userData.em',
      errorMessage: "'em' must be a valid SHA256 string.",
    })
  })
})

describe('a request', () => {
  it.each<[string, unknown, Parameters<typeof post>[2], number, string | undefined]>([
    ['elsewhere', {}, { path: '/v2/1/events' }, 404, undefined],
    ['by another method', {}, { method: 'GET' }, 405, undefined],
    ['without a token', {}, { headers: { authorization: '' } }, 401, 'Unauthorized'],
    ['with another scheme', {}, { headers: { authorization: 'Basic token-1' } }, 401, 'Unauthorized'],
    ["with another tag's token", {}, { headers: { authorization: 'Bearer token-2' } }, 401, 'Unauthorized'],
    ['for an unknown tag', {}, { path: '/v1/3/events' }, 401, 'Unauthorized'],
    ['for a tag of the prototype', {}, { path: '/v1/constructor/events' }, 401, 'Unauthorized'],
    ['of another type', {}, { headers: { 'content-type': 'text/plain' } }, 415, undefined],
    ['that is no JSON', 'x', {}, 400, 'ValidationError'],
    ['that is a list', [], {}, 400, 'ValidationError'],
    ['without data', {}, {}, 400, 'ValidationError'],
    ['with no event', { data: [] }, {}, 400, 'ValidationError'],
    ['with too many events', { data: Array(1_001).fill(good) }, {}, 400, 'ValidationError'],
    ['that is too large', { data: [good], more: 'x'.repeat(1_000_000) }, {}, 413, undefined],
  ])('%s', async (_, body, change, status, code) => {
    const fake = create()
    const answer = await post(fake, body, change)
    expect([answer.status, answer.body.error?.code]).toEqual([status, code])
    expect(fake.oracle.total).toBe(0)
    expect(fake.requests[0]!.status).toBe(status)
  })

  it('is counted against the rate, and says when to come again', async () => {
    let now = NOW
    const fake = create({ now: () => now, rate: { requests: 2, perMs: 10_000 } })
    const send = () => post(fake, { data: [good] })
    expect([(await send()).status, (await send()).status]).toEqual([200, 200])
    now += 4_000
    const refused = await send()
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '6'])
    now += 6_001
    expect((await send()).status).toBe(200)
  })

  it('is answered by its own clock', async () => {
    const { headers } = await post(create(), { data: [good] })
    expect(Date.parse(headers.get('date')!)).toBe(NOW)
  })
})

describe('the oracle', () => {
  it('counts what came twice, and what counts once', async () => {
    const fake = create()
    const { eventId: _, ...anonymous } = good
    await post(fake, {
      data: [good, good, { ...good, eventName: 'buy' }, { ...good, eventId: 'e-2' }, anonymous, anonymous],
    })
    await post(fake, { data: [good] }, { path: '/v1/2/events', headers: { authorization: 'Bearer token-2' } })
    expect(fake.oracle.total).toBe(7)
    // Twice the same, another name, another id, another tag, and two that nobody can tell apart.
    expect(fake.oracle.distinct).toBe(6)
    expect(fake.oracle.ids()).toEqual(['e-1', 'e-2'])
    expect(fake.oracle.timesAccepted('e-1')).toBe(4)
    expect(fake.oracle.timesAccepted('e-3')).toBe(0)
    expect(fake.oracle.duplicates()).toEqual({ 'e-1': 4 })
  })

  it('forgets old bodies, not counts', async () => {
    const fake = create({ keep: 10 })
    for (let n = 0; n < 100; n++) await post(fake, { data: [{ ...good, eventId: `e-${n}` }] })
    expect(fake.oracle).toMatchObject({ total: 100, distinct: 100 })
    expect(fake.oracle.accepted.length).toBeLessThanOrEqual(20)
    expect(fake.oracle.accepted.at(-1)!.event.eventId).toBe('e-99')
    expect(fake.requests.length).toBeLessThanOrEqual(2)
  })
})

describe('faults', () => {
  it('come in their order, as often as asked, and can be taken back', async () => {
    const fake = create()
    fake.inject({ kind: 'status', status: 500 }, 2)
    fake.inject({ kind: 'throttle', retryAfter: 3 })
    fake.inject({ kind: 'html' }, Number.POSITIVE_INFINITY)
    const ask = async () => {
      const request = new Request('https://capi.example/v1/1/events', { method: 'POST', body: '{}' })
      return (await fake.fetch(request)).status
    }
    expect([await ask(), await ask(), await ask(), await ask(), await ask()]).toEqual([500, 500, 429, 200, 200])
    fake.heal()
    expect(await ask()).toBe(401)
  })

  it.each([true, false])('hang until the client gives up (processed: %s)', async (processed) => {
    const fake = create()
    fake.inject({ kind: 'hang', processed })
    const abort = new AbortController()
    const request = new Request('https://capi.example/v1/1/events', {
      method: 'POST',
      headers: { authorization: 'Bearer token-1', 'content-type': 'application/json' },
      body: JSON.stringify({ data: [good] }),
      signal: abort.signal,
    })
    const answer = fake.fetch(request)
    abort.abort(new Error('enough'))
    await expect(answer).rejects.toThrow('enough')
    expect(fake.oracle.total).toBe(processed ? 1 : 0)
    expect(fake.requests[0]!.status).toBeUndefined()
  })
})

describe('the neighbours', () => {
  it('record ID-sync images in any case', async () => {
    const fake = create()
    const image = await fake.fetch(new Request('https://c.bing.example/c.gif?Red3=BACID_1&vid=v&UID=u'))
    expect(image.headers.get('content-type')).toBe('image/gif')
    await fake.fetch(new Request('https://c.bing.example/c.gif?Red3=BACID_1&VID=v'))
    expect(fake.idSyncs).toEqual([
      { Red3: 'BACID_1', VID: 'v', UID: 'u' },
      { Red3: 'BACID_1', VID: 'v' },
    ])
  })

  it.each<[Json | string, object, object]>([
    [{ UetTagId: '1' }, {}, { status: 200, body: { UetTagAuthKey: 'token-1', PartialErrors: [] } }],
    [{ UetTagId: 2 }, {}, { status: 200, body: { UetTagAuthKey: 'token-2' } }],
    [{ UetTagId: '9' }, {}, { status: 200, body: { UetTagAuthKey: null, PartialErrors: [{ Code: 5300 }] } }],
    ['x', {}, { status: 200, body: { UetTagAuthKey: null } }],
    [{ UetTagId: '1' }, { developertoken: '' }, { status: 401 }],
  ])("give a tag's token for %j", async (body, change, answer) => {
    const headers = { developertoken: 'd', customerid: '1', customeraccountid: '2', ...change }
    expect(await post(create(), body, { path: '/CampaignManagement/v13/UetTagAuthKey/Query', headers })).toMatchObject(
      answer,
    )
  })
})
