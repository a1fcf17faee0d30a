import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { settled, summary } from './support.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** What came of a command and of a good event after it: pushed before the script, and on the running tag. */
function both(...command: unknown[]): { before: string[]; after: string[]; errors: unknown[]; thrown: unknown } {
  const good = ['event', 'good', { event_label: 'x' }]
  const early = settled([command, good])
  const late = settled()
  let thrown: unknown
  try {
    late.tag().push(...command)
  } catch (error) {
    thrown = error
  }
  late.tag().push(...good)
  const actions = (page: typeof late) => page.beacons().map(({ params }) => `${params.evt} ${params.ea ?? ''}`.trim())
  return { before: actions(early), after: actions(late), errors: early.errors, thrown }
}

const LOAD = 'pageLoad'
const X = 'custom x'
const GOOD = 'custom good'

// The array is read by position, a running tag reads arguments: the same call may fare differently.
describe('a command before and after the script', () => {
  it.each<[string, unknown[], string[], string[]]>([
    ['an event', ['event', 'x', { event_label: 'l' }], [LOAD, X, GOOD], [LOAD, X, GOOD]],
    ['an event without params', ['event', 'x'], [LOAD, X, GOOD], [LOAD, X, GOOD]],
    ['an event with empty params', ['event', 'x', {}], [LOAD, X, GOOD], [LOAD, X, GOOD]],
    ['an event with undefined as params', ['event', 'x', undefined], [LOAD, GOOD], [LOAD, X, GOOD]],
    ['an event without an action', ['event', '', {}], [LOAD, GOOD], [LOAD, GOOD]],
    ['an event whose action is undefined', ['event', undefined, {}], [LOAD, GOOD], [LOAD, GOOD]],
    ['another page load', ['pageLoad'], [LOAD, GOOD], [LOAD, GOOD]],
    ['a page load with an argument', ['pageLoad', {}], [LOAD, GOOD], [LOAD, GOOD]],
    ['the page load of 2014', [['pageLoad']], [LOAD, GOOD], [LOAD, GOOD]],
    ['a page view without a path', ['event', 'page_view', {}], [LOAD, GOOD], [LOAD, GOOD]],
    ['an unknown command', ['buy', 'x', {}], [LOAD, GOOD], [LOAD, GOOD]],
    ['a legacy event', [{ ea: 'x', ec: 'c', gv: 5 }], [LOAD, X, GOOD], [LOAD, X, GOOD]],
    ['a legacy event in a list', [[{ ea: 'x' }]], [LOAD, X, GOOD], [LOAD, X, GOOD]],
    ['an empty legacy event', [{}], [LOAD, GOOD], [LOAD, GOOD]],
    ['an unknown consent command', ['consent', 'revoke', {}], [LOAD, GOOD], [LOAD, GOOD]],
  ])('%s', (_, command, before, after) => {
    const outcome = both(...command)
    expect(outcome).toEqual({ before, after, errors: [], thrown: undefined })
  })

  it.each<[string, unknown[], string, unknown]>([
    ['null as params', ['event', 'x', null], 'TypeError', [LOAD, X, GOOD]],
    [
      'a number as action',
      ['event', 5, { event_label: 'l' }],
      'Invalid data: Key Name: event_label',
      [LOAD, 'custom 5', GOOD],
    ],
    [
      'legacy keys in params',
      ['event', 'x', { event_label: 'l', ec: 'c' }],
      'Invalid data: Key Name: event_label',
      [LOAD, X, GOOD],
    ],
  ])('%s silences a tag that has not started, and a running one takes it', (_, command, error, after) => {
    const outcome = both(...command)
    expect(outcome.before.filter((line) => line === GOOD)).toEqual([])
    expect(String(outcome.errors[0])).toContain(error)
    expect(outcome.after).toEqual(after)
    expect(outcome.thrown).toBeUndefined()
  })

  it.each<[string, unknown, string]>([
    ['a bad number', ['event', 'x', { event_value: 'abc' }], 'event_value should be a number'],
    ['a new name in the legacy form', [{ event_label: 'x' }], 'Invalid data: Key Name: event_label'],
    ['an id in the legacy form', [{ ea: 'x', event_id: '1' }], 'Invalid data: Key Name: event_id'],
    ['a bad legacy currency', [{ gc: 'euro' }], 'gc value must be ISO standard currency code'],
    ['a bad legacy page type', [{ pagetype: 'shop' }], 'Invalid pagetype value: shop'],
    [
      'a legacy product without page type',
      [{ prodid: 'a' }],
      'The pagetype parameter is required when you include the prodid parameter.',
    ],
    ['a negative legacy value', [{ gv: -1 }], 'gv cannot be less than 0'],
  ])('%s silences a tag that has not started, and throws a string out of a running one', (_, command, message) => {
    const outcome = both(...(command as unknown[]))
    expect(outcome.before).toEqual([LOAD])
    expect(outcome.errors).toEqual([message])
    expect(outcome.thrown).toBe(message)
    expect(outcome.after).toEqual([LOAD, GOOD])
  })
})

describe('the legacy form', () => {
  it('escapes two characters by hand and sends what differs a second time, without the mark of the new form', () => {
    const page = settled([[{ ea: 'a&b', ec: 'ü#', el: 'plain', ev: '1', gv: '2,5', gc: 'EUR' }]])
    const url = page.sent[1]?.url ?? ''
    expect(url).toContain('&ea=a%26b&ec=ü%23&el=plain&ev=1&gv=25&gc=EUR&ec2=%C3%BC%23&')
    expect(page.sent[1]?.params).not.toHaveProperty('en')
  })
})

describe('page-level parameters', () => {
  const set = ['set', { revenue_value: 5, currency: 'EUR', search_term: 'shoes', foo: 1 }]
  const event = (action: string, params: object = {}) => ['event', action, { event_label: 'x', ...params }]

  it.each<[string, object, object]>([
    ['purchase', {}, { gv: '5', gc: 'EUR' }],
    ['purchase', { revenue_value: 7 }, { gv: '7', gc: 'EUR' }],
    ['search', {}, { search_term: 'shoes' }],
    ['track', {}, {}],
    ['add_payment_info', {}, {}],
  ])('%s with %o takes over %o', (action, params, expected) => {
    const { gv, gc, search_term, foo } = settled([set, event(action, params)]).sent[1]?.params ?? {}
    expect(JSON.parse(JSON.stringify({ gv, gc, search_term, foo }))).toEqual(expected)
  })

  it('are handled ahead of events, also on the running tag', () => {
    expect(settled([event('search'), set]).sent[1]?.params.search_term).toBe('shoes')
    const page = settled()
    page.tag().push(...set)
    page.tag().push(...event('search'))
    expect(page.sent[1]?.params.search_term).toBe('shoes')
  })

  it('reject an event when it takes over a bad one', () => {
    const page = settled([['set', { revenue_value: 'abc' }], event('track'), event('purchase'), event('track')])
    expect(summary(page)).toEqual(['com 1 pageLoad', 'com 2 custom track'])
    expect(page.errors).toEqual(['revenue_value should be a number'])
  })
})
