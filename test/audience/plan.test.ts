import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { guardReason, planSteps } from '../../src/audience/plan.ts'

const options = { apply: 'auto', full: false, reset: false } as const

describe('planSteps', () => {
  it.each([
    ['nothing', { added: 0, removed: 0, kept: 9 }, {}, []],
    ['a few, removals first', { added: 2, removed: 1, kept: 9 }, {}, ['Remove 1 items', 'Add 2 items']],
    ['many', { added: 20_001, removed: 20_000, kept: 0 }, {}, ['Remove 20000 items', 'Add 20001 bulk']],
    ['all again', { added: 2, removed: 1, kept: 9 }, { full: true }, ['Remove 1 items', 'Add 11 items']],
    ['unknown content', { added: 2, removed: 0, kept: 0 }, { reset: true }, ['Replace 2 items']],
    ['items by order', { added: 99_999, removed: 0, kept: 0 }, { apply: 'items' }, ['Add 99999 items']],
    ['bulk by order', { added: 1, removed: 1, kept: 0 }, { apply: 'bulk' }, ['Remove 1 bulk', 'Add 1 bulk']],
  ] as const)('%s', (_, changes, over, expected) => {
    const steps = planSteps(changes, { ...options, ...over })
    expect(steps.map(({ action, by, count }) => `${action} ${count} ${by}`)).toEqual(expected)
  })
})

describe('guardReason', () => {
  it.each([
    [{ added: 0, removed: 0, kept: 0 }, false],
    [{ added: 5, removed: 0, kept: 0 }, false],
    [{ added: 0, removed: 1, kept: 0 }, true],
    [{ added: 1, removed: 1, kept: 0 }, false],
    [{ added: 0, removed: 50, kept: 50 }, false],
    [{ added: 0, removed: 51, kept: 49 }, true],
    [{ added: 200, removed: 51, kept: 49 }, true],
    [{ added: 0, removed: 60, kept: 39 }, false],
  ])('%j: %s', (changes, guarded) => {
    expect(guardReason(changes) !== undefined).toBe(guarded)
  })

  it('never lets a list of 100 or more lose more than half', () => {
    fc.assert(
      fc.property(fc.nat(500), fc.nat(500), fc.nat(500), (added, removed, kept) => {
        const large = removed + kept >= 100 && removed > kept
        const emptied = removed > 0 && kept + added === 0
        expect(guardReason({ added, removed, kept }) !== undefined).toBe(large || emptied)
      }),
    )
  })
})
