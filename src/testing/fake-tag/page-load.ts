import { type Pair, pair, type Sender } from './beacon.ts'
import type { WireParams } from './event-params.ts'
import { uuidV4 } from './ids.ts'
import type { Tag } from './types.ts'

export interface PageLoads {
  /** Sends a page load if this one counts. Returns whether it did. */
  load(params: WireParams): boolean
  /** The `p` of custom events. */
  pageOfEvents(): string
}

const withoutQuery = (url: string): string => url.replace(/\?[^#]*/, '')

/** `p` of a page in a frame is the first referrer up the chain that is not blank. */
function framedReferrer(window: Window): string {
  let frame: Window = window
  while (frame !== frame.parent) {
    try {
      if (frame.document.referrer !== '') return frame.document.referrer
    } catch {
      // Another origin's frame: nothing to read there.
    }
    frame = frame.parent
  }
  return ''
}

/**
 * Page loads: the first is the page's own, later ones count only with a `page_path` and get a new `mid`. The `p` of
 * such a virtual page is the previous origin with the path, and its referrer is the previous page.
 */
export function createPageLoads(tag: Tag, sender: Sender, isMidExternal: () => boolean): PageLoads {
  const { window, options, live } = tag
  let previousPage: string | undefined
  let location: string | undefined

  const pageUrl = (): string => (window.self === window.top ? window.location.href : framedReferrer(window))

  const virtualUrl = (path: string): string => {
    const base = previousPage ?? pageUrl()
    if (!path.startsWith('/')) return base
    const { protocol, host } = new URL(base)
    return `${protocol}//${host}${path}`
  }

  const renewMid = (): void => {
    if (options.disableVisibilityEvents !== true) sender.ping('pageHide')
    if (isMidExternal()) return
    live.beaconParams.mid = uuidV4(window)
    live.beaconParams.bo = 0
  }

  const addresses = (path: string | undefined, given: string | undefined): { p: string; r: string } => {
    const referrer = window.document.referrer
    if (path !== undefined) return { p: virtualUrl(path), r: previousPage ?? referrer }
    if (given !== undefined) return { p: given, r: '' }
    const clean = options.removeQueryFromUrls === true ? withoutQuery : (url: string): string => url
    return { p: clean(pageUrl()), r: clean(referrer) }
  }

  const keywords = (): Pair[] => {
    const content = window.document.querySelector('meta[name="keywords"]')?.getAttribute('content')
    return content ? [['kw', encodeURIComponent(content).replace(/%2C/g, ',')]] : []
  }

  return {
    load(params) {
      const path = params.get('page_path')
      const given = params.get('page_location')
      const isFirst = !live.pageLoadDispatch
      if (!isFirst && path === undefined) return false
      if (!isFirst) renewMid()

      const { p, r } = addresses(path, given)
      const extra = [...params]
        .filter(([key]) => !['page_title', 'page_path', 'page_location'].includes(key))
        .map(([key, value]) => pair(key, value))
      if (path !== undefined && given !== undefined) extra.push(pair('page_location', given))
      const last: Pair[] = path === undefined ? [] : [['spa', 'Y'], pair('page_path', path)]

      live.pageLoadDispatch = true
      previousPage = p
      // Once told, the tag keeps a location for the events that follow, whatever later page loads leave out.
      location = given ?? location
      sender.beacon(
        'pageLoad',
        [
          pair('lg', window.navigator.language),
          pair('tl', params.get('page_title') ?? window.document.title),
          ...keywords(),
          pair('p', p),
          pair('r', r),
          ...extra,
        ],
        [['sv', '2'], ...last],
      )
      return true
    },
    pageOfEvents: () => withoutQuery(location ?? pageUrl()),
  }
}
