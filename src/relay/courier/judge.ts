import type { Outcome } from '../../capi/outcome.ts'
import { backoffMs } from '../../http/retry.ts'
import { type ClaimedEvent, MAX_DELAY_MS, type Settlement } from '../outbox/outbox.ts'

/** How a sending went for its lane, whatever became of single events. */
export type Verdict =
  | { kind: 'fine' }
  /** Microsoft asks for a pause. */
  | { kind: 'throttled'; reason: string; forMs: number }
  /** Token, tag or address are wrong. */
  | { kind: 'setup'; reason: string }
  /** `partly`: some events came through before it failed. */
  | { kind: 'failing'; reason: string; partly: boolean }

export interface Judgement {
  settlements: Settlement[]
  verdict: Verdict
  /** Reasons of the dead, and how many died of each. */
  dead: Map<string, number>
  delivered: ClaimedEvent[]
}

/** An answer for every event, should the sender have given fewer. */
const NO_ANSWER: Outcome = { status: 'retry', reason: 'no answer', warnings: [] }

/**
 * What the outcomes of one sending mean for its events and its lane. An attempt counts only where the event itself may
 * have caused the failure: neither throttling, nor a wrong token, nor our own stopping make it wait longer.
 */
export function judge(events: readonly ClaimedEvent[], outcomes: readonly Outcome[], random: () => number): Judgement {
  const settlements: Settlement[] = []
  const dead = new Map<string, number>()
  const delivered: ClaimedEvent[] = []
  let setup: string | undefined
  let failing: string | undefined
  let throttled: { reason: string; forMs: number } | undefined

  events.forEach((event, index) => {
    const { ref, attempts } = event
    const { status, reason = status, retryAfterMs } = outcomes[index] ?? NO_ANSWER
    if (status === 'delivered') {
      delivered.push(event)
      settlements.push({ ref, kind: 'delivered' })
    } else if (status === 'invalid' || status === 'expired') {
      dead.set(reason, (dead.get(reason) ?? 0) + 1)
      settlements.push({ ref, kind: 'dead', reason })
    } else if (status === 'setup') {
      setup = reason
      settlements.push({ ref, kind: 'again', inMs: 0, attempted: false })
    } else if (retryAfterMs !== undefined) {
      throttled = { reason, forMs: Math.max(throttled?.forMs ?? 0, Math.min(retryAfterMs, MAX_DELAY_MS)) }
      settlements.push({ ref, kind: 'again', inMs: 0, attempted: false })
    } else if (reason === 'aborted') {
      settlements.push({ ref, kind: 'again', inMs: 0, attempted: false })
    } else {
      failing = reason
      settlements.push({ ref, kind: 'again', inMs: backoffMs(attempts, random()), attempted: true })
    }
  })

  const verdict: Verdict =
    setup !== undefined
      ? { kind: 'setup', reason: setup }
      : throttled
        ? { kind: 'throttled', ...throttled }
        : failing !== undefined
          ? { kind: 'failing', reason: failing, partly: delivered.length > 0 }
          : { kind: 'fine' }
  return { settlements, verdict, dead, delivered }
}
