import { describe, expect, it } from 'vitest'
import type { Outcome } from '../../../src/capi/outcome.ts'
import { judge } from '../../../src/relay/courier/judge.ts'
import type { ClaimedEvent } from '../../../src/relay/outbox/outbox.ts'

const claimed = (ref: string, attempts = 0): ClaimedEvent => ({
  ref,
  id: ref,
  name: 'track',
  body: '{}',
  eventTime: 0,
  receivedAt: 0,
  attempts,
})
const outcome = (status: Outcome['status'], rest: Partial<Outcome> = {}): Outcome => ({ status, warnings: [], ...rest })
const judgeOne = (given: Outcome | undefined, attempts = 0) => {
  const { settlements, verdict } = judge([claimed('a', attempts)], given ? [given] : [], () => 0.5)
  return { settlement: settlements[0], verdict }
}

describe('judge', () => {
  it.each<[string, Outcome | undefined, object, object]>([
    ['delivered', outcome('delivered'), { kind: 'delivered' }, { kind: 'fine' }],
    [
      'invalid',
      outcome('invalid', { reason: 'Empty: userData' }),
      { kind: 'dead', reason: 'Empty: userData' },
      { kind: 'fine' },
    ],
    ['expired', outcome('expired', { reason: 'expired' }), { kind: 'dead', reason: 'expired' }, { kind: 'fine' }],
    [
      'setup',
      outcome('setup', { reason: 'http-401' }),
      { kind: 'again', inMs: 0, attempted: false },
      { kind: 'setup', reason: 'http-401' },
    ],
    [
      'throttled',
      outcome('retry', { reason: 'throttled', retryAfterMs: 30_000 }),
      { kind: 'again', inMs: 0, attempted: false },
      { kind: 'throttled', reason: 'throttled', forMs: 30_000 },
    ],
    [
      'throttled for longer than an event may wait',
      outcome('retry', { reason: 'throttled', retryAfterMs: 86_400_000 }),
      { kind: 'again', inMs: 0, attempted: false },
      { kind: 'throttled', reason: 'throttled', forMs: 3_600_000 },
    ],
    [
      'failed',
      outcome('retry', { reason: 'network' }),
      { kind: 'again', inMs: 1_000, attempted: true },
      { kind: 'failing', reason: 'network', partly: false },
    ],
    [
      'stopped by us',
      outcome('retry', { reason: 'aborted' }),
      { kind: 'again', inMs: 0, attempted: false },
      { kind: 'fine' },
    ],
    ['not answered', undefined, { kind: 'again', attempted: true }, { kind: 'failing', reason: 'no answer' }],
  ])('an event that was %s', (_, given, settlement, verdict) => {
    const judged = judgeOne(given)
    expect(judged.settlement).toMatchObject({ ref: 'a', ...settlement })
    expect(judged.verdict).toMatchObject(verdict)
  })

  it('lets an event that failed often wait longer, an hour at most', () => {
    const waits = [0, 3, 6, 100].map((attempts) => {
      const { settlement } = judgeOne(outcome('retry', { reason: 'http-500' }), attempts)
      return settlement?.kind === 'again' && settlement.inMs
    })
    expect(waits).toEqual([1_000, 8_000, 64_000, 450_000])
  })

  it('judges each event by its own outcome, and the lane by the worst', () => {
    const { settlements, verdict, dead, delivered } = judge(
      ['a', 'b', 'c', 'd'].map((ref) => claimed(ref)),
      [
        outcome('delivered'),
        outcome('invalid', { reason: 'InvalidUrl: eventSourceUrl' }),
        outcome('retry', { reason: 'timeout' }),
        outcome('invalid', { reason: 'InvalidUrl: eventSourceUrl' }),
      ],
      () => 0,
    )
    expect(settlements.map(({ kind }) => kind)).toEqual(['delivered', 'dead', 'again', 'dead'])
    expect(verdict).toEqual({ kind: 'failing', reason: 'timeout', partly: true })
    expect([...dead]).toEqual([['InvalidUrl: eventSourceUrl', 2]])
    expect(delivered.map(({ ref }) => ref)).toEqual(['a'])
  })
})
