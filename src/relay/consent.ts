import { categorySignal, parseConsent } from '../core/consent.ts'
import type { ServerEvent } from '../core/event.ts'
import { readPath } from '../core/paths.ts'
import type { DoorName } from './doors/door.ts'
import type { TagSettings } from './settings.ts'

/** What decided. `gpc`: Global Privacy Control; `none`: there was no signal at all. */
export type ConsentRule = 'event' | 'category' | 'property' | 'assume' | 'gpc' | 'none'

export interface RelayConsent {
  state: 'granted' | 'denied' | 'unknown'
  rule: ConsentRule
}

export interface ConsentInput {
  door: DoorName
  event: ServerEvent
  preferences?: unknown
  /** The browser sent `Sec-GPC: 1`. */
  gpc: boolean
}

/**
 * Whether an event may leave, by everything that is said about it: the strictest signal wins, and no signal is no
 * consent. Only servers may rely on the operator's word; a browser always states what its visitor chose.
 *
 * Global Privacy Control counts as denied, unless the event carries a grant and the tag lets that win.
 * https://www.w3.org/TR/gpc/
 */
export function judgeConsent(
  { door, event, preferences, gpc }: ConsentInput,
  tag: TagSettings['consent'],
): RelayConsent {
  const { category, property, assume } = tag
  const signals: [ConsentRule, ReturnType<typeof parseConsent>][] = [['event', event.consent]]
  if (category !== undefined && preferences !== undefined && preferences !== null) {
    // Stated, but not in a form that says yes: not granted.
    const signal = categorySignal(preferences, typeof category === 'string' ? [category] : category)
    signals.push(['category', signal ?? 'denied'])
  }
  if (property !== undefined) signals.push(['property', parseConsent(readPath(event, property))])

  const denied = signals.find(([, state]) => state === 'denied')
  if (denied) return { state: 'denied', rule: denied[0] }
  if (gpc && !(event.consent === 'granted' && tag.gpc === 'consent-wins')) return { state: 'denied', rule: 'gpc' }
  const granted = signals.find(([, state]) => state === 'granted')
  if (granted) return { state: 'granted', rule: granted[0] }
  if (door !== 'browser' && assume !== undefined) return { state: assume, rule: 'assume' }
  return { state: 'unknown', rule: 'none' }
}
