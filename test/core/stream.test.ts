import { describe, expect, it } from 'vitest'
import { type Stream, selectEvent } from '../../src/core/stream.ts'

const page = { type: 'page' as const }
const track = (name: string) => ({ type: 'track' as const, name })
const map = { 'customData.transactionId': 'properties.order_id' }
const rules: Stream = {
  rules: [
    { event: 'Order Completed', as: 'custom', map },
    { event: ['Viewed', 'Home'], as: 'pageLoad' },
    { event: 'Home', as: 'custom' },
  ],
}

describe('selectEvent', () => {
  it.each<[string, Parameters<typeof selectEvent>[0], Stream | undefined, unknown]>([
    ['a page without rules', page, undefined, { as: 'pageLoad', overrides: {} }],
    ['an event without rules', track('x'), {}, { as: 'custom', overrides: {} }],
    ['an empty list of rules', track('x'), { rules: [] }, { as: 'custom', overrides: {} }],
    ['a stream that is off', track('x'), { enabled: false }, undefined],
    ['a stream that is off, with rules', track('Home'), { ...rules, enabled: false }, undefined],
    ['a stream that is on', track('x'), { enabled: true }, { as: 'custom', overrides: {} }],
    ['a rule by name', track('Order Completed'), rules, { as: 'custom', overrides: map }],
    ['a rule by one of its names', track('Viewed'), rules, { as: 'pageLoad', overrides: {} }],
    ['the first rule that fits', track('Home'), rules, { as: 'pageLoad', overrides: {} }],
    ['no rule that fits', track('home'), rules, undefined],
    ['a page by its own name', { ...page, name: 'Home' }, rules, { as: 'pageLoad', overrides: {} }],
    ['a page no rule speaks of', page, rules, undefined],
    ['a page by "page"', page, { rules: [{ event: 'page' }] }, { as: 'pageLoad', overrides: {} }],
    ['a page as custom', page, { rules: [{ event: '*', as: 'custom' }] }, { as: 'custom', overrides: {} }],
    ['every event', track('x'), { rules: [{ event: '*' }] }, { as: 'custom', overrides: {} }],
    ['every event, in a list', track('x'), { rules: [{ event: ['*'] }] }, { as: 'custom', overrides: {} }],
  ])('%s', (_, event, stream, selection) => {
    expect(selectEvent(event, stream)).toEqual(selection)
  })
})
