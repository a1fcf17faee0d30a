import { describe, expect, it } from 'vitest'
import { createPace } from '../../../src/relay/courier/pace.ts'

const FINE = { kind: 'fine' } as const
const FAILING = { kind: 'failing', reason: 'network', partly: false } as const

describe('the pace of a lane', () => {
  it('grows wider by one with each sending that went well, to eight', () => {
    const pace = createPace(() => 0)
    const widths = Array.from({ length: 9 }, () => {
      pace.learn(FINE)
      return pace.width()
    })
    expect(widths).toEqual([2, 3, 4, 5, 6, 7, 8, 8, 8])
    expect(pace.batch()).toBe(1_000)
  })

  it('narrows when Microsoft throttles, and keeps its batches', () => {
    const pace = createPace(() => 0)
    for (let n = 0; n < 7; n += 1) pace.learn(FINE)
    const pause = pace.learn({ kind: 'throttled', reason: 'throttled', forMs: 5_000 })
    expect(pause).toEqual({ reason: 'throttled', forMs: 5_000, setup: false })
    expect(pace.width()).toBe(7)
    expect(pace.batch()).toBe(1_000)
  })

  it('sends less at a time and waits longer while nothing comes through, but looks each minute', () => {
    const pace = createPace(() => 0.999)
    const steps = Array.from({ length: 8 }, () => {
      const pause = pace.learn(FAILING)!
      return [pace.batch(), Math.round(pause.forMs / 1_000)]
    })
    expect(steps).toEqual([
      [100, 2],
      [10, 4],
      [1, 8],
      [1, 16],
      [1, 32],
      [1, 60],
      [1, 60],
      [1, 60],
    ])
    expect(pace.width()).toBe(1)
    pace.learn(FINE)
    expect(pace.batch()).toBe(1_000)
    expect(pace.width()).toBe(1)
  })

  it('takes part of a batch coming through as a good sign', () => {
    const pace = createPace(() => 0.5)
    for (let n = 0; n < 5; n += 1) pace.learn(FAILING)
    pace.learn({ ...FAILING, partly: true })
    expect(pace.batch()).toBe(100)
  })

  it('probes with one event every five minutes while the token or the tag is wrong', () => {
    const pace = createPace(() => 0.5)
    expect(pace.learn({ kind: 'setup', reason: 'http-401' })).toEqual({
      reason: 'http-401',
      forMs: 300_000,
      setup: true,
    })
    expect(pace.batch()).toBe(1)
  })
})
