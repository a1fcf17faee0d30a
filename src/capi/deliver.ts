import { CAPI_MAX_AGE, CAPI_MAX_EVENTS } from '../core/capi-json.ts'
import { delivered, type FieldWarning, failed, type Outcome } from './outcome.ts'
import type { Finding, Verdict } from './response.ts'

/** Microsoft names no limit; connectors of other vendors stay below one megabyte. */
const MAX_BYTES = 1_000_000

/** Single events refused in words that are not Microsoft's, before the fault is looked for elsewhere. */
const MAX_SUSPECTS = 3

/** One event on its way: as text, because a thousand of them as objects take several times the memory. */
export interface Parcel {
  json: string
  /** UTF-8 bytes of it. */
  bytes: number
  /** Seconds since the epoch. */
  eventTime: number
  outcome?: Outcome
  /** Its time was set to Microsoft's clock, which happens once. */
  retimed?: true
  /** It is sent alone once more, because it was refused in words that are not Microsoft's. */
  doubted?: true
}

/**
 * Sends parcels until each has its outcome. A batch is taken or refused as a whole, so nothing is sent twice, but a
 * refusal lists ten findings at most, warnings among them. So the events that it names as bad get their outcome, the
 * others are sent again, and a batch of which it names none is halved.
 * https://learn.microsoft.com/en-us/advertising/guides/uet-conversion-api-integration
 *
 * @param post Sends one batch; never rejects.
 * @param now Our clock, in seconds since the epoch.
 */
export async function deliver(
  parcels: readonly Parcel[],
  post: (batch: readonly Parcel[]) => Promise<Verdict>,
  now: () => number,
): Promise<void> {
  const waiting = toBatches(parcels).reverse()
  const suspects: Parcel[] = []
  let accepted = false
  const halve = (batch: Parcel[]) => {
    const middle = Math.ceil(batch.length / 2)
    waiting.push(batch.slice(middle), batch.slice(0, middle))
  }

  /** Where others came through the same way, a suspect gets a second chance before it is to blame. */
  const next = () => {
    const [suspect] = !waiting.length && accepted ? suspects.splice(0, 1) : []
    if (suspect) suspect.doubted = true
    return suspect ? [suspect] : waiting.pop()
  }

  for (let batch = next(); batch; batch = next()) {
    const verdict = await post(batch)
    if (verdict.kind === 'stop') {
      settle([batch, ...waiting].flat(), verdict.outcome)
      break
    }
    if (verdict.kind === 'accepted' || (verdict.kind === 'refused' && isNamed(verdict.findings, batch))) {
      accepted ||= verdict.kind === 'accepted'
      const rest = verdict.kind === 'accepted' ? settleTaken(batch, verdict) : settleNamed(batch, verdict, now())
      if (rest.length) waiting.push(rest)
    } else if (batch.length > 1) halve(batch)
    else if (verdict.kind === 'refused') settle(batch, failed('invalid', verdict.code))
    else if (verdict.kind === 'oversize') settle(batch, failed('invalid', 'oversize'))
    else if (batch[0]!.doubted) settle(batch, failed('invalid', 'http-400'))
    else {
      suspects.push(...batch)
      if (accepted || suspects.length < MAX_SUSPECTS) continue
      settle(waiting.flat(), failed('retry', 'http-400'))
      break
    }
  }
  settle(suspects, failed('retry', 'http-400'))
}

function settle(parcels: readonly Parcel[], outcome: Outcome): void {
  for (const parcel of parcels) parcel.outcome = outcome
}

const isNamed = (findings: readonly Finding[], batch: readonly Parcel[]) => errorsOf(findings, batch).size > 0

/** The first error of each event that has one. */
function errorsOf(findings: readonly Finding[], batch: readonly Parcel[]): Map<Parcel, Finding> {
  const errors = new Map<Parcel, Finding>()
  for (const finding of findings) {
    const parcel = batch[finding.index]
    if (parcel && !finding.isWarning && !errors.has(parcel)) errors.set(parcel, finding)
  }
  return errors
}

const invalid = ({ code, property }: Finding) => failed('invalid', property ? `${code}: ${property}` : code)

/** Gives the named events their outcome; answers the others. */
function settleNamed(batch: Parcel[], { findings, serverTime }: Verdict & { kind: 'refused' }, now: number): Parcel[] {
  const errors = errorsOf(findings, batch)
  return batch.filter((parcel) => {
    const error = errors.get(parcel)
    if (!error) return true
    const { eventTime } = parcel
    if (error.property === 'eventTime' && serverTime && eventTime > serverTime && !parcel.retimed) {
      // Our clock is ahead of theirs.
      parcel.retimed = true
      parcel.eventTime = serverTime
      parcel.json = JSON.stringify({ ...JSON.parse(parcel.json), eventTime: serverTime })
      return true
    }
    const tooOld = error.property === 'eventTime' && now - eventTime > CAPI_MAX_AGE - 3_600
    parcel.outcome = tooOld ? failed('expired', 'expired') : invalid(error)
    return false
  })
}

/**
 * Gives the events of a batch that was taken their outcome. Should Microsoft have taken it in part, which it was not
 * asked to, and not name all that it left out, then answers those that have to be sent again.
 */
function settleTaken(batch: Parcel[], { findings, received }: Verdict & { kind: 'accepted' }): Parcel[] {
  // Where all were counted, nothing was an error, though answers of before August 2026 do not tell the two apart.
  const errors = errorsOf(received === batch.length ? [] : findings, batch)
  for (const [parcel, error] of errors) parcel.outcome = invalid(error)
  const rest = batch.filter((parcel) => !errors.has(parcel))
  const missing = received !== undefined && received < rest.length
  if (missing && errors.size) return rest
  const warnings = new Map<Parcel, FieldWarning[]>()
  for (const { index, property, code } of findings) {
    const parcel = batch[index]
    if (!parcel) continue
    if (!warnings.has(parcel)) warnings.set(parcel, [])
    warnings.get(parcel)!.push({ property, code })
  }
  for (const parcel of rest) {
    const found = warnings.get(parcel) ?? []
    // Perhaps duplicates are not counted; sending them for ever would be the wrong answer to that.
    parcel.outcome = delivered(missing ? [...found, { property: '', code: 'NotCounted' }] : found)
  }
  return []
}

function toBatches(parcels: readonly Parcel[]): Parcel[][] {
  const batches: Parcel[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const parcel of parcels) {
    bytes += parcel.bytes + 1
    if (bytes > MAX_BYTES || batches.at(-1)!.length >= CAPI_MAX_EVENTS) {
      batches.push([])
      bytes = parcel.bytes
    }
    batches.at(-1)!.push(parcel)
  }
  return batches
}
