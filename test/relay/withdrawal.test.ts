import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { memoryOutbox } from '../../src/relay/outbox/memory.ts'
import type { Outbox } from '../../src/relay/outbox/outbox.ts'
import { sqliteOutbox } from '../../src/relay/outbox/sqlite.ts'
import { createRelay } from '../../src/relay/relay.ts'
import { signRequest } from '../../src/relay/signature.ts'
import { browserBody, browserEvent, ORIGIN, SERVER_KEY, TAG, type TestRelay, testRelay } from '../support/relay.ts'

const SHA = 'c4d25e9c90ff23e9145397bc6fbd5385ca5fbe78211222ccbecd0b369ebb19a6'
const CLICK_ID = '292049a17e2413e3a4081719e839afe6'

/** What a browser sends when its visitor withdraws. */
const withdrawal = (user?: object) => ({ type: 'consent', consent: 'denied', user })
const eventOf = (user: object) => browserEvent({ user })

let relay: TestRelay | undefined
afterEach(() => relay?.close())

/** Everything accepted is somewhere. */
async function expectBalance(outbox: Outbox) {
  for (const { accepted, duplicates, delivered, withdrawn, purged, waiting, leased, dead } of await outbox.counts()) {
    expect(duplicates + delivered + withdrawn + purged + waiting + leased + dead).toBe(accepted)
  }
}

describe('a withdrawal', () => {
  it.each<[string, object, object]>([
    ['the anonymous id', { anonymousId: 'visitor-1' }, { anonymousId: 'visitor-1' }],
    ['the click id', { anonymousId: 'visitor-1', msclkid: CLICK_ID }, { msclkid: CLICK_ID }],
    ['a user id, which is stored hashed', { externalId: 'customer-7' }, { externalId: 'customer-7' }],
    ['a hashed user id', { externalId: SHA }, { externalId: SHA }],
    ['a hashed e-mail', { anonymousId: 'visitor-1', em: SHA }, { em: SHA.toUpperCase() }],
    ['a hashed phone', { anonymousId: 'visitor-1', ph: SHA }, { ph: SHA }],
    ['one of several ids', { anonymousId: 'new-id', msclkid: CLICK_ID }, { anonymousId: 'old-id', msclkid: CLICK_ID }],
  ])('finds events by %s, and no others', async (_, user, withdrawn) => {
    relay = testRelay()
    const other = eventOf({ anonymousId: 'somebody-else', externalId: 'customer-8' })
    await relay.post('/v1/e', browserBody(eventOf(user), other, eventOf(user)))
    const { status, json } = await relay.post('/v1/e', browserBody(withdrawal(withdrawn)))
    expect([status, json]).toEqual([202, { accepted: 0, rejected: [], withdrawn: 1 }])
    expect(await relay.outbox.counts()).toMatchObject([{ accepted: 3, withdrawn: 2, waiting: 1 }])
    expect((await relay.waiting()).map(({ eventId }) => eventId)).toEqual([other.id])
    await expectBalance(relay.outbox)
  })

  it('finds a click id that came in the address of the page', async () => {
    relay = testRelay()
    const url = `https://shop.example/?msclkid=${CLICK_ID}`
    await relay.post('/v1/e', browserBody(browserEvent({ page: { url }, user: undefined })))
    await relay.post('/v1/e', browserBody(withdrawal({ msclkid: CLICK_ID })))
    expect(await relay.waiting()).toEqual([])
  })

  it('finds identifiers that a rule reads from elsewhere, whichever rule took the event', async () => {
    const map = { 'userData.externalId': 'user.anonymousId', 'customData.eventLabel': 'name' }
    const always = { 'userData.externalId': { const: 'everybody' } }
    const rules = [
      { event: 'Signed Up', map },
      { event: '*', map: always },
    ]
    relay = testRelay({ tag: { stream: { rules } } })
    const id = '5c1e4f0acb6b11f0a1b20242ac120002'
    await relay.post(
      '/v1/e',
      browserBody(
        browserEvent({ name: 'Signed Up', user: { anonymousId: id } }),
        browserEvent({ user: { anonymousId: id } }),
        browserEvent({ user: { anonymousId: 'somebody-else' } }),
      ),
    )
    await relay.post('/v1/e', browserBody(withdrawal({ anonymousId: id })))
    expect((await relay.waiting()).map(({ userData }) => userData.anonymousId)).toEqual(['somebody-else'])
  })

  it('of several visitors in one request is carried out for each', async () => {
    relay = testRelay()
    await relay.post('/v1/e', browserBody(...['a', 'b', 'c'].map((id) => eventOf({ anonymousId: `visitor-${id}` }))))
    const two = ['a', 'b'].map((id) => withdrawal({ anonymousId: `visitor-${id}` }))
    expect((await relay.post('/v1/e', browserBody(...two))).json.withdrawn).toBe(2)
    expect((await relay.waiting()).map(({ userData }) => userData.anonymousId)).toEqual(['visitor-c'])
  })

  it('reaches every tag of the key', async () => {
    relay = testRelay({ tags: ['111111', '222222'].map((id) => ({ ...TAG, id })) })
    await relay.post('/v1/e', browserBody(eventOf({ anonymousId: 'visitor-1' })))
    await relay.post('/v1/e', browserBody(withdrawal({ anonymousId: 'visitor-1' })))
    expect(await relay.outbox.counts()).toMatchObject([
      { tagId: '111111', withdrawn: 1, waiting: 0 },
      { tagId: '222222', withdrawn: 1, waiting: 0 },
    ])
  })

  it('finds what a backend said in the clear', async () => {
    relay = testRelay({ tag: { defaultCountry: 'GB' } })
    const post = async (...events: object[]) => {
      const body = browserBody(...events)
      const headers = await signRequest(SERVER_KEY, JSON.stringify(body), relay!.clock.now)
      return relay!.post('/v1/server', body, headers)
    }
    await post(eventOf({ userId: '7', anonymousId: 'a' }), eventOf({ email: 'Jane@example.com', anonymousId: 'b' }))
    await post(eventOf({ phone: '020 7183 8750', anonymousId: 'c' }), eventOf({ userId: '8' }))
    for (const user of [{ userId: '7' }, { email: 'jane@example.com' }, { phone: '+442071838750' }]) {
      expect((await post(withdrawal(user))).json.withdrawn).toBe(1)
    }
    expect(await relay.outbox.counts()).toMatchObject([{ withdrawn: 3, waiting: 1 }])
  })

  it('needs no grant, stands above Global Privacy Control, and stores nothing', async () => {
    relay = testRelay()
    for (let time = 0; time < 2; time += 1) {
      const body = browserBody(withdrawal({ anonymousId: 'visitor-1' }))
      const { status, json } = await relay.post('/v1/e', body, { 'sec-gpc': '1' })
      // Whether anything waited is nobody's business.
      expect([status, json]).toEqual([202, { accepted: 0, rejected: [], withdrawn: 1 }])
    }
    expect(await relay.outbox.counts()).toEqual([])
    expect(JSON.stringify(relay.reports)).not.toContain('visitor-1')
  })

  it('of an unknown visitor changes nothing', async () => {
    relay = testRelay()
    await relay.post('/v1/e', browserBody(eventOf({ anonymousId: 'visitor-1' })))
    expect((await relay.post('/v1/e', browserBody(withdrawal({ anonymousId: 'visitor-2' })))).status).toBe(202)
    expect(await relay.outbox.counts()).toMatchObject([{ accepted: 1, withdrawn: 0, waiting: 1 }])
  })

  it.each([
    ['nobody', undefined],
    ['an empty id', { anonymousId: '' }],
    ['a click id that is none', { msclkid: 'x' }],
  ])('of %s is refused, because nothing can be done', async (_, user) => {
    relay = testRelay()
    const { status, json } = await relay.post('/v1/e', browserBody(withdrawal(user)))
    expect([status, json.rejected[0].code]).toEqual([400, 'no_identifier'])
  })

  it.each<[string, object, Record<string, string>, number]>([
    ['a wrong key', { key: 'pk_other' }, {}, 401],
    ['another origin', {}, { origin: 'https://evil.example' }, 403],
    ['no origin', {}, { origin: 'null' }, 403],
  ])('with %s is refused, and deletes nothing', async (_, fields, headers, status) => {
    relay = testRelay()
    await relay.post('/v1/e', browserBody(eventOf({ anonymousId: 'visitor-1' })))
    const body = { ...browserBody(withdrawal({ anonymousId: 'visitor-1' })), ...fields }
    expect((await relay.post('/v1/e', body, headers)).status).toBe(status)
    expect(await relay.waiting()).toHaveLength(1)
  })
})

describe.each<[string, (folder: string) => Outbox]>([
  ['memory', () => memoryOutbox()],
  ['SQLite', (folder) => sqliteOutbox(join(folder, 'relay.db'))],
])('a withdrawal while events are on their way, %s', (_, open) => {
  it.each([
    ['fails', 503],
    ['arrives', 200],
  ])('does not send them again when their sending %s', async (__, status) => {
    const folder = mkdtempSync(join(tmpdir(), 'uetkit-withdrawal-'))
    const outbox = open(folder)
    let answer: (response: Response) => void = () => {}
    const sent: string[] = []
    const own = createRelay({
      tags: [TAG],
      outbox,
      fetch: async (request) => {
        sent.push(await request.text())
        return new Promise((resolve) => (answer = resolve))
      },
    })
    const post = (...events: object[]) =>
      own.fetch(
        new Request('https://relay.example/v1/e', {
          method: 'POST',
          headers: { origin: ORIGIN, 'content-type': 'text/plain' },
          body: JSON.stringify({ ...browserBody(...events), sentAt: Date.now() }),
        }),
      )
    try {
      await post(browserEvent({ time: Date.now(), user: { anonymousId: 'visitor-1' } }))
      await vi.waitFor(() => expect(sent).toHaveLength(1), 5_000)
      expect((await post(withdrawal({ anonymousId: 'visitor-1' }))).status).toBe(202)
      expect(await outbox.counts()).toMatchObject([{ accepted: 1, withdrawn: 1, waiting: 0, leased: 0 }])
      answer(new Response(status === 200 ? '{"eventsReceived":1}' : '', { status }))
      await vi.waitFor(() => expect(own.courier.lanes()).toMatchObject([{ inFlight: 0 }]), 5_000)
      own.courier.resume()
      await post(browserEvent({ time: Date.now(), user: { anonymousId: 'visitor-2' } }))
      await vi.waitFor(() => expect(sent).toHaveLength(2), 5_000)
      expect(sent[1]).not.toContain('visitor-1')
      await expectBalance(outbox)
    } finally {
      answer(new Response('', { status: 500 }))
      await own.close({ deadlineMs: 0 })
      rmSync(folder, { recursive: true })
    }
  })
})
