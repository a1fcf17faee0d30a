import type { UetEvent } from './event.ts'

/** Where a field is read: a dotted path into the event (`properties.order_id`), or a value that is always the same. */
export type Override = string | { const: unknown }

/** Path in the Conversions API (`customData.transactionId`) → where to read it. */
export type Overrides = Readonly<Record<string, Override>>

export interface StreamRule {
  /** Exact event name, several, or `*` for every event. A page event without a name goes by `page`. */
  event: string | readonly string[]
  /** Left out: a page becomes a page load, everything else is custom. */
  as?: 'custom' | 'pageLoad' | undefined
  map?: Overrides | undefined
}

/** Which events leave for the Conversions API, and as what. */
export interface Stream {
  /** `true` by default. */
  enabled?: boolean | undefined
  /** The first that fits wins; where none fits the event stays. Left out or empty: every event leaves. */
  rules?: readonly StreamRule[] | undefined
}

export interface Selection {
  as: 'custom' | 'pageLoad'
  overrides: Overrides
}

/** What becomes of an event, or `undefined` when it does not leave. */
export function selectEvent(event: Pick<UetEvent, 'type' | 'name'>, stream: Stream = {}): Selection | undefined {
  const { enabled = true, rules = [] } = stream
  if (!enabled) return
  const page = event.type === 'page'
  const as = page ? 'pageLoad' : 'custom'
  if (!rules.length) return { as, overrides: {} }
  const name = event.name || (page ? 'page' : '')
  const rule = rules.find(
    ({ event: names }) =>
      names === '*' || names === name || (typeof names !== 'string' && (names.includes(name) || names.includes('*'))),
  )
  return rule && { as: rule.as ?? as, overrides: rule.map ?? {} }
}
