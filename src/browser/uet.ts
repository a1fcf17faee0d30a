import type { ConsentDecision } from '../core/consent.ts'
import type { Properties, UetEvent } from '../core/event.ts'
import { uuidV4 } from '../core/identifiers.ts'
import { type Mapping, mapUet } from '../core/map-uet.ts'
import { readPath } from '../core/paths.ts'
import { cleanText } from '../core/uet-params.ts'
import { createConsent } from './consent/consent.ts'
import { syncIds } from './id-sync.ts'
import { hashIdentity, type Identity } from './identity.ts'
import { createLog } from './log.ts'
import { isFaulty, tagIds, type UetOptions } from './options.ts'
import { createPageLoads, type PageClaim } from './page-loads.ts'
import { createSender } from './sender.ts'
import { createTags, NOBODY, QUEUE_LIMIT } from './tag.ts'
import type { AnyReport, ScriptReport, Uet, UetContext, UetReports } from './types.ts'
import { createVisitor } from './visitor.ts'

/** Trackers of this page by tag id: a second one of the same tag would count everything twice. */
const REGISTRY = Symbol.for('uetkit')

const NO_SCRIPT = 'the tag script is not there'

/** Reports kept for listeners that come late. */
const HISTORY_LIMIT = 200

/**
 * Starts a tracker of those tags that none runs yet, or returns the one that does. Wrong options warn once on the console and give
 * one that does nothing, as does a place without a `window`.
 */
export function createUet(options: UetOptions): Uet {
  try {
    if (!isFaulty(options) && typeof window === 'object') {
      const registry = ((window as never as Record<symbol, Record<string, Uet>>)[REGISTRY] ??= {})
      const ids = tagIds(options)
      const tagId = ids.filter((id) => !registry[id])
      const uet = tagId[0] ? startUet({ ...options, tagId }, window, !Object.keys(registry)[0]) : registry[ids[0]!]!
      for (const id of tagId) registry[id] = uet
      return uet
    }
  } catch {}
  const nothing = () => {}
  return {
    page: nothing,
    track: nothing,
    identify: nothing,
    consent: nothing,
    reset: nothing,
    on: () => nothing,
    state: () => ({
      consent: 'unknown',
      consentSource: 'off',
      script: 'off',
      tagIds: [],
      pageLoadId: '',
      queued: 0,
      dropped: 0,
    }),
  }
}

function startUet(options: UetOptions, window: Window & typeof globalThis, isFirst: boolean): Uet {
  const log = createLog(options.debug)
  const listeners = new Set<(entry: AnyReport) => void>()
  const mapping = {
    action: 'track',
    category: 'category',
    currency: 'currency',
    ecommerce: true,
    ...options.mapping,
  } as Mapping
  let dropped = 0
  let identity: Identity = {}
  /** Granted events on their way to the relay: until the visitor's id or the tag script's fate is known. */
  let held: UetEvent[] = []
  /** The tag has sent something: if it has an id for the visitor, it is stored now. */
  let hasSent = false
  /** Calls that wait for the hashes of an `identify` before them. */
  const later: (() => void)[] = []
  let hashing = 0
  /** Counts the users forgotten: hashes that were asked for before are of the past. */
  let user = 0
  let chain = Promise.resolve()

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
  /** What was reported so far, for whoever looks at the page later. */
  const history: AnyReport[] = []
  const emit = <K extends keyof UetReports>(topic: K, report: UetReports[K]) => {
    const entry = { topic, report, time: Date.now() } as AnyReport
    history.splice(0, history.push(entry) - HISTORY_LIMIT)
    ;[...listeners].forEach((listener) => listener(entry))
  }

  const tags = createTags(
    window,
    options,
    log,
    guard((report: ScriptReport) => {
      emit('script', report)
      deliver()
    }),
    isFirst,
  )
  const visitor = createVisitor(window, options)
  const pageLoads = createPageLoads(window, options, tags)
  // Before the sender's own listener, which sends what waits as a beacon.
  window.addEventListener('pagehide', () => {
    release()
    guard(deliver)(true)
  })
  window.addEventListener(
    'UetEvent',
    guard(() => {
      hasSent = true
      deliver()
    }),
  )
  const sender =
    options.relay &&
    createSender(
      window,
      options.relay,
      (report) => emit('relay', report),
      () => look(),
    )

  const granted = () => consent._decision().state === 'granted'

  /** The tag's id of the visitor is the one to use, so nothing with an id leaves before it is known. */
  const deliver = (isLeaving?: boolean) => {
    const { status } = tags._report()
    // Without anybody to tell, no event pays for reading cookies.
    if (!(sender ?? options.idSync)) return
    look()
    if (!granted() || !(hasSent || isLeaving || status === 'blocked' || visitor._isKnown())) return
    const { pageLoads: views = 'blocked', events = 'always' } = options.relay ?? {}
    held = held.filter((event) => {
      const when = event.type === 'page' ? views : events
      if (when === 'always' || status === 'blocked')
        sender!._send({
          ...event,
          user: { ...event.user, anonymousId: visitor._visitorId(), msclkid: visitor._clickId() },
        })
      else return status !== 'ready'
      return
    })
    if (options.idSync) syncIds(window, options.idSync.customerId, visitor._visitorId(), identity.externalId)
  }

  const forgetUser = () => {
    user++
    if (identity.em || identity.ph) tags._command('set', NOBODY)
    identity = {}
  }

  /** What waits goes on with a grant. Without one nothing is left of it, nor of what an earlier page kept. */
  const follow = () => {
    if (granted()) return sender?._resume()
    held = []
    sender?._clear()
    forgetUser()
  }

  const consent = createConsent(
    window,
    options,
    tags,
    visitor,
    log,
    (decision: ConsentDecision) => {
      follow()
      emit('consent', decision)
      deliver()
    },
    () => sender?._withdraw({ ...identity, anonymousId: visitor._lastId(), msclkid: visitor._clickId() }),
  )
  /** Another tab may have withdrawn. */
  const look = guard(consent._read)
  const start = consent._decision()
  follow()
  emit('consent', start)

  /** Sends a granted event through the relay. */
  const relay = (event: UetEvent) => {
    const when = event.type === 'page' ? options.relay?.pageLoads : options.relay?.events
    if (sender && granted() && when !== 'never' && held.length < QUEUE_LIMIT) held.push({ ...event, user: identity })
    deliver(held.length === QUEUE_LIMIT)
  }

  const identify = (userId: unknown, traits: unknown) => {
    if (!granted()) return log('identify: nothing is kept while consent is not granted')
    if (!window.isSecureContext) log('identify needs https')
    hashing++
    const of = user
    chain = chain
      .then(() => hashIdentity(userId, traits, identity))
      .then((found) => {
        log('identify', found)
        if (of !== user || !granted()) return
        const { em = '', ph = '' } = found
        if (em !== (identity.em ?? '') || ph !== (identity.ph ?? '')) tags._command('set', { pid: { em, ph } })
        identity = found
        deliver()
      })
      .catch(log)
      .then(() => {
        if (!--hashing) release()
      })
  }

  /** Reads a call's consent at once, and runs it after the hashes that were asked for before it. */
  const inOrder = (call: () => void, properties: unknown, context: unknown) => {
    look(properties, context)
    if (hashing) later.push(guard(call))
    else guard(call)()
  }
  const release = () => later.splice(0).forEach((run) => run())

  const toEvent = (
    type: UetEvent['type'],
    name: string | undefined,
    properties: Properties | null | undefined,
    context: UetContext | undefined,
  ): UetEvent => {
    const { state } = consent._decision()
    let time = 0
    try {
      time = +new Date(readPath(context, 'time') as string)
    } catch {}
    return {
      type,
      // The same clean text as the tag gets: deduplication compares them.
      id: cleanText(readPath(context, 'id')) ?? uuidV4(),
      ...(name && { name }),
      time: time > 0 ? time : Date.now(),
      ...(state !== 'unknown' && { consent: state }),
      page: pageLoads._current(),
      properties: properties ?? {},
    }
  }

  const drop = (...why: unknown[]) => {
    dropped++
    log('dropped', ...why)
  }

  const page: Uet['page'] = (properties, context) => {
    const claim: PageClaim = {}
    for (const key of ['url', 'path', 'title', 'referrer'] as const) {
      const value = readPath(properties, key) ?? readPath(context, `page.${key}`)
      if (typeof value === 'string') claim[key] = value
    }
    const args = pageLoads._report(claim)
    const event = toEvent('page', undefined, properties, context)
    log('page', args)
    emit('event', { event, args: args ?? [], notes: [] })
    if (args?.length === 0) drop('page', NO_SCRIPT)
    if (args) relay(event)
    else deliver()
  }

  const track: Uet['track'] = (name, properties, context) => {
    const { allow, deny } = options.events ?? {}
    const label = cleanText(name)
    if (!label) return drop('track() needs an event name')
    if (deny?.includes(name) || allow?.includes(name) === false) return drop(name, 'by option events')
    pageLoads._ensure()
    const event = toEvent('track', label, properties, context)
    const { action, params, conversion, dropped: notes } = mapUet(event, mapping)
    const args = ['event', action, params]
    if (!tags._event(action, params)) drop(name, NO_SCRIPT)
    log(name, args, ...notes)
    const full = { ...event, conversion }
    emit('event', { event: full, args, conversion, notes })
    relay(full)
  }

  return {
    page: (properties, context) => inOrder(() => page(properties, context), properties, context),
    track: (name, properties, context) => inOrder(() => track(name, properties, context), properties, context),
    identify: guard(identify),
    consent: guard(consent._answer),
    state: () => {
      const { state, source } = consent._decision()
      const { status, reason } = tags._report()
      return {
        consent: state,
        consentSource: source,
        script: status,
        ...(reason && { scriptReason: reason }),
        tagIds: tagIds(options),
        pageLoadId: pageLoads._id(),
        queued: tags._queued(),
        dropped,
      }
    },
    on: (topic, listener) => {
      const all = topic === '*'
      const entry = guard((each: AnyReport) => {
        if (all || each.topic === topic) listener((all ? each : each.report) as never)
      })
      listeners.add(entry)
      if (all) history.forEach(entry)
      return () => void listeners.delete(entry)
    },
    reset: guard(() => {
      deliver(true)
      visitor._forget(false)
      forgetUser()
    }),
  }
}
