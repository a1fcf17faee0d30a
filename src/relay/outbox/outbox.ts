/** An event that a door accepted, ready for the Conversions API. */
export interface NewEvent {
  tagId: string
  /** CAPI `eventId`. Part of the key of deduplication. */
  id: string
  /** CAPI `eventName`, `''` without one. Part of the key of deduplication, as it is on Microsoft's side. */
  name: string
  /** When it happened, milliseconds since the epoch. One in the future counts as now. */
  eventTime: number
  /** Whom it is about: the values of every identifier in it. `withdraw` finds it by any of them. */
  subjects: readonly string[]
  /** The CAPI event as JSON text. */
  body: string
}

/** `duplicate`: the same tag, id and name was stored within the deduplication window, so nothing was added. */
export type Stored = 'stored' | 'duplicate'

export interface ClaimOptions {
  /** At most so many events. */
  limit: number
  /** The claim ends before the bodies exceed this; one event always fits. No bound when left out. */
  maxBytes?: number
  /** Until then nobody else gets these events; afterwards they wait again, with no attempt counted. */
  leaseMs: number
}

export interface ClaimedEvent {
  /** Names the event within this store; never used twice. */
  ref: string
  id: string
  name: string
  body: string
  /** Milliseconds since the epoch. */
  eventTime: number
  /** Milliseconds since the epoch. */
  receivedAt: number
  /** Failed sendings so far that counted. */
  attempts: number
}

export interface Claim {
  /** Names the lease. */
  id: string
  tagId: string
  /** Longest due first. Empty when nothing is due. */
  events: ClaimedEvent[]
  /** How long until an event of this tag that is not in `events` is due: 0 = now. Undefined when none waits. */
  nextInMs: number | undefined
}

/**
 * What became of a claimed event. `delivered` removes it even when the lease was lost meanwhile; the other two then
 * change nothing, because another claim decides.
 */
export type Settlement =
  | { ref: string; kind: 'delivered' }
  /** Waits again. `inMs` is at most `MAX_DELAY_MS`; `attempted` says whether it counts as a failed sending. */
  | { ref: string; kind: 'again'; inMs: number; attempted: boolean }
  | { ref: string; kind: 'dead'; reason: string }

/** An event that will not be sent again unless somebody asks for it. */
export interface DeadLetter {
  ref: string
  tagId: string
  id: string
  name: string
  reason: string
  attempts: number
  /** Milliseconds since the epoch. */
  eventTime: number
  receivedAt: number
  diedAt: number
}

/** Which dead letters: those named, those of a tag, or, with neither, all. */
export interface DeadSelection {
  refs?: readonly string[]
  tagId?: string
}

export interface DeadPage extends DeadSelection {
  /** At most so many, oldest first. */
  limit: number
  /** `ref` of the last one of the page before. */
  after?: string
}

/**
 * The books of one tag since the store was made. They always balance:
 * accepted = duplicates + delivered + withdrawn + purged + waiting + leased + dead.
 */
export interface TagCounts {
  tagId: string
  /** Events given to `append`, duplicates included. */
  accepted: number
  duplicates: number
  delivered: number
  withdrawn: number
  /** Dead letters removed, by hand or after their retention. */
  purged: number
  waiting: number
  leased: number
  dead: number
  /** When the oldest event that is neither delivered nor dead was received; milliseconds since the epoch. */
  oldestWaitingAt: number | undefined
}

export interface OutboxHealth {
  /** True when an event appended now would be accepted. */
  writable: boolean
  /** Why not, and what to do; or what else an operator should know. */
  problem?: string
  usedBytes: number
  /** From 95 % of it on nothing more is accepted. Undefined without a bound of ours. */
  limitBytes?: number
}

export interface SweepOptions {
  /** Events received before this (ms since the epoch) and never delivered die with the reason `expired`. */
  expireBefore: number
}

export interface Swept {
  /** Waiting events that died of age, by tag. */
  expired: Record<string, number>
  /** Dead letters removed because their retention ended. */
  purged: number
}

/** Keys of delivered events are remembered for CAPI's seven days and one more. */
export const DEDUP_WINDOW_MS = 8 * 86_400_000

/** How long dead letters are kept, by default. */
export const DEAD_RETENTION_MS = 30 * 86_400_000

/**
 * The longest an event may wait for its next attempt, and the longest lease. One that is due later than this can only
 * come from a clock that was set back, so it counts as due.
 */
export const MAX_DELAY_MS = 3_600_000

/** What every implementation takes. */
export interface OutboxOptions {
  /** Milliseconds since the epoch. */
  now?: () => number
  /** 30 days by default. */
  deadRetentionMs?: number
  /** Told about what an operator should know, and about each commit. */
  onNotice?: (notice: OutboxNotice) => void
}

export type OutboxNotice =
  | { kind: 'commit'; durationMs: number; events: number }
  /** `failed`: the store stopped working; `recovered`: it works again; `set-aside`: a damaged store was replaced. */
  | { kind: 'failed' | 'recovered' | 'set-aside'; message: string }

/**
 * Where accepted events wait for Microsoft. Any number of relays may share one: whatever they do at the same time,
 * an event is given to one of them at a time, and it leaves only by `settle`, `withdraw` or `purgeDead`.
 *
 * Every method throws `OutboxError`, and only that, when the store cannot do what it was asked; then it did nothing
 * that it reports as done.
 */
export interface Outbox {
  /**
   * Stores all of these events or none. Once it resolves, they outlive the process, and with a durable store the
   * machine. The answers stand in the order of the events.
   */
  append(events: readonly NewEvent[]): Promise<Stored[]>
  /** Takes due events of one tag, for this caller alone, until the lease ends. */
  claim(tagId: string, options: ClaimOptions): Promise<Claim>
  /** Prolongs a lease to `leaseMs` from now. False when none of its events is held any more. */
  extend(claimId: string, leaseMs: number): Promise<boolean>
  /** Ends the lease of these events. Answers how many it no longer held. */
  settle(claimId: string, settlements: readonly Settlement[]): Promise<{ lost: number }>
  /**
   * Deletes what is not delivered and about any of these subjects, dead letters included. What is being sent at this
   * moment cannot be called back, but is not sent again. Answers how many events were deleted.
   */
  withdraw(tagId: string, subjects: readonly string[]): Promise<number>

  deadLetters(page: DeadPage): Promise<DeadLetter[]>
  /** One dead letter with its CAPI JSON. */
  deadLetter(ref: string): Promise<(DeadLetter & { body: string }) | undefined>
  /** Lets dead letters wait again, due now, with no attempt counted. Answers how many. */
  retryDead(selection: DeadSelection): Promise<number>
  purgeDead(selection: DeadSelection): Promise<number>

  /** Tags that events were ever accepted for. */
  counts(): Promise<TagCounts[]>
  health(): Promise<OutboxHealth>
  /** Ends what is too old: waiting events, dead letters, remembered keys. To be called every minute or so. */
  sweep(options: SweepOptions): Promise<Swept>
  /**
   * `listener` hears of events that became due, wherever they were appended; it may also be called for nothing.
   * Returns the function that ends this.
   */
  onDue(listener: (tagId: string, events: number) => void): () => void
  /** Finishes what was asked before. Later calls throw `OutboxError` with the code `closed`. */
  close(): Promise<void>
}

/**
 * `full`: no room by the limit set, or none on the disk. `busy`: more is waiting to be stored than the store keeps up
 * with. `unavailable`: the store does not work at the moment. `unusable`: it will not without somebody's help.
 * `closed`: the relay is stopping.
 */
export type OutboxErrorCode = 'full' | 'busy' | 'unavailable' | 'unusable' | 'closed'

/**
 * The store could not do it. For an HTTP client this is always a 503 with `Retry-After: retryAfterMs / 1000`. The
 * message says what failed, where, and what to do; it never holds an event.
 */
export class OutboxError extends Error {
  override readonly name = 'OutboxError'
  readonly code: OutboxErrorCode
  /** Milliseconds after which trying again makes sense. */
  readonly retryAfterMs: number

  constructor(code: OutboxErrorCode, message: string, options: { retryAfterMs?: number; cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : {})
    this.code = code
    this.retryAfterMs = options.retryAfterMs ?? 5_000
  }
}
