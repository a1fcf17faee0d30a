import type { EmailRule } from '../core/normalize.ts'
import type { Known } from './diff.ts'
import type { Hashes } from './hashes.ts'
import type { ListAction, Transport } from './plan.ts'

/** Which list: the customer or account that owns it, and the cohort. */
export interface ListKey {
  /** `ParentId` of the list: the customer id or the account id, by its scope. */
  owner: string
  cohortId: string
}

export interface LastRun {
  /** Milliseconds since the epoch. */
  at: number
  added: number
  removed: number
  failed: number
}

export interface ListRecord extends ListKey {
  /** Unknown until Microsoft has answered. */
  listId?: string | undefined
  name: string
  /** Random text in the list's description, written down before the list is asked for: it finds the list of a lost reply. */
  marker: string
  /** How this list's members were normalised; other hashes could not be removed. */
  emailRule: EmailRule
  /** The list may hold people that nobody wrote down, until its content was replaced once. */
  reset: boolean
  /** How many people are on the list, as far as is known. */
  members: number
  /** When all members were last sent, in milliseconds since the epoch. */
  fullAt?: number | undefined
  lastRun?: LastRun | undefined
}

/** One call or one file that changes the list. */
export interface Change {
  action: ListAction
  by: Transport
  hashes: Hashes
}

/** A change whose outcome nobody wrote down: the run that sent it stopped. */
export interface OpenChange extends Change {
  id: number
  /** Bulk only: what Microsoft calls the upload. */
  requestId?: string | undefined
}

/** What became of a change's hashes; those in neither set took effect. */
export interface ChangeOutcome {
  /** Surely without effect. */
  rejected: Hashes
  /** With or without effect; nobody can tell. */
  doubtful: Hashes
}

/**
 * What we believe each list holds, as Microsoft never reads a list back. Hashes only. Every change is written down
 * before it is sent and settled when its answer is there, so that a run can stop at any instant and the next one knows
 * what is sure and what is not.
 */
export interface Ledger {
  /** Waits until no other run works on this list, calling `onWait` once if it has to. Answers the release. */
  lock(key: ListKey, options?: { signal?: AbortSignal | undefined; onWait?: () => void }): Promise<() => Promise<void>>
  find(key: ListKey): Promise<ListRecord | undefined>
  all(): Promise<ListRecord[]>
  /** Makes or updates the record; `members` is kept by `fold` alone. */
  save(record: ListRecord): Promise<void>
  /** Forgets the list and everybody on it. */
  forget(key: ListKey): Promise<void>
  /** What is known of one bucket, apart from changes that were not folded in. */
  known(key: ListKey, bucket: number): Promise<Known>
  /** Writes a change down before it is sent. */
  begin(key: ListKey, change: Change): Promise<number>
  /** Names the upload of a bulk change. */
  setRequest(id: number, requestId: string): Promise<void>
  settle(id: number, outcome: ChangeOutcome): Promise<void>
  /** Changes that were begun and not settled, oldest first. */
  open(key: ListKey): Promise<OpenChange[]>
  /** Takes all settled changes into the buckets and answers how many members there are now. */
  fold(key: ListKey): Promise<number>
  close(): Promise<void>
}
