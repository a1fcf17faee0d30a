import { afterEach, describe, expect, it } from 'vitest'
import { signRequest } from '../../../src/relay/signature.ts'
import { browserBody, browserEvent, NOW, SERVER_KEY, TAG, type TestRelay, testRelay } from '../../support/relay.ts'

let relay: TestRelay
afterEach(() => relay.close())

const serverEvent = (fields: object = {}) =>
  browserEvent({
    user: {
      userId: 'customer-7',
      email: ' Jane.Doe+News@Example.COM ',
      phone: '(425) 555-1234',
      ipAddress: '198.51.100.9',
      userAgent: 'Shop/1',
    },
    ...fields,
  })
const sign = async (body: object, { key = SERVER_KEY, at = NOW } = {}) => signRequest(key, JSON.stringify(body), at)
const send = async (body: object, options = {}) => relay.post('/v1/server', body, await sign(body, options))

describe('POST /v1/server', () => {
  it('stores what a signed backend sends, with users hashed and no address of the backend', async () => {
    relay = testRelay({ tag: { defaultCountry: 'US' } })
    const { status, json } = await send(browserBody(serverEvent({ id: 'order-1' })))
    expect([status, json]).toEqual([202, { accepted: 1, rejected: [] }])
    const [event] = await relay.waiting()
    expect(event).toMatchObject({
      eventId: 'order-1',
      adStorageConsent: 'G',
      userData: {
        em: 'c4d25e9c90ff23e9145397bc6fbd5385ca5fbe78211222ccbecd0b369ebb19a6',
        ph: 'c59475d96e9f01d7d18d06cfad84dd02333207f02c0c2c5663ef2782cda0390e',
        externalId: expect.stringMatching(/^[0-9a-f]{64}$/),
        clientIpAddress: '198.51.100.9',
        clientUserAgent: 'Shop/1',
      },
    })
    expect(JSON.stringify(event)).not.toMatch(/jane|customer-7|203\.0\.113\.7/i)
  })

  it('takes a thousand events at once, and no more', async () => {
    relay = testRelay()
    const events = (count: number) => browserBody(...Array.from({ length: count }, () => browserEvent()))
    expect((await send(events(1_000))).json).toEqual({ accepted: 1_000, rejected: [] })
    expect((await send(events(1_001))).json.error.code).toBe('too_many_events')
  })

  const body = browserBody(browserEvent())
  it.each<[string, () => Promise<Record<string, string>>, string]>([
    ['no signature', async () => ({}), 'signature_missing'],
    ['no timestamp', async () => ({ ...(await sign(body)), 'x-uetkit-timestamp': '' }), 'signature_missing'],
    ['another form', async () => ({ ...(await sign(body)), 'x-uetkit-signature': 'md5=00' }), 'signature_missing'],
    ['a wrong key', () => sign(body, { key: 'other' }), 'signature_wrong'],
    ['the public key', () => sign(body, { key: 'pk_shop' }), 'signature_wrong'],
    ['another body', () => sign(browserBody(browserEvent())), 'signature_wrong'],
    [
      'another time',
      async () => ({ ...(await sign(body)), 'x-uetkit-timestamp': `${NOW / 1000 - 1}` }),
      'signature_wrong',
    ],
    ['a time that is past', () => sign(body, { at: NOW - 301_000 }), 'signature_expired'],
    ['a time that is to come', () => sign(body, { at: NOW + 301_000 }), 'signature_expired'],
    ['milliseconds', async () => ({ ...(await sign(body)), 'x-uetkit-timestamp': `${NOW}` }), 'signature_expired'],
  ])('refuses %s', async (_, headers, code) => {
    relay = testRelay()
    const { status, json } = await relay.post('/v1/server', body, await headers())
    expect([status, json.error.code]).toEqual([401, code])
    expect(await relay.waiting()).toEqual([])
  })

  it.each([-299_000, 299_000])('bears a clock that is %d ms off', async (off) => {
    relay = testRelay()
    expect((await send(browserBody(browserEvent()), { at: NOW + off })).status).toBe(202)
  })

  it("needs the event's own consent, a category, a property, or the operator's word", async () => {
    relay = testRelay()
    const { status, json } = await send(browserBody(browserEvent({ consent: undefined })))
    expect([status, json.rejected[0].code]).toEqual([400, 'consent_unknown'])
    await relay.close()
    relay = testRelay({ tag: { consent: { assume: 'granted' } } })
    expect((await send(browserBody(browserEvent({ consent: undefined })))).status).toBe(202)
  })

  it('is closed for a tag without a server key', async () => {
    relay = testRelay({ tag: { serverKey: undefined } })
    expect((await send(body)).json.error.code).toBe('signature_wrong')
  })

  it('keeps to the tags of the key that signed', async () => {
    relay = testRelay({
      tags: [
        { ...TAG, id: '111111', key: 'a', serverKey: 'server-a' },
        { ...TAG, id: '222222', key: 'b', serverKey: 'server-b' },
      ],
    })
    const at = async (key: string | undefined, serverKey: string) =>
      (await send({ ...browserBody(browserEvent()), key }, { key: serverKey })).status
    expect(await at(undefined, 'server-b')).toBe(202)
    expect(await at('b', 'server-b')).toBe(202)
    expect(await at('a', 'server-b')).toBe(401)
    expect([(await relay.waiting('111111')).length, (await relay.waiting('222222')).length]).toEqual([0, 2])
  })

  it('follows a server key that is replaced', async () => {
    let serverKey = 'before'
    relay = testRelay({ tag: { serverKey: () => serverKey } })
    serverKey = 'after'
    expect((await send(browserBody(browserEvent()), { key: 'before' })).status).toBe(401)
    expect((await send(browserBody(browserEvent()), { key: 'after' })).status).toBe(202)
  })
})
