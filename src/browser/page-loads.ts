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
  /** Reports a page view. Returns what the tag got; empty where it needs nothing. */
  _report(claim: PageClaim): Command
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

  const report = ({ url, path, title = document.title, referrer }: PageClaim): Command => {
    const { href } = location
    const [here] = href.split('#')
    let given = href
    try {
      given = new URL(url ?? path ?? href, href).href
    } catch {}
    const canonical = document.querySelector<HTMLLinkElement>('link[rel=canonical]')?.href
    // Hosts state the canonical link, or the location without its fragment, where nobody chose a URL.
    const natural = [here, canonical, canonical + location.search].includes(given.split('#')[0])
    const repeated = natural && implied === here
    implied = undefined
    if (id && (repeated || pageLoads === 'auto')) return []
    const opening = !id
    id = uuidV4()
    info = {
      url: redact(natural ? href : given),
      referrer: redact(referrer ?? (opening ? document.referrer : (info.url ?? ''))),
      title,
    }
    told ||= !natural
    const params = { page_title: cleanText(title), page_location: info.url } as Record<string, string>
    if (opening) {
      // A script that arrives late finds the address and title of a later view; one with half a character breaks the tag.
      const command = () =>
        told || href !== location.href || title !== document.title || /\p{Cs}/u.test(title)
          ? ['event', 'page_view', params]
          : ['pageLoad']
      tags._pageLoad(command)
      return command()
    }
    const view = new URL(info.url!, href)
    params.page_path = (view.pathname + view.search).replace(/^\/?/, '/')
    if (!told) delete params.page_location
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
