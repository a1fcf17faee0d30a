import type { ConsentDecision } from '../core/consent.ts'
import type { Properties, UetEvent } from '../core/event.ts'
import { uuidV4 } from '../core/identifiers.ts'
import { type Mapping, mapUet } from '../core/map-uet.ts'
import { readPath } from '../core/paths.ts'
import { createConsent } from './consent/consent.ts'
import { forgetSync, syncIds } from './id-sync.ts'
import { hashIdentity, type Identity } from './identity.ts'
import { createLog, warn } from './log.ts'
import { findFault, list, type UetOptions } from './options.ts'
import { createPageLoads, type PageClaim } from './page-loads.ts'
import { createSender } from './sender.ts'
import { createTags } from './tag.ts'
import type { ScriptReport, Uet, UetContext, UetReports, UetState } from './types.ts'
import { createVisitor } from './visitor.ts'

/** Trackers of this page by tag id: a second one of the same tag would count everything twice. */
const REGISTRY = Symbol.for('uetkit')

/**
 * Starts a tracker, or returns the one that runs these tags already. Wrong options warn once on the console and give
 * one that does nothing, as does a place without a `window`.
 */
export function createUet(options: UetOptions): Uet {
  const fault = findFault(options)
  if (fault) warn(`${fault}. uetkit stays off.`)
  if (!fault && typeof window === 'object') {
    try {
      const registry = ((window as never as Record<symbol, Record<string, Uet>>)[REGISTRY] ??= {})
      const ids = list(options.tagId)
      const uet = ids.map((id) => registry[id]).find(Boolean) ?? startUet(options, window)
      for (const id of ids) registry[id] ??= uet
      return uet
    } catch {}
  }
  const nothing = () => {}
  const state: UetState = {
    consent: 'unknown',
    consentSource: 'off',
    script: 'off',
    tagIds: [],
    pageLoadId: '',
    queued: 0,
    dropped: 0,
  }
  return {
    page: nothing,
    track: nothing,
    identify: nothing,
    consent: nothing,
    reset: nothing,
    on: () => nothing,
    state: () => state,
  }
}

type Listener = (report: never) => void

const HELD_LIMIT = 100

function startUet(options: UetOptions, window: Window & typeof globalThis): Uet {
  const log = createLog(options.debug)
  const listeners: [topic: string, listener: Listener][] = []
  const mapping = {
    action: 'track',
    category: 'category',
    currency: 'currency',
    parameters: {},
    ecommerce: true,
    ...options.mapping,
  } as Mapping
  let dropped = 0

  /** No call may throw into the page, whatever it was given; nor may a listener. */
  const guard =
    <A extends unknown[]>(call: (...args: A) => void) =>
    (...args: A): void => {
      try {
        call(...args)
      } catch (error) {
        log(error)
      }
    }
  const emit = <K extends keyof UetReports>(topic: K, report: UetReports[K]) => {
    for (const [name, listener] of [...listeners])
      if (name === topic) guard(listener as (report: UetReports[K]) => void)(report)
  }

  const onScript = (report: ScriptReport) => {
    emit('script', report)
    if (report.status === 'ready') held = []
    if (report.status === 'blocked') held.splice(0).forEach((event) => sender?.send(event))
    sync()
  }
  const tags = createTags(window, options, log, guard(onScript))
  const visitor = createVisitor(window, options)
  const pageLoads = createPageLoads(window, options, tags)
  const sender = options.relay && createSender(window, options.relay, log, (report) => emit('relay', report))
  let identity: Identity = {}
  /** Granted events that go to the relay only if the tag script turns out to be blocked. */
  let held: UetEvent[] = []
  /** Calls that wait for the hashes of an `identify` before them. */
  const later: (() => void)[] = []
  let hashing = 0

  const granted = () => consent.decision().state === 'granted'

  /** Both ids have settled once the tag script has answered, because its visitor id is the one to use. */
  const sync = () => {
    const { status } = tags.report()
    if (options.idSync && granted() && /ready|blocked/.test(status))
      syncIds(window, `${options.idSync.customerId}`, visitor.visitorId(), identity.externalId)
  }

  const forgetUser = () => {
    // Empty values clear the page-level data whether the tag replaces the old or merges into it.
    if (identity.em || identity.ph) tags.command('set', { pid: { em: '', ph: '' } })
    identity = {}
    forgetSync(window)
  }

  const onConsent = (decision: ConsentDecision) => {
    if (decision.state === 'granted') sync()
    else {
      held = []
      sender?.clear()
      forgetUser()
    }
    emit('consent', decision)
  }
  const consent = createConsent(window, options, tags, visitor, log, onConsent)
  if (granted()) sender?.resume()

  /** Sends a granted event through the relay, or holds it until the tag script's fate is known. */
  const relay = (event: UetEvent) => {
    const { pageLoads: views = 'blocked', events = 'always' } = options.relay ?? {}
    const when = event.type === 'page' ? views : events
    const { status } = tags.report()
    if (!sender || !granted() || when === 'never' || (when === 'blocked' && status === 'ready')) return
    const clickId = visitor.clickId()
    const full = {
      ...event,
      user: { ...identity, anonymousId: visitor.visitorId(), ...(clickId && { msclkid: clickId }) },
    }
    if (when === 'always' || status === 'blocked') sender.send(full)
    else if (held.length < HELD_LIMIT) held.push(full)
  }

  /** Runs a call after the hashes that were asked for before it. */
  const inOrder =
    <A extends unknown[]>(call: (...args: A) => void) =>
    (...args: A) => {
      const run = () => guard(call)(...args)
      if (hashing) later.push(run)
      else run()
    }
  const release = () => later.splice(0).forEach((run) => run())
  window.addEventListener('pagehide', release)

  const identify = (userId: unknown, traits: unknown) => {
    if (!granted()) return log('identify: nothing is kept while consent is not granted')
    hashing++
    hashIdentity(userId, traits, log)
      .then((found) => {
        if (!granted()) return
        const same = !found.externalId || !identity.externalId || found.externalId === identity.externalId
        identity = same ? { ...identity, ...found } : found
        const { em, ph } = identity
        if (em || ph || !same) tags.command('set', { pid: { em: em ?? '', ph: ph ?? '' } })
        sync()
      })
      .catch(log)
      .then(() => {
        if (!--hashing) release()
      })
  }

  const toEvent = (
    type: UetEvent['type'],
    name: string | undefined,
    properties: Properties,
    context: UetContext,
  ): UetEvent => {
    const { state } = consent.decision()
    const id = readPath(context, 'id')
    const time = +new Date(readPath(context, 'time') as string)
    return {
      type,
      id: typeof id === 'string' && id.trim() ? id : uuidV4((bytes) => window.crypto.getRandomValues(bytes)),
      ...(name && { name }),
      time: time > 0 ? time : Date.now(),
      ...(state !== 'unknown' && { consent: state }),
      page: pageLoads.current(),
      properties,
    }
  }

  const drop = (...why: unknown[]) => {
    dropped++
    log('dropped', ...why)
  }

  const page: Uet['page'] = (properties, context) => {
    consent.read(properties, context)
    const claim: PageClaim = {}
    for (const key of ['url', 'path', 'title', 'referrer'] as const) {
      const value = readPath(properties, key) ?? readPath(context, `page.${key}`)
      if (typeof value === 'string') claim[key] = value
    }
    const args = pageLoads.report(claim)
    const event = toEvent('page', undefined, properties ?? {}, context ?? {})
    log('page', args)
    emit('event', { event, args, notes: [] })
    if (args.length) relay(event)
    sync()
  }

  const track: Uet['track'] = (name, properties, context) => {
    consent.read(properties, context)
    const { allow, deny } = options.events ?? {}
    if (typeof name !== 'string' || !name.trim()) return drop('track() needs an event name')
    if (deny?.includes(name) || allow?.includes(name) === false) return drop(name, 'by option events')
    pageLoads.ensure()
    const event = toEvent('track', name, properties ?? {}, context ?? {})
    const { action, params, conversion, dropped: notes } = mapUet(event, mapping)
    const args = ['event', action, params]
    if (!tags.event(action, params)) drop(name, 'the tag script is not there')
    log(name, args, ...notes)
    const full = { ...event, conversion }
    emit('event', { event: full, args, conversion, notes })
    relay(full)
  }

  return {
    page: inOrder(page),
    track: inOrder(track),
    identify: guard(identify),
    consent: guard(consent.answer),
    state: () => {
      const { state, source } = consent.decision()
      const { status, reason } = tags.report()
      return {
        consent: state,
        consentSource: source,
        script: status,
        ...(reason && { scriptReason: reason }),
        tagIds: list(options.tagId).map(String),
        pageLoadId: pageLoads.id(),
        queued: tags.queued(),
        dropped,
      }
    },
    on: (topic, listener) => {
      const entry: [string, Listener] = [topic, listener]
      listeners.push(entry)
      return () => {
        const at = listeners.indexOf(entry)
        if (at >= 0) listeners.splice(at, 1)
      }
    },
    reset: guard(() => {
      forgetUser()
      visitor.forget(false)
    }),
  }
}
