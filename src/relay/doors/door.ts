import type { ServerEvent } from '../../core/event.ts'
import type { Fault } from '../../core/parse-event.ts'

/** Which way an event came in. */
export type DoorName = 'browser' | 'server' | 'segment' | 'amplitude'

/** What a door made of one element of a body. */
export type Item =
  /** `preferences`: the visitor's consent categories, where the sender's form has them. */
  | { kind: 'event'; event: ServerEvent; preferences?: unknown }
  /** A statement about consent without an event: only who it is about and the signals of `event` count. */
  | { kind: 'signal'; event: ServerEvent; preferences?: unknown }
  /** Nothing that the Conversions API knows, such as a group of users. */
  | { kind: 'ignored' }
  | { kind: 'faulty'; faults: readonly Fault[] }

/** An element that is not accepted. `code` is one of a fixed set. */
export interface Rejection {
  index: number
  code: string
  message: string
}
