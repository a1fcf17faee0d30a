import type { ConsentState } from './event.ts'
import { has } from './paths.ts'
import { trimmed } from './text.ts'

/** Consent categories of a visitor, as consent tools and Segment's `context.consent` state them. */
export type CategoryPreferences = Record<string, unknown>

/** `unknown`: no signal is managed, so nothing may identify the visitor. */
export interface ConsentDecision {
  state: ConsentState | 'unknown'
  /** What decided: `default`, `region`, `gpc`, `stored`, `category`, `property`, `api`, `tcf`, `off`, or a source's name. */
  source: string
  /** Global Privacy Control holds until the visitor grants explicitly. */
  gpc?: boolean | undefined
  /** Nobody has answered yet: a default of the site or of its consent tool. It is neither kept nor does it delete. */
  assumed?: boolean | undefined
}

export interface ConsentSignal {
  state: ConsentState
  source: string
  assumed?: boolean | undefined
}

/** The signal of a value on an event: `granted`/`denied`, any case, or a boolean. Anything else is no signal. */
export function parseConsent(value: unknown): ConsentState | undefined {
  const word = trimmed(value).toLowerCase() || value
  if (word === true || word === 'granted') return 'granted'
  return word === false || word === 'denied' ? 'denied' : undefined
}

/**
 * A configured default, which also knows Segment's `ALLOWED`. An odd value denies: the tag itself treats all but the
 * exact word `denied` as granted, so nothing odd may reach it.
 */
export function parseDefault(value: unknown): ConsentState {
  return value === true || /^(granted|allowed)$/i.test(trimmed(value)) ? 'granted' : 'denied'
}

/**
 * What the visitor's categories say: granted when all of ours are `true`, denied when one is `false` or missing (a tool
 * that states preferences states all of them), no signal when one holds something else.
 * https://www.twilio.com/docs/segment/privacy/consent-management
 */
export function categorySignal(preferences: unknown, categories: readonly string[]): ConsentState | undefined {
  if (!preferences || typeof preferences !== 'object' || !categories.length) return
  let state: ConsentState | undefined = 'granted'
  for (const name of categories) {
    try {
      const value = has.call(preferences, name) && (preferences as CategoryPreferences)[name]
      if (value === false) return 'denied'
      if (value === true) continue
    } catch {}
    state = undefined
  }
  return state
}

/** Signals of the same moment, such as one event's: an answer beats an assumption, then the stricter wins. */
export function stricter(a: ConsentSignal | undefined, b: ConsentSignal | undefined): ConsentSignal | undefined {
  if (a && b && !a.assumed !== !b.assumed) return a.assumed ? b : a
  return a?.state === 'denied' || !b ? a : b.state === 'denied' || !a ? b : a
}

/** The decision before any live signal. A stored choice beats the default; only an explicit one beats GPC. */
export function startConsent(
  fallback: ConsentDecision,
  gpc: boolean,
  stored?: { state: ConsentState; explicit: boolean },
): ConsentDecision {
  if (gpc && !(stored?.explicit && stored.state === 'granted')) return { state: 'denied', source: 'gpc', gpc: true }
  return stored ? { state: stored.state, source: 'stored' } : fallback
}

/** Later beats earlier, but an assumption never beats an answer, and only an explicit grant (`api`) lifts GPC. */
export function decideConsent(current: ConsentDecision, signal: ConsentSignal): ConsentDecision {
  if (current.gpc && (signal.source !== 'api' || signal.state === 'denied')) return current
  return signal.assumed && !current.assumed ? current : signal
}
