import type { OutboxErrorCode } from '../outbox.ts'
import type { Room } from './room.ts'
import type { OperationName, Operations } from './store.ts'

/** What the worker is started with. */
export type WorkerData = Room

type Tail<Args extends unknown[]> = Args extends [unknown, ...infer Rest] ? Rest : []
export type Arguments<Name extends OperationName> = Tail<Parameters<Operations[Name]>>

export interface Call {
  name: OperationName
  args: readonly unknown[]
}

/** Calls that were made in the same moment. */
export interface Batch {
  id: number
  now: number
  calls: Call[]
}

export type Request = Batch | 'close'

export interface ErrorResult {
  error: { code: OutboxErrorCode; message: string; retryAfterMs: number }
}
export type CallResult = { value: unknown } | ErrorResult

/** What became of several appends that went as one call. */
export interface AppendAnswer {
  /** Places of the rows that were stored before. */
  duplicates: number[]
  /** Appends of which nothing was stored, by their place, in order. */
  refused: { at: number; error: ErrorResult['error'] }[]
}

export type Reply =
  | { id: number; results: CallResult[] }
  | { commitMs: number; events: number }
  | { notice: 'failed' | 'recovered' | 'set-aside'; message: string }
