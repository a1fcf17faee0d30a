import type { CapiClient } from '../../capi/client.ts'
import type { FieldWarning, Outcome } from '../../capi/outcome.ts'
import { CAPI_MAX_EVENTS } from '../../core/capi-json.ts'
import { type Claim, type ClaimedEvent, type Outbox, OutboxError, type Settlement } from '../outbox/outbox.ts'
import { type Judgement, judge } from './judge.ts'
import { createPace, type Pause } from './pace.ts'

/** What a courier did, for logs and metrics. Holds no value of an event. */
export type CourierNotice =
  /** One sending. `waitedMs`: from acceptance to delivery, for each event delivered. */
  | { kind: 'sent'; tagId: string; events: number; durationMs: number; waitedMs: number[]; again: number }
  | { kind: 'dead'; tagId: string; reason: string; events: number }
  /** Microsoft left a field out of so many events. */
  | ({ kind: 'warning'; tagId: string; events: number } & FieldWarning)
  /** `setup`: until somebody repairs the token, the tag or the configuration. */
  | { kind: 'paused'; tagId: string; reason: string; forMs: number; setup: boolean }
  | { kind: 'resumed'; tagId: string }
  /** Leases ended before their events were settled, so others may have sent the events too. */
  | { kind: 'lost'; tagId: string; events: number }
  | { kind: 'store'; message: string }

export interface LaneContext {
  outbox: Outbox
  sender(tagId: string): Pick<CapiClient, 'send'> | undefined
  now(): number
  random(): number
  notify(notice: CourierNotice): void
  lingerMs: number
  leaseMs: number
  pollMs: number
  /** Asks for room for one more sending. The first of a tag gets it always. */
  reserve(first: boolean): Room | undefined
  /** Aborted when waiting for Microsoft has to end. */
  signal: AbortSignal
}

/** A part of what may be on its way at the same time. */
interface Room {
  /** The sending takes no more than this. */
  bytes: number
  /** Says how much it really takes; 0 in the end. */
  use(bytes: number): void
}

export interface LaneState {
  tagId: string
  /** Sendings at this moment. */
  inFlight: number
  paused?: Pause
}

type Timer = ReturnType<typeof setTimeout>

const STORE_RETRY_MS = 1_000
const REMOVED = 'the tag is not in the configuration'

/** The way of one tag's events to Microsoft. Each tag has its own, so that what stops one tag stops no other. */
export function createLane(tagId: string, context: LaneContext) {
  const { outbox, sender, now, notify, lingerMs, leaseMs, pollMs, signal } = context
  const pace = createPace(context.random)
  const running = new Set<Promise<void>>()
  let due = true
  let wakes = 0
  let fresh = 0
  let paused: Pause | undefined
  /** The last pause that was announced, until a sending goes well. */
  let trouble: Pause | undefined
  let closing = false
  let linger: Timer | undefined
  let alarm: Timer | undefined
  let pauseEnd: Timer | undefined

  /** Starts as many sendings as there is work for and the pace allows. */
  function pump() {
    while (due && !paused && !closing && running.size < pace.width()) {
      const room = context.reserve(running.size === 0)
      if (!room) return
      // The claim says whether more is due.
      due = false
      const round = deliverOnce(room).finally(() => {
        running.delete(round)
        room.use(0)
        pump()
      })
      running.add(round)
    }
  }
  function lookNow() {
    clearTimeout(linger)
    linger = undefined
    fresh = 0
    wakes += 1
    due = true
    pump()
  }
  function lookIn(ms: number) {
    clearTimeout(alarm)
    if (!closing) alarm = setTimeout(lookNow, Math.min(ms, pollMs))
  }
  function pause(next: Pause) {
    if (closing) return
    if (trouble?.reason !== next.reason) notify({ kind: 'paused', tagId, ...next })
    trouble = next
    paused = next
    clearTimeout(pauseEnd)
    pauseEnd = setTimeout(resume, next.forMs)
  }
  function resume() {
    clearTimeout(pauseEnd)
    paused = undefined
    lookNow()
  }

  async function deliverOnce(room: Room): Promise<void> {
    const seen = wakes
    let claim: Claim
    try {
      claim = await outbox.claim(tagId, { limit: pace.batch(), maxBytes: room.bytes, leaseMs })
    } catch (error) {
      storeFailed(error)
      return lookIn(STORE_RETRY_MS)
    }
    room.use(claim.events.reduce((sum, { body }) => sum + body.length, 0))
    if (claim.nextInMs === 0 || wakes !== seen) due = true
    else lookIn(claim.nextInMs ?? pollMs)
    if (claim.events.length === 0) return
    const release = () =>
      settle(
        claim,
        claim.events.map(({ ref }) => ({ ref, kind: 'again', inMs: 0, attempted: false })),
      )
    if (closing) return release()
    const client = sender(tagId)
    if (!client) {
      await release()
      return pause({ reason: REMOVED, forMs: 300_000, setup: true })
    }
    pump()

    const started = performance.now()
    const heartbeat = setInterval(() => outbox.extend(claim.id, leaseMs).catch(storeFailed), leaseMs / 3)
    try {
      const outcomes = await send(client, claim.events)
      const judgement = judge(claim.events, outcomes, context.random)
      await settle(claim, judgement.settlements)
      report(judgement, outcomes, started)
      learn(judgement)
    } finally {
      clearInterval(heartbeat)
    }
  }

  const send = async (client: Pick<CapiClient, 'send'>, events: readonly ClaimedEvent[]): Promise<Outcome[]> => {
    try {
      return await client.send(
        events.map(({ body }) => body),
        signal,
      )
    } catch {
      // A client does not reject; should one, nothing is known about any event.
      return []
    }
  }

  /** Says what became of the events until the store has heard it: else they would be sent a second time. */
  async function settle(claim: Claim, settlements: Settlement[]): Promise<void> {
    for (;;) {
      try {
        const { lost } = await outbox.settle(claim.id, settlements)
        if (lost > 0) notify({ kind: 'lost', tagId, events: lost })
        return
      } catch (error) {
        storeFailed(error)
        if (signal.aborted || (error instanceof OutboxError && error.code === 'closed')) return
        await new Promise((resolve) => setTimeout(resolve, STORE_RETRY_MS))
      }
    }
  }

  function storeFailed(error: unknown) {
    notify({ kind: 'store', message: error instanceof Error ? error.message : String(error) })
  }

  function report({ settlements, dead, delivered }: Judgement, outcomes: readonly Outcome[], started: number) {
    const moment = now()
    notify({
      kind: 'sent',
      tagId,
      events: settlements.length,
      durationMs: performance.now() - started,
      waitedMs: delivered.map(({ receivedAt }) => Math.max(0, moment - receivedAt)),
      again: settlements.filter(({ kind }) => kind === 'again').length,
    })
    for (const [reason, events] of dead) notify({ kind: 'dead', tagId, reason, events })
    const warnings = new Map<string, FieldWarning & { events: number }>()
    for (const warning of outcomes.flatMap((outcome) => outcome.warnings)) {
      const key = `${warning.property} ${warning.code}`
      const found = warnings.get(key)
      if (found) found.events += 1
      else warnings.set(key, { ...warning, events: 1 })
    }
    for (const warning of warnings.values()) notify({ kind: 'warning', tagId, ...warning })
  }

  function learn({ verdict }: Judgement) {
    // Sendings that were under way when the lane paused fail for the same reason, which counts once.
    if (paused && verdict.kind === 'failing') return
    const next = pace.learn(verdict)
    if (next) return pause(next)
    if (paused || !trouble) return
    trouble = undefined
    notify({ kind: 'resumed', tagId })
    // One event went out as a probe; the others need not wait for the next look.
    lookNow()
  }

  lookNow()
  return {
    /** Events of this tag became due. They wait a moment for others to travel with, but a full batch does not. */
    wake(events: number) {
      fresh += events
      if (fresh >= CAPI_MAX_EVENTS) lookNow()
      else linger ??= setTimeout(lookNow, lingerMs)
    },
    /** Ends a pause, because what caused it was repaired. */
    resume() {
      if (paused) resume()
    },
    state: (): LaneState => ({ tagId, inFlight: running.size, ...(paused && { paused }) }),
    /** Takes no more events; resolves once those taken are settled. */
    async close() {
      closing = true
      clearTimeout(linger)
      clearTimeout(alarm)
      clearTimeout(pauseEnd)
      await Promise.all(running)
    },
  }
}
