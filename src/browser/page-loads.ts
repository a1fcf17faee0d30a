import type { PageInfo } from '../core/event.ts'
import { uuidV4 } from '../core/identifiers.ts'
import { cleanText } from '../core/uet-params.ts'
import type { UetOptions } from './options.ts'
import type { Command, Tags } from './tag.ts'

/** What a caller or host says about the page; anything missing is read from the document. */
export interface PageClaim {
  url?: string | undefined
  path?: string | undefined
  referrer?: string | undefined
  title?: string | undefined
}

export interface PageLoads {
  /** Reports a page view. Returns what the tag got, empty where it took nothing; `undefined` where there is nothing to count. */
  _report(claim: PageClaim): Command | undefined
  /** Makes the page load that an event needs before it, if there was none. */
  _ensure(): void
  /** The page that events belong to now, redacted. */
  _current(): PageInfo
  /** Id of the current page load, `''` before the first. */
  _id(): string
}

/**
 * The first page load is the tag's own `pageLoad`; each later one must be a `page_view` with a path, because the tag
 * ignores every further `pageLoad`. https://help.ads.microsoft.com/#apex/ads/en/60118/1
 */
export function createPageLoads(
  window: Window & typeof globalThis,
  { redactUrl, pageLoads }: UetOptions,
  tags: Tags,
): PageLoads {
  const { document, location } = window
  /** URL of a page load made for an event; the `page()` call that should have come first then adds nothing. */
  let implied: string | undefined
  /** Once the tag was told a location it keeps it, so it is told each further one. */
  let told = !!redactUrl
  let id = ''
  /** The command of the first page load, for now. */
  let first: () => Command
  let info: PageInfo = {}

  /** Fail-closed: where the page's redaction fails, only the origin leaves. Always an address, as the tag takes it apart. */
  const redact = (url: string): string => {
    const origin = `${location.protocol}//${location.host}`
    try {
      return redactUrl && url ? new URL(redactUrl(url) || '', origin).href : url
    } catch {
      return origin
    }
  }

  const report = ({ url, path, title = document.title, referrer }: PageClaim): Command | undefined => {
    const { href } = location
    const [here] = href.split('#')
    let given = href
    try {
      // A path that starts with two slashes would name another host.
      given = new URL(url ?? path?.replace(/^\/+/, '/') ?? href, href).href
    } catch {}
    const canonical = document.querySelector<HTMLLinkElement>('link[rel=canonical]')?.href
    // Hosts state the canonical link, or the location without its fragment, where nobody chose a URL.
    const natural = [here, canonical, canonical + location.search].includes(given.split('#')[0])
    const repeated = natural && implied === here
    implied = undefined
    if (id && (repeated || pageLoads === 'auto')) return
    const opening = !id
    id = uuidV4()
    info = {
      url: redact(natural ? href : given),
      referrer: redact(referrer ?? (opening ? document.referrer : (info.url ?? ''))),
      title,
    }
    told ||= !natural
    const page_title = cleanText(title)
    const page_location = info.url!
    if (opening) {
      // A script that arrives late finds the address and title of a later view; one with half a character breaks the tag.
      // An address is told only where it has to be: the tag sends no referrer beside it.
      first = () => {
        told ||= href !== location.href
        return told || title !== document.title || /\p{Cs}/u.test(title)
          ? ['event', 'page_view', { page_title, ...(told && { page_location }) }]
          : ['pageLoad']
      }
      tags._pageLoad(first)
      return first()
    }
    // One that still waits for the script will be told its address, if that is another by now.
    if (!tags._pageLoadId()) first()
    const { pathname, search } = new URL(page_location, href)
    const params = { page_title, page_path: (pathname + search).replace(/^\/?/, '/'), ...(told && { page_location }) }
    return tags._event('page_view', params) ? ['event', 'page_view', params] : []
  }

  return {
    _report: report,
    _ensure: () => {
      if (id) return
      report({})
      implied = location.href.split('#')[0]
    },
    _current: () => ({ ...info, loadId: tags._pageLoadId() ?? id }),
    _id: () => (id && tags._pageLoadId()) || id,
  }
}
