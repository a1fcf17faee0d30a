import { type Pair, pair, type Sender } from './beacon.ts'
import { addPid, readEventParams, type WireParams } from './event-params.ts'
import { inheritedNames } from './known-events.ts'
import { encodeLegacy, readLegacyEvent } from './legacy.ts'
import type { PageLoads } from './page-load.ts'
import { PARAMS } from './params.ts'
import type { Tag } from './types.ts'

type Params = Record<string, unknown>

/** The only parameters that a page load keeps. */
const PAGE_VIEW_PARAMS = ['page_title', 'page_location', 'page_path', 'rep', 'tpp', 'gtm_tag_source', 'pid']

export interface Events {
  /** `push('set', params)`: parameters of the page, which later events may take over. */
  set(params: unknown): void
  /** One `push` that is neither `set`, `consent` nor `config`; unknown forms are ignored. */
  handle(args: unknown[]): void
}

const isObject = (value: unknown): value is Params => typeof value === 'object' && value !== null

/** Turns queue calls into page loads and custom events. */
export function createEvents(
  tag: Tag,
  sender: Sender,
  pageLoads: PageLoads,
  hooks: { onFirstPageLoad(): void; drainStub(): void },
): Events {
  const { window, options, live, record } = tag
  const pageParams: Params = {}
  if (isObject(options.pagePid)) pageParams.pid = options.pagePid

  const report = (errMsg: string): void => {
    record.errors.push(errMsg)
    const detail = { errMsg, tagId: live.beaconParams.ti }
    window.dispatchEvent(new window.CustomEvent('uetError', { detail }))
    sender.error(errMsg)
  }

  const withInherited = (action: unknown, params: Params): Params => {
    const inherited: Params = {}
    for (const name of inheritedNames(action)) {
      if (params[name] === undefined && pageParams[name] !== undefined) inherited[name] = pageParams[name]
    }
    return inherited
  }

  const read = (action: unknown, params: Params): WireParams => {
    // Reflect.set: on a frozen object the action is lost without an error, as it is with the real script.
    Reflect.set(params, 'event_action', action)
    const wire = readEventParams(params, report)
    for (const [key, value] of readEventParams(withInherited(action, params), report)) wire.set(key, value)
    return wire
  }

  const sendCustom = (pairs: Pair[], isNewSyntax: boolean): void => {
    if (pairs.length === 0) return
    const marks: Pair[] = isNewSyntax ? [['en', 'Y']] : []
    if (options.allRep === true && !pairs.some(([key]) => key === 'rep')) marks.push(['rep', '1'])
    sender.beacon('custom', [...pairs, ...marks, pair('p', pageLoads.pageOfEvents())])
  }

  const sendPid = (pid: unknown): void => {
    const wire: WireParams = new Map()
    addPid(wire, pid, report)
    const value = wire.get('pid')
    if (value !== undefined) sender.beacon('pid', [pair('pid', value)])
  }

  const readGtagPid = (): void => {
    const data = (window as unknown as { enhanced_conversion_data?: unknown }).enhanced_conversion_data
    if (options.gtagPid === true && isObject(data)) pageParams.pid = data
  }

  const pageView = (params: Params): void => {
    const isFirst = !live.pageLoadDispatch
    if (isFirst) readGtagPid()
    const kept: Params = {}
    for (const name of PAGE_VIEW_PARAMS) if (params[name] !== undefined) kept[name] = params[name]
    const all = { ...withInherited('page_view', kept), ...kept }
    const wire = readEventParams(all, report)
    if (options.allRep === true) wire.set('rep', '1')
    if (isFirst && typeof options.gtmTagSource === 'string') wire.set('gtm_tag_source', options.gtmTagSource)
    if (!pageLoads.load(wire)) return
    if (wire.has('pid')) sendPid(all.pid)
    if (!isFirst) return
    hooks.onFirstPageLoad()
    hooks.drainStub()
  }

  const attempt = (run: () => void): void => {
    try {
      run()
    } catch (error) {
      if (typeof error === 'string') report(error)
      throw error
    }
  }

  const event = (action: unknown, params: Params): void => {
    if (action === 'page_view') pageView(params)
    else sendCustom(toPairs(read(action, params)), true)
  }

  const legacy = (object: Params): void => sendCustom(encodeLegacy(readLegacyEvent(object, report)), false)

  const isScalar = (value: unknown): boolean => typeof value === 'string' || typeof value === 'number'

  return {
    set(params) {
      if (!isObject(params)) return
      for (const name of Object.keys(params)) {
        if (name === 'pid' || PARAMS.has(name)) pageParams[name] = params[name]
      }
      if (typeof params.vid === 'string' && params.vid !== '') {
        Object.assign(live.beaconParams, { vid: params.vid, vids: '3' })
      }
      if (params.pid !== undefined && live.pageLoadDispatch) sendPid(params.pid)
    },
    handle(args) {
      const [first, action, params] = args
      const target = Array.isArray(first) ? first[0] : first
      if (first === 'pageLoad') {
        if (args.length > 1 || options.disableAutoPageView === true || live.pageLoadDispatch) return
        attempt(() => pageView({}))
        return
      }
      const isEvent = first === 'event' && isScalar(action)
      if (!isEvent && !isObject(target)) return
      attempt(() => (isEvent ? event(action, isObject(params) ? params : {}) : legacy(target as Params)))
      if (options.disableAutoPageView === true) hooks.drainStub()
    },
  }
}

const toPairs = (wire: WireParams): Pair[] => [...wire].map(([key, value]) => pair(key, value))
