import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import type { ServerEvent } from '../../src/core/event.ts'
import { type ConsentInput, judgeConsent } from '../../src/relay/consent.ts'
import type { DoorName } from '../../src/relay/doors/door.ts'
import type { TagSettings } from '../../src/relay/settings.ts'
import { signRequest } from '../../src/relay/signature.ts'
import { browserBody, browserEvent, SERVER_KEY, type TestRelay, testRelay } from '../support/relay.ts'

type Rules = TagSettings['consent']
const event = (fields: object = {}): ServerEvent => ({ type: 'track', id: 'e', name: 'E', time: 1, ...fields })

describe('judgeConsent', () => {
  const table: [string, Partial<ConsentInput>, Partial<Rules>, string][] = [
    ['no signal', {}, {}, 'unknown none'],
    ['a grant', { event: event({ consent: 'granted' }) }, {}, 'granted event'],
    ['a denial', { event: event({ consent: 'denied' }) }, {}, 'denied event'],
    [
      "a denial against the operator's word",
      { event: event({ consent: 'denied' }), door: 'server' },
      { assume: 'granted' },
      'denied event',
    ],
    ["the operator's word, server", { door: 'server' }, { assume: 'granted' }, 'granted assume'],
    ["the operator's word, segment", { door: 'segment' }, { assume: 'granted' }, 'granted assume'],
    ["the operator's word, amplitude", { door: 'amplitude' }, { assume: 'granted' }, 'granted assume'],
    ["the operator's word, browser", { door: 'browser' }, { assume: 'granted' }, 'unknown none'],
    ["the operator's denial", { door: 'server' }, { assume: 'denied' }, 'denied assume'],
    ['a category', { preferences: { Ads: true } }, { category: 'Ads' }, 'granted category'],
    ['a refused category', { preferences: { Ads: false } }, { category: 'Ads' }, 'denied category'],
    ['a category that is missing', { preferences: {} }, { category: 'Ads' }, 'denied category'],
    ['a category that is odd', { preferences: { Ads: 'yes' } }, { category: 'Ads' }, 'denied category'],
    ['preferences that are none', { preferences: 'Ads' }, { category: 'Ads' }, 'denied category'],
    [
      'one of two categories',
      { preferences: { Ads: true, Data: false } },
      { category: ['Ads', 'Data'] },
      'denied category',
    ],
    ['both categories', { preferences: { Ads: true, Data: true } }, { category: ['Ads', 'Data'] }, 'granted category'],
    ['preferences, no category set', { preferences: { Ads: true } }, {}, 'unknown none'],
    [
      "no preferences, the operator's word",
      { door: 'segment' },
      { category: 'Ads', assume: 'granted' },
      'granted assume',
    ],
    [
      'a grant and a refused category',
      { event: event({ consent: 'granted' }), preferences: { Ads: false } },
      { category: 'Ads' },
      'denied category',
    ],
    [
      'a denial and a granted category',
      { event: event({ consent: 'denied' }), preferences: { Ads: true } },
      { category: 'Ads' },
      'denied event',
    ],
    [
      'a property',
      { event: event({ properties: { ads: ' Granted ' } }) },
      { property: 'properties.ads' },
      'granted property',
    ],
    [
      'a property that denies',
      { event: event({ properties: { ads: false } }) },
      { property: 'properties.ads' },
      'denied property',
    ],
    [
      'a property that is odd',
      { event: event({ properties: { ads: 1 } }) },
      { property: 'properties.ads' },
      'unknown none',
    ],
    ['GPC', { gpc: true }, {}, 'denied gpc'],
    ['GPC and a grant', { gpc: true, event: event({ consent: 'granted' }) }, {}, 'denied gpc'],
    [
      'GPC and a grant that wins',
      { gpc: true, event: event({ consent: 'granted' }) },
      { gpc: 'consent-wins' },
      'granted event',
    ],
    ['GPC and no grant that could win', { gpc: true }, { gpc: 'consent-wins' }, 'denied gpc'],
    ['GPC and a denial', { gpc: true, event: event({ consent: 'denied' }) }, { gpc: 'consent-wins' }, 'denied event'],
  ]
  it.each(table)('%s', (_, input, rules, expected) => {
    const { state, rule } = judgeConsent(
      { door: 'browser', event: event(), gpc: false, ...input },
      { gpc: 'deny', ...rules },
    )
    expect(`${state} ${rule}`).toBe(expected)
  })

  it('never grants what anything denies, nor without a grant', () => {
    const consent = fc.constantFrom('granted', 'denied', undefined)
    fc.assert(
      fc.property(
        fc.record({
          door: fc.constantFrom<DoorName>('browser', 'server', 'segment', 'amplitude'),
          consent,
          property: fc.oneof(consent, fc.jsonValue()),
          preferences: fc.oneof(fc.constant(undefined), fc.dictionary(fc.constantFrom('Ads', 'Other'), fc.jsonValue())),
          gpc: fc.boolean(),
          rules: fc.record(
            {
              category: fc.constantFrom('Ads', ['Ads', 'Other']),
              property: fc.constant('properties.ads'),
              assume: fc.constantFrom('granted' as const, 'denied' as const),
            },
            { requiredKeys: [] },
          ),
        }),
        ({ door, consent, property, preferences, gpc, rules }) => {
          const input = { door, event: event({ consent, properties: { ads: property } }), preferences, gpc }
          const { state } = judgeConsent(input, { gpc: 'deny', ...rules })
          const categories = rules.category === undefined ? [] : [rules.category].flat()
          const refused = preferences !== undefined && categories.some((name) => preferences[name] !== true)
          const says = rules.property !== undefined && property
          if (consent === 'denied' || gpc || refused || says === 'denied') expect(state).toBe('denied')
          const word = door !== 'browser' && rules.assume === 'granted'
          const yes = consent === 'granted' || says === 'granted' || says === true
          if (!yes && !word && !(preferences && categories.length)) expect(state).not.toBe('granted')
        },
      ),
    )
  })
})

describe('consent at the doors', () => {
  let relay: TestRelay
  afterEach(() => relay.close())
  const visitor = { anonymousId: '5c1e4f0acb6b11f0a1b20242ac120002' }
  const noConsent = () => relay.reports.flatMap((report) => (report.kind === 'no-consent' ? [report.rule] : []))

  it.each([
    ['denied', { consent: 'denied' }, {}, 'consent_denied', 'event'],
    ['unknown', { consent: undefined }, {}, 'consent_unknown', 'none'],
    ['GPC', {}, { 'sec-gpc': '1' }, 'consent_denied', 'gpc'],
    ['GPC among several', {}, { 'sec-gpc': '0, 1' }, 'consent_denied', 'gpc'],
  ])('%s: not accepted, not stored, only counted', async (_, fields, headers, code, rule) => {
    relay = testRelay()
    const { status, json } = await relay.post('/v1/e', browserBody(browserEvent(fields)), headers)
    expect([status, json.accepted, json.rejected[0].code]).toEqual([400, 0, code])
    expect(await relay.outbox.counts()).toEqual([])
    expect(noConsent()).toEqual([rule])
  })

  it.each(['0', 'true', '', '11', '1.0'])('a Sec-GPC of "%s" is none', async (value) => {
    relay = testRelay()
    expect((await relay.post('/v1/e', browserBody(browserEvent()), { 'sec-gpc': value })).status).toBe(202)
  })

  it('lets an explicit grant win over GPC where the tag says so', async () => {
    relay = testRelay({ tag: { consent: { gpc: 'consent-wins' } } })
    expect((await relay.post('/v1/e', browserBody(browserEvent()), { 'sec-gpc': '1' })).status).toBe(202)
    expect((await relay.waiting())[0]!.adStorageConsent).toBe('G')
  })

  it('deletes on withdrawal what still waits of the visitor, and nothing of others', async () => {
    relay = testRelay()
    const other = browserEvent({ user: { anonymousId: 'somebody-else' } })
    await relay.post('/v1/e', browserBody(browserEvent(), browserEvent(), other))
    const withdrawal = { type: 'consent', consent: 'denied', user: visitor }
    const { status, json } = await relay.post('/v1/e', browserBody(withdrawal))
    expect([status, json]).toEqual([202, { accepted: 0, rejected: [], withdrawn: 1 }])
    expect((await relay.waiting()).map(({ eventId }) => eventId)).toEqual([other.id])
    expect(await relay.outbox.counts()).toMatchObject([{ accepted: 3, withdrawn: 2 }])
    expect(relay.reports).toContainEqual({ kind: 'withdrawn', tagId: '97247724', events: 2 })
  })

  it('takes a denied event for a withdrawal too, whichever identifier it carries', async () => {
    relay = testRelay({ tag: { consent: { category: 'Ads' } } })
    const post = async (events: object[]) => {
      const body = browserBody(...events)
      return relay.post('/v1/server', body, await signRequest(SERVER_KEY, JSON.stringify(body), relay.clock.now))
    }
    await post([
      browserEvent({ user: { email: 'john@contoso.com' } }),
      browserEvent({ user: { userId: '7' } }),
      browserEvent(),
    ])
    await post([browserEvent({ consent: 'denied', user: { email: ' John@Contoso.com' } })])
    await post([browserEvent({ consent: 'denied', user: { userId: '7' } })])
    expect(await relay.waiting()).toHaveLength(1)
  })

  it('keeps the order of a request: what came before a withdrawal goes, what comes after stays', async () => {
    relay = testRelay()
    const [before, after] = [browserEvent(), browserEvent()]
    const { json } = await relay.post('/v1/e', browserBody(before, browserEvent({ consent: 'denied' }), after))
    expect([json.accepted, json.rejected.map(({ index }: { index: number }) => index)]).toEqual([1, [0, 1]])
    expect((await relay.waiting()).map(({ eventId }) => eventId)).toEqual([after.id])
  })

  it.each([
    ['GPC', { 'sec-gpc': '1' }, browserEvent()],
    ['no word at all', {}, browserEvent({ consent: undefined })],
    ['a denial of nobody', {}, browserEvent({ consent: 'denied', user: undefined })],
  ])('%s withdraws nothing', async (_, headers, event) => {
    relay = testRelay()
    await relay.post('/v1/e', browserBody(browserEvent()))
    await relay.post('/v1/e', browserBody(event), headers)
    expect(await relay.waiting()).toHaveLength(1)
  })

  it("reads a withdrawal from Segment's change of consent", async () => {
    relay = testRelay({ tag: { consent: { category: 'Ads' } } })
    const headers = { authorization: `Basic ${btoa(`${SERVER_KEY}:`)}` }
    const message = (event: string, Ads: boolean) => ({
      event,
      messageId: event,
      anonymousId: visitor.anonymousId,
      context: { consent: { categoryPreferences: { Ads } } },
    })
    await relay.post('/v1/track', message('Signed Up', true), headers)
    expect(await relay.waiting()).toHaveLength(1)
    relay.clock.now += 10
    const { json } = await relay.post('/v1/track', message('Segment Consent Preference Updated', false), headers)
    expect(json).toEqual({ success: true, accepted: 0, rejected: [], withdrawn: 1 })
    expect(await relay.waiting()).toHaveLength(0)
  })

  it('answers a grant without an event with nothing to do', async () => {
    relay = testRelay()
    const { status, json } = await relay.post(
      '/v1/e',
      browserBody({ type: 'consent', consent: 'granted', user: visitor }),
    )
    expect([status, json]).toEqual([202, { accepted: 0, rejected: [], ignored: 1 }])
  })
})
