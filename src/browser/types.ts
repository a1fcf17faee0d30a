import type { CategoryPreferences, ConsentDecision } from '../core/consent.ts'
import type { ConsentState, Conversion, Properties, UetEvent } from '../core/event.ts'

/** What a host library knows about a call; everything is optional. */
export interface UetContext {
  /** Id of the event in the host, e.g. Segment's `messageId`. It becomes ours. */
  id?: string | undefined
  /** Milliseconds since the epoch, a `Date`, or an ISO 8601 string. */
  time?: number | string | Date | undefined
  anonymousId?: string | null | undefined
  userId?: string | null | undefined
  page?:
    | {
        url?: string | undefined
        path?: string | undefined
        referrer?: string | undefined
        title?: string | undefined
      }
    | undefined
  consent?: HostConsent | undefined
}

/** What a host states of the visitor's consent: category → allowed. */
export interface HostConsent {
  categoryPreferences?: CategoryPreferences | undefined
}

/** What became of the tag script. `waiting`: not requested yet (basic consent, prerendered page). */
export type ScriptStatus = 'off' | 'waiting' | 'loading' | 'ready' | 'blocked'

/** Why the script is `blocked`: no answer came, the wrong one came, none came in time, or the page forbids it. */
export type BlockedReason = 'network' | 'empty' | 'timeout' | 'forbidden'

/** A snapshot for people and tests; nothing in it is live. */
export interface UetState {
  /** `unknown` while no consent signal is managed (`consent: false`, `consent.tcf`). */
  consent: ConsentState | 'unknown'
  /**
   * What decided it: `default`, `region`, `gpc`, `stored`, `category`, `property`, `api`, or a source's name; `off` or `tcf`
   * where nothing is decided.
   */
  consentSource: string
  script: ScriptStatus
  /** With `script: 'blocked'` only. */
  scriptReason?: BlockedReason
  tagIds: string[]
  /** UUID of the current page load: the tag's `mid` when it is known. `''` before the first one. */
  pageLoadId: string
  /** Events that wait in the page for the tag script. */
  queued: number
  /** Events not taken since the start: refused data, deny list, full queue. */
  dropped: number
}

/** What `on('event')` reports, once for each `page` or `track` call that was taken. */
export interface EventReport {
  event: UetEvent
  /** Arguments of the tag's `push`; empty where the tag gets nothing. */
  args: unknown[]
  conversion?: Conversion
  /** What was left out of it, and why. */
  notes: string[]
}

export interface ScriptReport {
  status: ScriptStatus
  reason?: BlockedReason
}

/** What a relay answered to a batch: HTTP status, or 0 where no answer came. */
export interface RelayReport {
  status: number
  ids: string[]
}

interface Topics {
  relay: RelayReport
  event: EventReport
  consent: ConsentDecision
  script: ScriptReport
}

/** Any report, and when it was made, in milliseconds since the epoch. */
export type AnyReport = { [K in keyof Topics]: { topic: K; report: Topics[K]; time: number } }[keyof Topics]

/** What each topic of `on` reports; `*` is all of them, the last 200 from before first. */
export interface UetReports extends Topics {
  '*': AnyReport
}

/** One running tracker. No method throws or rejects, whatever the arguments. */
export interface Uet {
  /** Reports a page view: the first becomes the tag's page load, each later one an SPA page load. */
  page(properties?: Properties | null, context?: UetContext): void
  /** Reports a custom event: label = `name`, value = revenue, category, action `track`. */
  track(name: string, properties?: Properties | null, context?: UetContext): void
  /** Enhanced conversions: hashes `email` and `phone` and hands them to the tag, only while consent is granted. */
  identify(userId?: string | null, traits?: Properties | null): void
  /**
   * The visitor's own answer; it also lifts Global Privacy Control. Categories that a host states count as they do on an
   * event, by the option `consent.category`.
   */
  consent(answer: ConsentState | HostConsent): void
  state(): UetState
  /** Listens; returns the function that stops it. */
  on<K extends keyof UetReports>(topic: K, listener: (report: UetReports[K]) => void): () => void
  /** Forgets the user and their stored ids. */
  reset(): void
}
