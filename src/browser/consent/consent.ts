import {
  type ConsentDecision,
  type ConsentSignal,
  categorySignal,
  decideConsent,
  parseConsent,
  parseDefault,
  startConsent,
  stricter,
} from '../../core/consent.ts'
import { readPath } from '../../core/paths.ts'
import { type Log, warn } from '../log.ts'
import { list, type UetOptions } from '../options.ts'
import type { Tags } from '../tag.ts'
import type { Visitor } from '../visitor.ts'

export interface Consent {
  _decision(): ConsentDecision
  /** Reads the signals on a call, before the call itself is sent. */
  _read(properties?: unknown, context?: unknown): void
  /** The visitor's own answer, or what a host states of it. */
  _answer(answer: unknown): void
}

/** Decides `ad_storage` and tells the tags: the default before anything else, then each change, once. */
export function createConsent(
  window: Window & typeof globalThis,
  { consent }: UetOptions,
  tags: Tags,
  visitor: Visitor,
  log: Log,
  onChange: (decision: ConsentDecision) => void,
  /** The last that is done under a grant before it is taken back on this page. */
  onWithdraw: () => void,
): Consent {
  const tcf = typeof consent === 'object' && consent.tcf
  const managed = consent && !tcf ? consent : undefined
  let decision: ConsentDecision = { state: 'unknown', source: tcf ? 'tcf' : 'off' }
  let started = false
  let cleared = false
  let watched = false

  const load = () => {
    if (managed?.load === 'basic' && decision.state !== 'granted') return
    // A prerendered page may never be seen: nothing is requested before it is.
    const { document } = window
    if ((document as { prerendering?: boolean }).prerendering) document.addEventListener('prerenderingchange', load)
    else tags._load()
  }

  /** What follows from a decision in force, on the visitor's own device. */
  const enact = (changed?: boolean) => {
    const { state, source, assumed } = decision
    if (state === 'granted') {
      cleared = false
      tags._refuse(false)
      visitor._capture()
      if (!assumed && source !== 'stored') visitor._remember(source === 'api')
      // Not at the start: it connects the page to its storage, which takes a millisecond.
      if (!watched) window.addEventListener('storage', look)
      watched = true
    } else if (!cleared && (changed || !assumed)) {
      // A refusal also clears what an earlier page or another script left; a mere default does not yet speak for anybody.
      cleared = true
      tags._refuse(managed?.load === 'basic')
      visitor._forget(true)
    }
  }

  const signal = (found: ConsentSignal | undefined) => {
    if (!found || !managed) return
    const next = decideConsent(decision, found)
    // Each push costs a ping, so only a change is pushed.
    const changed = next.state !== decision.state
    // Another tab that withdrew has told it itself.
    if (changed && decision.state === 'granted' && found.source !== 'stored') onWithdraw()
    decision = next
    if (changed) tags._command('consent', 'update', { ad_storage: decision.state })
    enact(changed)
    if (!changed) return
    log('consent', decision)
    onChange(decision)
    load()
  }

  /** Another tab may have withdrawn, the answer may have expired, or the visitor may have cleared the cookies. */
  const lost = () => (visitor._isLost() ? ({ state: 'denied', source: 'stored' } as const) : undefined)
  const look = () => signal(lost())

  if (consent === undefined)
    warn(
      "option consent is not set: conversions from the EEA, UK and Switzerland are lost. Use { default: 'denied', category: '…' }, or false to send no signal",
    )
  if (tcf) tags._command('config', 'tcf', { enabled: true })
  if (managed) {
    const { default: fallback = 'denied', waitForUpdate } = managed
    const region = typeof fallback === 'function'
    decision = startConsent(
      { state: parseDefault(region ? fallback() : fallback), source: region ? 'region' : 'default', assumed: true },
      managed.gpc !== false && !!(window.navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl,
      visitor._choice(),
    )
    let first: ConsentSignal | undefined
    for (const source of managed.sources ?? []) {
      let own: ConsentSignal | undefined
      try {
        source.subscribe((value, assumed) => {
          const state = parseConsent(value)
          if (!state) return
          const found = { state, source: source.name, assumed }
          if (started) signal(found)
          else if (!assumed || !own || own.assumed) own = found
        }, window)
      } catch (error) {
        log(error)
      }
      first = stricter(first, own)
    }
    if (first) decision = decideConsent(decision, first)
    const wait = decision.state === 'denied' && waitForUpdate
    tags._command('consent', 'default', { ad_storage: decision.state, ...(wait && { wait_for_update: wait }) })
    log('consent', decision)
    enact()
    // Before the tag listens too: it reports a page that comes back, and has to know by then.
    window.addEventListener('pageshow', look)
    // The tag tells when it has taken a signal; it may only now have stored what an earlier one allowed.
    window.addEventListener('UetConsent', () => {
      if (cleared && decision.state === 'denied') visitor._forget(true)
    })
  }
  started = true
  load()

  const read = (properties?: unknown, context?: unknown) => {
    const categories = managed?.category ? list(managed.category) : []
    const category = categorySignal(readPath(context, 'consent.categoryPreferences'), categories)
    const property = managed?.property && parseConsent(readPath(properties, managed.property))
    signal(
      stricter(
        category && { state: category, source: 'category' },
        property ? { state: property, source: 'property' } : undefined,
      ) ?? lost(),
    )
  }

  return {
    _decision: () => decision,
    _read: read,
    _answer: (given) => {
      const state = parseConsent(given)
      if (Object(given) === given) read(undefined, { consent: given })
      else if (!state) warn("consent() takes 'granted' or 'denied'")
      else if (!managed) warn('consent() needs the option consent')
      else signal({ state, source: 'api' })
    },
  }
}
