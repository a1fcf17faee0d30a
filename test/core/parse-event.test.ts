import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EVENT_LIMITS, parseEvent, parseServerEvent } from '../../src/core/parse-event.ts'

const SHA = 'c4d25e9c90ff23e9145397bc6fbd5385ca5fbe78211222ccbecd0b369ebb19a6'
const minimal = { type: 'track', id: 'e-1', name: 'Order Completed', time: 1_764_000_000_000 }
const full = {
  ...minimal,
  consent: 'granted',
  page: { loadId: 'uuid', url: 'https://shop.example/thanks', referrer: '', title: 'Thanks' },
  conversion: { action: 'track', label: 'Order Completed', category: 'tools', value: 25, currency: 'EUR' },
  properties: { category: 'tools', revenue: 25, products: [{ sku: 'a', price: 1.5, tags: ['x', null, true] }] },
  user: { anonymousId: 'a1', externalId: 'x', em: SHA, ph: SHA, msclkid: 'ab' },
}

const faultsOf = (input: unknown) => (parseEvent(input).faults ?? []).map(({ path, code }) => `${path} ${code}`)
const nested = (levels: number): unknown => (levels ? { deeper: nested(levels - 1) } : 1)
const json = (text: string) => JSON.parse(text) as object

describe('parseEvent', () => {
  it.each([
    ['the smallest event', minimal],
    ['a whole event', full],
    ['a page without a name', { type: 'page', id: 'p', time: 1 }],
    ['the deepest properties', { ...minimal, properties: nested(EVENT_LIMITS.depth) }],
  ])('keeps %s as it is', (_, input) => {
    expect(parseEvent(input)).toEqual({ event: input })
  })

  it.each([
    ['unknown fields', { ...minimal, extra: 1, page: { path: '/' } }, { ...minimal, page: {} }],
    ['null fields', { ...minimal, page: null, consent: null, user: { em: null } }, { ...minimal, user: {} }],
    ['invisible characters', { ...minimal, name: ' Order\u202e\u0000 Completed\n' }, minimal],
    ['half a surrogate pair', { ...minimal, name: 'a\ud800' }, { ...minimal, name: 'a\ufffd' }],
    ['parts of milliseconds', { ...minimal, time: 1.9 }, { ...minimal, time: 1 }],
    ['consent in any case', { ...minimal, consent: ' Granted' }, { ...minimal, consent: 'granted' }],
    [
      'an endless title',
      { ...minimal, page: { title: 'x'.repeat(60_000) } },
      { ...minimal, page: { title: 'x'.repeat(512) } },
    ],
    [
      'what JSON cannot hold',
      { ...minimal, properties: { a: undefined, b: () => 1, c: Number.NaN, d: [undefined, 1], e: new Map() } },
      { ...minimal, properties: { c: null, d: [null, 1] } },
    ],
  ])('tidies %s', (_, input, event) => {
    expect(parseEvent(input)).toEqual({ event })
  })

  it.each([
    ['nothing', undefined, [' type']],
    ['a list', [minimal], [' type']],
    ['a text', 'event', [' type']],
    ['an empty object', {}, ['type missing', 'id missing', 'name missing', 'time missing']],
    ['another type', { ...minimal, type: 'identify' }, ['type value']],
    ['a numeric id', { ...minimal, id: 7 }, ['id type']],
    ['a blank id', { ...minimal, id: ' ' }, ['id missing']],
    ['an id with a line end', { ...minimal, id: 'a\nb' }, ['id value']],
    ['a long id', { ...minimal, id: 'x'.repeat(513) }, ['id too_long']],
    ['a text as time', { ...minimal, time: '2026-01-01' }, ['time value']],
    ['a time before 1970', { ...minimal, time: -1 }, ['time value']],
    ['a part of the first millisecond', { ...minimal, time: 0.5 }, ['time value']],
    ['odd consent', { ...minimal, consent: 'yes' }, ['consent value']],
    ['a long URL', { ...minimal, page: { url: 'x'.repeat(4_097) } }, ['page.url too_long']],
    ['a page that is a text', { ...minimal, page: '/thanks' }, ['page type']],
    ['a conversion without action', { ...minimal, conversion: {} }, ['conversion.action missing']],
    ['a negative value', { ...minimal, conversion: { action: 'track', value: -1 } }, ['conversion.value value']],
    ['a value as text', { ...minimal, conversion: { action: 'track', value: '1' } }, ['conversion.value value']],
    ['an e-mail address in the clear', { ...minimal, user: { em: 'jane@example.com' } }, ['user.em value']],
    ['properties too deep', { ...minimal, properties: nested(EVENT_LIMITS.depth + 1) }, ['properties too_deep']],
    ['a huge text', { ...minimal, properties: { a: 'x'.repeat(8_193) } }, ['properties.a too_long']],
    [
      'a wide object',
      { ...minimal, properties: { a: Object.fromEntries(range(251).map((n) => [`k${n}`, n])) } },
      ['properties.a too_many'],
    ],
    ['a long list', { ...minimal, properties: { a: range(251) } }, ['properties.a too_many']],
    ['too many values', { ...minimal, properties: { a: range(100).map(() => range(100)) } }, ['properties too_many']],
    [
      '__proto__ in properties',
      { ...minimal, properties: json('{"a":{"__proto__":{"x":1}}}') },
      ['properties.a forbidden_key'],
    ],
    ['constructor in properties', { ...minimal, properties: { constructor: 1 } }, ['properties forbidden_key']],
    ['__proto__ in the event', json('{"__proto__":{"type":"track"}}'), [' forbidden_key']],
    ['__proto__ in the user', { ...minimal, user: json('{"__proto__":1}') }, ['user forbidden_key']],
  ])('refuses %s', (_, input, faults) => {
    expect(faultsOf(input)).toEqual(faults)
  })

  it('takes from a server what it does not take from a browser', () => {
    const server = {
      userId: '7',
      email: 'jane@example.com',
      em: 'jane@example.com',
      phone: '+14255551234',
      idfa: 'i',
      gaid: 'g',
      ipAddress: '203.0.113.7',
      userAgent: 'x',
    }
    expect(parseServerEvent({ ...minimal, user: server }).event?.user).toEqual(server)
    expect(parseEvent({ ...minimal, user: { ...server, em: undefined } }).event?.user).toEqual({})
  })

  it('never repeats a value in a fault', () => {
    const canary = 'c4nary@example.com'
    const { faults } = parseEvent({
      type: canary,
      id: [canary],
      name: { canary },
      time: canary,
      consent: canary,
      page: canary,
      conversion: { action: 1, value: canary },
      user: { em: canary },
      properties: { a: canary.repeat(1_000) },
    })
    expect(faults!.length).toBeGreaterThan(5)
    expect(JSON.stringify(faults)).not.toContain('c4nary')
  })

  it('takes any JSON: an event within the limits, or faults, and nothing of any prototype', () => {
    const anything = fc.oneof(
      fc.jsonValue({ maxDepth: 9 }),
      fc.record(
        {
          type: fc.constantFrom('page', 'track', 1),
          id: fc.oneof(fc.string(), fc.jsonValue()),
          name: fc.oneof(fc.string(), fc.jsonValue()),
          time: fc.oneof(fc.integer(), fc.double(), fc.jsonValue()),
          consent: fc.oneof(fc.constantFrom('granted', 'denied', true), fc.jsonValue()),
          page: fc.jsonValue(),
          user: fc.oneof(
            fc.jsonValue(),
            fc.dictionary(fc.constantFrom('em', 'anonymousId', '__proto__'), fc.jsonValue()),
          ),
          conversion: fc.oneof(fc.jsonValue(), fc.record({ action: fc.string(), value: fc.jsonValue() })),
          properties: fc.oneof(fc.jsonValue({ maxDepth: 9 }), fc.object({ withNullPrototype: true, maxDepth: 9 })),
        },
        { requiredKeys: [] },
      ),
    )
    fc.assert(
      fc.property(anything, (input) => {
        const { event, faults } = parseEvent(JSON.parse(JSON.stringify(input)))
        if (faults) {
          expect(faults.length).toBeGreaterThan(0)
          return
        }
        expect(event.id.length * event.time).toBeGreaterThan(0)
        expect(parseEvent(JSON.parse(JSON.stringify(event)))).toEqual({ event })
        walk(event)
      }),
      { numRuns: 500 },
    )
    expect(({} as Record<string, unknown>).x).toBeUndefined()
  })
})

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index)
}

function walk(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value)) expect(Object.getPrototypeOf(value)).toBeNull()
  Object.values(value).forEach(walk)
}
