import { afterEach, describe, expect, it } from 'vitest'
import type { TagInput } from '../../src/relay/settings.ts'
import { type OrderTicket, signRequest, signTicket } from '../../src/relay/signature.ts'
import { browserBody, browserEvent, NOW, SERVER_KEY, type TestRelay, testRelay } from '../support/relay.ts'

let relay: TestRelay
afterEach(() => relay.close())

const answer = async (browser: TagInput['browser'], event: object) => {
  relay = testRelay({ tag: { browser } })
  const { json } = await relay.post('/v1/e', browserBody(event))
  return json.rejected[0]?.code ?? 'accepted'
}
const worth = (value: number, currency = 'EUR') =>
  browserEvent({ conversion: { action: 'track', label: 'Order Completed', value, currency }, properties: {} })

describe('what a browser may claim', () => {
  it.each<[string, TagInput['browser'], object, string]>([
    ['anything by default', undefined, worth(1e6), 'accepted'],
    ['a listed event', { events: ['Order Completed'] }, browserEvent(), 'accepted'],
    ['another event', { events: ['Signed Up'] }, browserEvent(), 'event_not_allowed'],
    ['a page by its type', { events: ['page'] }, browserEvent({ type: 'page', name: undefined }), 'accepted'],
    ['a value within', { maxValue: 500 }, worth(500), 'accepted'],
    ['a value above', { maxValue: 500 }, worth(500.01), 'value_not_allowed'],
    [
      'a value above, beside the conversion',
      { maxValue: 500 },
      browserEvent({ properties: { total: 501 } }),
      'value_not_allowed',
    ],
    ['a listed currency', { currencies: ['EUR'] }, worth(1), 'accepted'],
    ['another currency', { currencies: ['EUR'] }, worth(1, 'USD'), 'currency_not_allowed'],
    [
      'an event that needs no ticket',
      { ticketFor: ['Order Completed'] },
      browserEvent({ name: 'Signed Up' }),
      'accepted',
    ],
    ['an order without a ticket', { ticketFor: ['Order Completed'] }, browserEvent(), 'ticket_missing'],
    [
      'a ticket that is no text',
      { ticketFor: ['Order Completed'] },
      browserEvent({ properties: { ticket: {} } }),
      'ticket_wrong',
    ],
    [
      'a ticket that is none',
      { ticketFor: ['Order Completed'] },
      browserEvent({ properties: { ticket: 'a.b' } }),
      'ticket_wrong',
    ],
  ])('%s', async (_, browser, event, expected) => {
    expect(await answer(browser, event)).toBe(expected)
  })

  const ticket: OrderTicket = { id: 'order-1', value: 25, currency: 'EUR', expires: NOW / 1000 + 600 }
  const order = async (made: Partial<OrderTicket> = {}, key = SERVER_KEY) =>
    browserEvent({ id: 'order-1', properties: { ticket: await signTicket(key, { ...ticket, ...made }) } })
  it.each<[string, () => Promise<object>, string]>([
    ['the right ticket', () => order(), 'accepted'],
    ['a ticket signed by another', () => order({}, 'other-key'), 'ticket_wrong'],
    ['a ticket that has expired', () => order({ expires: NOW / 1000 }), 'ticket_wrong'],
    ['a ticket of another order', () => order({ id: 'order-2' }), 'ticket_wrong'],
    ['a ticket of another value', () => order({ value: 26 }), 'ticket_wrong'],
    ['a ticket of another currency', () => order({ currency: 'USD' }), 'ticket_wrong'],
    [
      'an altered ticket',
      async () => {
        const [payload, signature] = (await signTicket(SERVER_KEY, ticket)).split('.')
        const altered = btoa(atob(payload!).replace('25', '99')).replace(/=+$/, '')
        return browserEvent({ id: 'order-1', properties: { ticket: `${altered}.${signature}` } })
      },
      'ticket_wrong',
    ],
  ])('an order with %s', async (_, event, expected) => {
    expect(await answer({ ticketFor: ['Order Completed'] }, await event())).toBe(expected)
  })

  it('counts a ticket once, however often it is shown', async () => {
    relay = testRelay({ tag: { browser: { ticketFor: ['Order Completed'] } } })
    for (let time = 0; time < 3; time++) await relay.post('/v1/e', browserBody(await order()))
    expect(await relay.waiting()).toHaveLength(1)
  })

  it('does not bind a backend that signs', async () => {
    relay = testRelay({ tag: { browser: { events: [], maxValue: 1, ticketFor: ['Order Completed'] } } })
    const body = browserBody(browserEvent())
    expect(
      (await relay.post('/v1/server', body, await signRequest(SERVER_KEY, JSON.stringify(body), NOW))).status,
    ).toBe(202)
  })
})
