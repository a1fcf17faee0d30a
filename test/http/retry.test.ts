import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { backoffMs, readRetryAfter, throttleMs } from '../../src/http/retry.ts'

const NOW = Date.parse('2026-11-22T10:00:00Z')

describe('readRetryAfter', () => {
  it.each([
    ['120', 120_000],
    [' 0 ', 0],
    ['1.5', 1_500],
    ['Sun, 22 Nov 2026 10:02:00 GMT', 120_000],
    ['Sunday, 22-Nov-26 10:02:00 GMT', 120_000],
    ['Sun Nov 22 10:02:00 2026', 120_000],
    ['Sun, 22 Nov 2026 09:00:00 GMT', 0],
    ['-5', undefined],
    ['soon', undefined],
    ['2026', 2_026_000],
    ['Sunny', undefined],
    ['', undefined],
    [null, undefined],
    [undefined, undefined],
  ])('%j → %j', (value, ms) => {
    expect(readRetryAfter(value, NOW)).toBe(ms)
  })
})

describe('throttleMs', () => {
  it.each([
    [null, 60_000],
    ['nonsense', 60_000],
    ['-5', 60_000],
    ['0', 1_000],
    ['30', 30_000],
    ['999999999', 3_600_000],
    ['Sun, 22 Nov 2099 09:00:00 GMT', 3_600_000],
  ])('%j → %j', (value, ms) => {
    expect(throttleMs(value, NOW)).toBe(ms)
  })
})

describe('backoffMs', () => {
  it.each([
    [0, 0.5, 1_000],
    [0, 0.999, 1_998],
    [3, 0.5, 8_000],
    [50, 0.5, 450_000],
    [5_000, 0, 1_000],
  ])('attempt %j, random %j → %j', (attempt, random, ms) => {
    expect(backoffMs(attempt, random)).toBe(ms)
  })

  it('stays between floor and cap', () => {
    fc.assert(
      fc.property(fc.nat(), fc.double({ min: 0, max: 0.999, noNaN: true }), (attempt, random) => {
        const ms = backoffMs(attempt, random, { baseMs: 100, capMs: 5_000, floorMs: 50 })
        expect(ms).toBeGreaterThanOrEqual(50)
        expect(ms).toBeLessThanOrEqual(5_000)
      }),
    )
  })
})
