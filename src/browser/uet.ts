import type { Properties, UetEvent } from '../core/event.ts'
import { uuidV4 } from '../core/identifiers.ts'
import { type Mapping, mapUet } from '../core/map-uet.ts'
import { readPath } from '../core/paths.ts'
import { createConsent } from './consent/consent.ts'
import { createLog, warn } from './log.ts'
import { findFault, list, type UetOptions } from './options.ts'
import { createPageLoads, type PageClaim } from './page-loads.ts'
import { createTags } from './tag.ts'
import type { Uet, UetContext, UetReports, UetState } from './types.ts'

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

  const tags = createTags(window, options, log, (report) => emit('script', report))
  const pageLoads = createPageLoads(window, options, tags)
  const consent = createConsent(window, options, tags, log, (decision) => emit('consent', decision))

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
    log('page', args)
    emit('event', { event: toEvent('page', undefined, properties ?? {}, context ?? {}), args, notes: [] })
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
    if (!tags.event(action, params)) return drop(name, 'the tag script is not there')
    log(name, args, ...notes)
    emit('event', { event: { ...event, conversion }, args, conversion, notes })
  }

  return {
    page: guard(page),
    track: guard(track),
    identify: guard(() => {}),
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
    reset: guard(() => {}),
  }
}
