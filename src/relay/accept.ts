import { normalizePhone } from '../capi/phone.ts'
import type { CapiEvent } from '../core/capi-json.ts'
import type { ServerEvent } from '../core/event.ts'
import { type MapResult, mapCapi } from '../core/map-capi.ts'
import { selectEvent } from '../core/stream.ts'
import { judgeClaim, type WrongClaim } from './claims.ts'
import { type ConsentRule, judgeConsent } from './consent.ts'
import type { DoorName, Item, Rejection } from './doors/door.ts'
import { correctTime, type Visitor } from './enrich.ts'
import type { NewEvent, Outbox, Stored } from './outbox/outbox.ts'
import type { TagSettings } from './settings.ts'
import { subjectsOf, withdrawnSubjects } from './subjects.ts'

/** What a request brought, and from whom. */
export interface Delivery {
  door: DoorName
  items: readonly Item[]
  /** Each event goes to each of these tags. */
  tags: readonly TagSettings[]
  /** Milliseconds since the epoch, by the sender's clock. */
  sentAt?: number | undefined
  /** Only where the request is the visitor's own. */
  visitor?: Visitor | undefined
}

/** What became of it. `accepted` events are on stable storage. */
export interface Receipt {
  accepted: number
  rejected: Rejection[]
  /** Events that the operator chose not to send, and what has no meaning for the Conversions API. */
  ignored: number
  /** Visitors whose withdrawal was carried out. */
  withdrawn: number
}

/** Counted by the relay. Holds nothing of an event. */
export type AcceptReport =
  | { kind: 'accepted'; tagId: string; door: DoorName; events: number; duplicates: number }
  | { kind: 'rejected'; door: DoorName; code: string }
  | { kind: 'ignored'; door: DoorName }
  | { kind: 'no-consent'; door: DoorName; rule: ConsentRule }
  | { kind: 'withdrawn'; tagId: string; events: number }
  /** A field of an event that could not be used. `field` is a Conversions API path. */
  | { kind: 'field-dropped'; field: string }

type NotAccepted = { kind: 'ignored' } | { kind: 'withdrawn' } | { kind: 'rejected'; code: string; message: string }
type Outcome = NotAccepted | { kind: 'accepted'; clickId: string | undefined }

/** How good an outcome is: where a delivery goes to several tags, the best one is what the sender hears. */
const RANK: Record<Outcome['kind'], number> = { accepted: 3, withdrawn: 2, rejected: 1, ignored: 0 }

const IGNORED: NotAccepted = { kind: 'ignored' }
const DENIED: NotAccepted = { kind: 'rejected', code: 'consent_denied', message: 'the visitor denied consent' }
const UNKNOWN: NotAccepted = {
  kind: 'rejected',
  code: 'consent_unknown',
  message: 'nothing says that the visitor granted consent',
}

const NOBODY: NotAccepted = {
  kind: 'rejected',
  code: 'no_identifier',
  message: 'user: a withdrawal needs a valid identifier of the visitor',
}

/**
 * Takes a delivery: consent, selection, mapping, then one commit for all of it. Consent comes first, so that nothing of
 * a visitor who did not grant it is looked at, kept or logged. Rejects with an `OutboxError` when nothing was stored.
 *
 * @returns the receipt, and the click id of the newest accepted event that has one.
 */
export function accept(
  delivery: Delivery,
  outbox: Outbox,
  now: number,
  report: (report: AcceptReport) => void,
): Promise<{ receipt: Receipt; clickId?: string }> {
  const { door } = delivery
  const judgements = delivery.tags.map((tag) => delivery.items.map((item) => judge(item, tag, delivery, now, report)))
  const tagIds = delivery.tags.map(({ id }) => id)
  // Not one `async` function, which would keep the delivery in memory until the disk is done.
  const done = (all: Judgement[][]) => carryOut(combine(all, tagIds), door, outbox, report)
  return isSettled(judgements) ? done(judgements) : Promise.all(judgements.map((own) => Promise.all(own))).then(done)
}

const isSettled = (judgements: (Judgement | Promise<Judgement>)[][]): judgements is Judgement[][] =>
  judgements.every((own) => own.every((judgement) => !(judgement instanceof Promise)))

/** Keeps as little as possible while the disk works, because hundreds of deliveries wait for it at a time. */
function carryOut(
  { outcomes, events, eventsOf, withdrawals }: Combined,
  door: DoorName,
  outbox: Outbox,
  report: (report: AcceptReport) => void,
): Promise<{ receipt: Receipt; clickId?: string }> {
  const store = () =>
    events.length ? outbox.append(events).then(acknowledge(outcomes, eventsOf, door, report)) : undefined
  const finish = () => settle(outcomes, door, report)
  if (withdrawals.size === 0) return store() ?? Promise.resolve(finish())
  return withdrawAll(withdrawals, outbox, report).then(() => store() ?? finish())
}

async function withdrawAll(
  withdrawals: Combined['withdrawals'],
  outbox: Outbox,
  report: (report: AcceptReport) => void,
): Promise<void> {
  for (const [tagId, subjects] of withdrawals) {
    if (subjects.size) report({ kind: 'withdrawn', tagId, events: await outbox.withdraw(tagId, [...subjects]) })
  }
}

/** A function of its own, so that what it keeps is what it is given: not the events. */
const acknowledge =
  (
    outcomes: readonly Outcome[],
    eventsOf: Combined['eventsOf'],
    door: DoorName,
    report: (report: AcceptReport) => void,
  ) =>
  (stored: readonly Stored[]) => {
    let position = 0
    for (const [tagId, count] of eventsOf) {
      let duplicates = 0
      for (const end = position + count; position < end; position += 1) {
        if (stored[position] === 'duplicate') duplicates += 1
      }
      if (count) report({ kind: 'accepted', tagId, door, events: count, duplicates })
    }
    return settle(outcomes, door, report)
  }

/** What is to be done for a delivery. As little as possible, because much of it waits for the disk at a time. */
interface Combined {
  /** What the sender hears of each item. */
  outcomes: Outcome[]
  /** To be stored: those of the first tag, then those of the next one. */
  events: NewEvent[]
  /** How many, by tag. */
  eventsOf: (readonly [tagId: string, count: number])[]
  /** Whose events are to be deleted, by tag. */
  withdrawals: Map<string, Set<string>>
}

/** @param judgements By tag, then by item. */
function combine(judgements: readonly Judgement[][], tagIds: readonly string[]): Combined {
  const outcomes: Outcome[] = judgements[0]!.map(() => IGNORED)
  const events: NewEvent[] = []
  const withdrawals: Combined['withdrawals'] = new Map()

  const eventsOf = judgements.map((ofTag, position) => {
    const tagId = tagIds[position]!
    const own: { event: NewEvent; index: number; outcome: Outcome }[] = []
    ofTag.forEach((judgement, index) => {
      let outcome: Outcome
      if ('event' in judgement) {
        outcome = { kind: 'accepted', clickId: judgement.clickId }
        own.push({ event: judgement.event, index, outcome })
      } else if ('subjects' in judgement) {
        const { subjects } = judgement
        const known = withdrawals.get(tagId) ?? new Set()
        withdrawals.set(tagId, known)
        for (const subject of subjects) known.add(subject)
        // What this very request brought before is withdrawn too.
        for (const [place, earlier] of [...own.entries()].reverse()) {
          if (!earlier.event.subjects.some((subject) => subjects.includes(subject))) continue
          own.splice(place, 1)
          if (outcomes[earlier.index] === earlier.outcome) outcomes[earlier.index] = DENIED
        }
        outcome = judgement.withdrawal ? { kind: 'withdrawn' } : DENIED
      } else outcome = judgement
      if (RANK[outcome.kind] > RANK[outcomes[index]!.kind]) outcomes[index] = outcome
    })
    for (const { event } of own) events.push(event)
    return [tagId, own.length] as const
  })
  return { outcomes, events, eventsOf, withdrawals }
}

type Judgement =
  | NotAccepted
  | { event: NewEvent; clickId: string | undefined }
  | { subjects: readonly string[]; withdrawal: boolean }

/** Answers at once, but where something has to be hashed or verified. */
function judge(
  item: Item,
  tag: TagSettings,
  { door, visitor, sentAt }: Delivery,
  now: number,
  report: (report: AcceptReport) => void,
): Judgement | Promise<Judgement> {
  if (item.kind === 'ignored') return IGNORED
  if (item.kind === 'faulty') {
    const message = item.faults.map(({ message }) => message).join('; ')
    return { kind: 'rejected', code: 'invalid_event', message }
  }

  const { event, preferences } = item
  const { state, rule } = judgeConsent({ door, event, preferences, gpc: visitor?.gpc ?? false }, tag.consent)
  const signal = item.kind === 'signal'
  // The visitor's own word, so it also undoes what waits. Global Privacy Control and the operator's word do not.
  if (state === 'denied' && (rule === 'event' || rule === 'category' || rule === 'property')) {
    if (!signal) report({ kind: 'no-consent', door, rule })
    return withdrawal(event, tag, now, signal)
  }
  if (signal) return IGNORED
  if (state !== 'granted') {
    report({ kind: 'no-consent', door, rule })
    return state === 'denied' ? DENIED : UNKNOWN
  }

  const selected = selectEvent(event, tag.stream)
  if (!selected) return IGNORED
  const granted: ServerEvent = { ...event, consent: 'granted', time: correctTime(event.time, sentAt, now) }
  const mapped = mapCapi(granted, {
    now,
    as: selected.as,
    overrides: selected.overrides,
    mapping: { action: tag.action },
    clientIpAddress: visitor ? visitor.address : event.user?.ipAddress,
    clientUserAgent: visitor ? visitor.userAgent : event.user?.userAgent,
    normalizePhone: (raw) => normalizePhone(raw, tag.defaultCountry),
  })
  const finish = (result: MapResult): Judgement | Promise<Judgement> => {
    if (!result.ok) return { kind: 'rejected', code: result.code, message: result.message }
    const claim = door === 'browser' ? judgeClaim(granted, result.event, tag, now) : undefined
    return andThen(claim, (wrong) => conclude(wrong, result, event.id, tag.id, report))
  }
  return andThen(mapped, finish)
}

/** At once, unless there is something to wait for: a promise for each event would cost more than all that is done with it. */
const andThen = <T, U>(value: T | Promise<T>, next: (value: T) => U | Promise<U>): U | Promise<U> =>
  value instanceof Promise ? value.then(next) : next(value)

function conclude(
  wrong: WrongClaim | undefined,
  { event, dropped }: Extract<MapResult, { ok: true }>,
  id: string,
  tagId: string,
  report: (report: AcceptReport) => void,
): Judgement {
  if (wrong) return { kind: 'rejected', ...wrong }
  for (const note of dropped) report({ kind: 'field-dropped', field: note.split(':', 1)[0]! })
  return { event: toNewEvent(tagId, id, event), clickId: event.userData.msclkid }
}

const toNewEvent = (tagId: string, id: string, capi: CapiEvent): NewEvent => ({
  tagId,
  id: capi.eventId ?? id,
  name: capi.eventName ?? '',
  eventTime: capi.eventTime * 1000,
  subjects: subjectsOf(capi),
  body: JSON.stringify(capi),
})

async function withdrawal(event: ServerEvent, tag: TagSettings, now: number, signal: boolean): Promise<Judgement> {
  const subjects = await withdrawnSubjects(event, tag, now)
  return signal && !subjects.length ? NOBODY : { subjects, withdrawal: signal }
}

function settle(
  outcomes: readonly Outcome[],
  door: DoorName,
  report: (report: AcceptReport) => void,
): { receipt: Receipt; clickId?: string } {
  const receipt: Receipt = { accepted: 0, rejected: [], ignored: 0, withdrawn: 0 }
  let clickId: string | undefined
  outcomes.forEach((outcome, index) => {
    if (outcome.kind === 'rejected') {
      const { code, message } = outcome
      receipt.rejected.push({ index, code, message })
      report({ kind: 'rejected', door, code })
    } else {
      receipt[outcome.kind] += 1
      if (outcome.kind === 'accepted') clickId = outcome.clickId ?? clickId
      if (outcome.kind === 'ignored') report({ kind: 'ignored', door })
    }
  })
  return { receipt, ...(clickId !== undefined && { clickId }) }
}
