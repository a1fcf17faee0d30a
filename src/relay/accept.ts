import { normalizePhone } from '../capi/phone.ts'
import type { CapiEvent } from '../core/capi-json.ts'
import type { ServerEvent } from '../core/event.ts'
import { mapCapi } from '../core/map-capi.ts'
import { selectEvent } from '../core/stream.ts'
import { judgeClaim } from './claims.ts'
import { type ConsentRule, judgeConsent } from './consent.ts'
import type { DoorName, Item, Rejection } from './doors/door.ts'
import { correctTime, type Visitor } from './enrich.ts'
import type { NewEvent, Outbox } from './outbox/outbox.ts'
import type { TagSettings } from './settings.ts'
import { subjectsOf } from './subjects.ts'

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

type Outcome =
  | { kind: 'accepted'; event: NewEvent; clickId: string | undefined }
  | { kind: 'ignored' }
  | { kind: 'withdrawn' }
  | { kind: 'rejected'; code: string; message: string }

/** How good an outcome is: where a delivery goes to several tags, the best one is what the sender hears. */
const RANK: Record<Outcome['kind'], number> = { accepted: 3, withdrawn: 2, rejected: 1, ignored: 0 }

/**
 * Takes a delivery: consent, selection, mapping, then one commit for all of it. Consent comes first, so that nothing of
 * a visitor who did not grant it is looked at, kept or logged. Rejects with an `OutboxError` when nothing was stored.
 *
 * @returns the receipt, and the click id of the newest accepted event that has one.
 */
export async function accept(
  delivery: Delivery,
  outbox: Outbox,
  now: number,
  report: (report: AcceptReport) => void,
): Promise<{ receipt: Receipt; clickId?: string }> {
  const { door, items, tags } = delivery
  const best: Outcome[] = items.map(() => ({ kind: 'ignored' }))
  const fresh: { event: NewEvent; index: number }[] = []
  const withdrawals = new Map<string, Set<string>>()

  for (const tag of tags) {
    const own: typeof fresh = []
    for (const [index, item] of items.entries()) {
      let outcome = await judge(item, tag, delivery, now, report)
      if ('subjects' in outcome) {
        const { subjects } = outcome
        const known = withdrawals.get(tag.id) ?? new Set()
        withdrawals.set(tag.id, known)
        for (const subject of subjects) known.add(subject)
        // What this very request brought before is withdrawn too.
        for (const [position, { event, index: earlier }] of [...own.entries()].reverse()) {
          if (!event.subjects.some((subject) => subjects.includes(subject))) continue
          own.splice(position, 1)
          const said = best[earlier]!
          if (said.kind === 'accepted' && said.event === event) best[earlier] = DENIED
        }
        outcome = outcome.withdrawal ? { kind: 'withdrawn' } : DENIED
      }
      if (outcome.kind === 'accepted') own.push({ event: outcome.event, index })
      if (RANK[outcome.kind] > RANK[best[index]!.kind]) best[index] = outcome
    }
    fresh.push(...own)
  }

  for (const [tagId, subjects] of withdrawals) {
    if (subjects.size) report({ kind: 'withdrawn', tagId, events: await outbox.withdraw(tagId, [...subjects]) })
  }
  if (fresh.length) {
    const stored = await outbox.append(fresh.map(({ event }) => event))
    countAccepted(fresh, stored, door, report)
  }
  return settle(best, door, report)
}

const DENIED: Outcome = { kind: 'rejected', code: 'consent_denied', message: 'the visitor denied consent' }
const UNKNOWN: Outcome = {
  kind: 'rejected',
  code: 'consent_unknown',
  message: 'nothing says that the visitor granted consent',
}

type Judgement = Outcome | { subjects: readonly string[]; withdrawal: boolean }

async function judge(
  item: Item,
  tag: TagSettings,
  { door, visitor, sentAt }: Delivery,
  now: number,
  report: (report: AcceptReport) => void,
): Promise<Judgement> {
  if (item.kind === 'ignored') return { kind: 'ignored' }
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
    return { subjects: await withdrawnSubjects(event, tag, now), withdrawal: signal }
  }
  if (signal) return { kind: 'ignored' }
  if (state !== 'granted') {
    report({ kind: 'no-consent', door, rule })
    return state === 'denied' ? DENIED : UNKNOWN
  }

  const selected = selectEvent(event, tag.stream)
  if (!selected) return { kind: 'ignored' }
  const granted: ServerEvent = { ...event, consent: 'granted', time: correctTime(event.time, sentAt, now) }
  const mapped = await mapCapi(granted, {
    now,
    as: selected.as,
    overrides: selected.overrides,
    mapping: { action: tag.action },
    clientIpAddress: visitor ? visitor.address : event.user?.ipAddress,
    clientUserAgent: visitor ? visitor.userAgent : event.user?.userAgent,
    normalizePhone: (raw) => normalizePhone(raw, tag.defaultCountry),
  })
  if (!mapped.ok) return { kind: 'rejected', code: mapped.code, message: mapped.message }
  const wrong = door === 'browser' ? await judgeClaim(granted, mapped.event, tag, now) : undefined
  if (wrong) return { kind: 'rejected', ...wrong }
  for (const note of mapped.dropped) report({ kind: 'field-dropped', field: note.split(':', 1)[0]! })
  return { kind: 'accepted', event: toNewEvent(tag.id, event.id, mapped.event), clickId: mapped.event.userData.msclkid }
}

const toNewEvent = (tagId: string, id: string, capi: CapiEvent): NewEvent => ({
  tagId,
  id: capi.eventId ?? id,
  name: capi.eventName ?? '',
  eventTime: capi.eventTime * 1000,
  subjects: subjectsOf(capi),
  body: JSON.stringify(capi),
})

/** Whom a withdrawal is about, in the very form that events of theirs were stored with. */
async function withdrawnSubjects(event: ServerEvent, tag: TagSettings, now: number): Promise<readonly string[]> {
  const mapped = await mapCapi(
    { ...event, type: 'track', consent: 'granted', time: now },
    {
      now,
      as: 'custom',
      overrides: selectEvent(event, tag.stream)?.overrides,
      normalizePhone: (raw) => normalizePhone(raw, tag.defaultCountry),
    },
  )
  return mapped.ok ? subjectsOf(mapped.event) : []
}

function countAccepted(
  fresh: readonly { event: NewEvent }[],
  stored: readonly string[],
  door: DoorName,
  report: (report: AcceptReport) => void,
): void {
  const byTag = new Map<string, { events: number; duplicates: number }>()
  for (const [position, { event }] of fresh.entries()) {
    const sums = byTag.get(event.tagId) ?? { events: 0, duplicates: 0 }
    byTag.set(event.tagId, sums)
    sums.events += 1
    if (stored[position] === 'duplicate') sums.duplicates += 1
  }
  for (const [tagId, sums] of byTag) report({ kind: 'accepted', tagId, door, ...sums })
}

function settle(
  outcomes: readonly Outcome[],
  door: DoorName,
  report: (report: AcceptReport) => void,
): { receipt: Receipt; clickId?: string } {
  const receipt: Receipt = { accepted: 0, rejected: [], ignored: 0, withdrawn: 0 }
  let clickId: string | undefined
  for (const [index, outcome] of outcomes.entries()) {
    if (outcome.kind === 'rejected') {
      const { code, message } = outcome
      receipt.rejected.push({ index, code, message })
      report({ kind: 'rejected', door, code })
    } else {
      receipt[outcome.kind] += 1
      if (outcome.kind === 'accepted') clickId = outcome.clickId ?? clickId
      if (outcome.kind === 'ignored') report({ kind: 'ignored', door })
    }
  }
  return { receipt, ...(clickId !== undefined && { clickId }) }
}
