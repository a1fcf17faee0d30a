import { describe, expect, it } from 'vitest'
import {
  type ConsentDecision,
  type ConsentSignal,
  categorySignal,
  decideConsent,
  parseConsent,
  parseDefault,
  startConsent,
  stricter,
} from '../../src/core/consent.ts'

const odd = [
  '',
  'yes',
  'no',
  'true',
  'false',
  'grant',
  'granted!',
  1,
  0,
  Number.NaN,
  null,
  undefined,
  {},
  [],
  ['granted'],
]

describe('parseConsent', () => {
  it.each([
    ['granted', 'granted'],
    ['GRANTED', 'granted'],
    [' Granted\n', 'granted'],
    [true, 'granted'],
    ['denied', 'denied'],
    [' Denied', 'denied'],
    [false, 'denied'],
  ])('reads %j as %s', (value, state) => {
    expect(parseConsent(value)).toBe(state)
  })

  it.each(odd)('takes %j for no signal', (value) => {
    expect(parseConsent(value)).toBeUndefined()
  })
})

describe('parseDefault', () => {
  it.each(['granted', 'GRANTED', ' Granted ', true, 'ALLOWED', 'allowed', ' Allowed '])('grants for %j', (value) => {
    expect(parseDefault(value)).toBe('granted')
  })

  it.each(['denied', 'DENIED', ' denied ', false, 'DISALLOWED', 'allow', ...odd])('denies for %j', (value) => {
    expect(parseDefault(value)).toBe('denied')
  })
})

describe('categorySignal', () => {
  it.each<[preferences: unknown, categories: string[], state: string | undefined]>([
    [{ Advertising: true }, ['Advertising'], 'granted'],
    [{ Advertising: false }, ['Advertising'], 'denied'],
    [{ Advertising: true, Analytics: false }, ['Advertising'], 'granted'],
    [{ Advertising: true, Analytics: false }, ['Advertising', 'Analytics'], 'denied'],
    [{ Advertising: true, Analytics: true }, ['Advertising', 'Analytics'], 'granted'],
    // A tool that states preferences states all: a category that is missing, renamed or otherwise written is refused.
    [{}, ['Advertising'], 'denied'],
    [{ Marketing: true }, ['Advertising'], 'denied'],
    [{ advertising: true }, ['Advertising'], 'denied'],
    [{ 'Advertising ': true }, ['Advertising'], 'denied'],
    [Object.create({ Advertising: true }), ['Advertising'], 'denied'],
    [{ Advertising: true }, ['constructor'], 'denied'],
    // Odd values are no signal, unless another category refuses.
    [{ Advertising: 'true' }, ['Advertising'], undefined],
    [{ Advertising: 1 }, ['Advertising'], undefined],
    [{ Advertising: null }, ['Advertising'], undefined],
    [{ Advertising: 'odd', Analytics: false }, ['Advertising', 'Analytics'], 'denied'],
    [{ Advertising: 'odd', Analytics: true }, ['Advertising', 'Analytics'], undefined],
    [{ Advertising: false, Analytics: 'odd' }, ['Advertising', 'Analytics'], 'denied'],
    // Reactive objects of frameworks hold getters.
    [Object.defineProperty({}, 'Advertising', { get: () => true }), ['Advertising'], 'granted'],
    // No information.
    [undefined, ['Advertising'], undefined],
    [null, ['Advertising'], undefined],
    ['Advertising', ['Advertising'], undefined],
    [true, ['Advertising'], undefined],
    [{ Advertising: true }, [], undefined],
  ])('%j for %j is %s', (preferences, categories, state) => {
    expect(categorySignal(preferences, categories)).toBe(state)
  })

  it.each([
    [
      'a getter that throws',
      {
        get Advertising(): boolean {
          throw new Error('hostile')
        },
      },
    ],
    [
      'a proxy that throws',
      new Proxy(
        {},
        {
          getOwnPropertyDescriptor() {
            throw new Error('hostile')
          },
        },
      ),
    ],
  ])('takes %s for no signal', (_, preferences) => {
    expect(categorySignal(preferences, ['Advertising'])).toBeUndefined()
  })
})

const granted: ConsentSignal = { state: 'granted', source: 'a' }
const denied: ConsentSignal = { state: 'denied', source: 'b' }
const assumedGranted = { ...granted, assumed: true }
const assumedDenied = { ...denied, assumed: true }

describe('stricter', () => {
  it.each<[ConsentSignal | undefined, ConsentSignal | undefined, ConsentSignal | undefined]>([
    [undefined, undefined, undefined],
    [granted, undefined, granted],
    [undefined, granted, granted],
    [undefined, denied, denied],
    [granted, denied, denied],
    [denied, granted, denied],
    [granted, granted, granted],
    [assumedDenied, granted, granted],
    [granted, assumedDenied, granted],
    [denied, assumedGranted, denied],
    [assumedGranted, assumedDenied, assumedDenied],
  ])('of %j and %j takes %j', (a, b, taken) => {
    expect(stricter(a, b)).toEqual(taken)
  })
})

describe('startConsent', () => {
  const fallback: ConsentDecision = { state: 'granted', source: 'default', assumed: true }
  const stored = (explicit: boolean) => ({ state: 'granted', explicit }) as const
  const gpcDenied = { state: 'denied', source: 'gpc', gpc: true }

  it.each<[gpc: boolean, stored: ReturnType<typeof stored> | undefined, decision: ConsentDecision | object]>([
    [false, undefined, fallback],
    [false, stored(false), { state: 'granted', source: 'stored' }],
    [false, stored(true), { state: 'granted', source: 'stored' }],
    [true, undefined, gpcDenied],
    [true, stored(false), gpcDenied],
    [true, stored(true), { state: 'granted', source: 'stored' }],
  ])('with GPC %s and stored %j starts as %j', (gpc, kept, decision) => {
    expect(startConsent(fallback, gpc, kept)).toEqual(decision)
  })
})

describe('decideConsent', () => {
  const byDefault: ConsentDecision = { state: 'denied', source: 'default', assumed: true }
  const answered: ConsentDecision = { state: 'granted', source: 'category' }
  const gpc: ConsentDecision = { state: 'denied', source: 'gpc', gpc: true }
  const api = (state: 'granted' | 'denied'): ConsentSignal => ({ state, source: 'api' })

  it.each<[what: string, ConsentDecision, ConsentSignal, ConsentDecision]>([
    ['an answer beats a default', byDefault, granted, granted],
    ['later beats earlier', answered, denied, denied],
    ['later beats earlier the other way', { ...denied }, granted, granted],
    ['the same state names its latest source', answered, granted, granted],
    ['a tool’s assumption beats a default', byDefault, assumedGranted, assumedGranted],
    ['an assumption never beats an answer', answered, assumedDenied, answered],
    [
      'an assumption never beats a stored choice',
      { state: 'granted', source: 'stored' },
      assumedDenied,
      { state: 'granted', source: 'stored' },
    ],
    ['GPC holds against any tool', gpc, granted, gpc],
    ['GPC holds against a refusal, too', gpc, api('denied'), gpc],
    ['an explicit grant lifts GPC', gpc, api('granted'), api('granted')],
    ['once lifted, a tool may refuse', api('granted'), denied, denied],
  ])('%s', (_, current, signal, decision) => {
    expect(decideConsent(current, signal)).toEqual(decision)
  })
})
