import Cookies from 'js-cookie'
import { canonicalClickId, canonicalVisitorId, uuidV4 } from '../core/identifiers.ts'
import { SYNC_MARK } from './id-sync.ts'
import type { UetOptions } from './options.ts'

/** Microsoft advises to keep a click id for 90 days; its own visitor id lives for 390. */
const CLICK_ID_DAYS = 90
const VISITOR_ID_DAYS = 390

/** How long an answer counts. Data protection authorities advise to ask again after six months. */
const CHOICE_DAYS = 180
const CHOICE = '_uetkit'

/** First-party storage. While consent is not granted, only `_choice` and `_forget` may be called. */
export interface Visitor {
  /**
   * The visitor's grant as an earlier page kept it; explicit = given by `uet.consent('granted')`, so it outweighs Global
   * Privacy Control. A denial is never stored: that would need consent itself.
   */
  _choice(): { state: 'granted'; explicit: boolean } | undefined
  /** Keeps the grant; one that was explicit stays so. */
  _remember(explicit: boolean): void
  /** Whether the grant was kept and now is gone. */
  _isLost(): boolean
  /** Keeps the click id of the address that brought the visitor. */
  _capture(): void
  /** The stored click id: 32 hex characters. */
  _clickId(): string | undefined
  /** Whether the tag has an id for the visitor. */
  _isKnown(): boolean
  /** The id that events of the visitor were sent with, if there is one. */
  _lastId(): string | undefined
  /** The tag's visitor id where it has one, else ours. 32 hex characters. */
  _visitorId(): string
  /** Deletes our ids, and on withdrawal the choice and what the tag stored, on every domain they can sit on. */
  _forget(withdrawn: boolean): void
}

/** Cookies and storage throw in sandboxed frames; then there are none. */
const quietly = <T>(action: () => T): T | undefined => {
  try {
    return action()
  } catch {
    return
  }
}

export function createVisitor(window: Window & typeof globalThis, { identifiers = {} }: UetOptions): Visitor {
  const { location } = window
  const { clickId = '_uetkit_click', visitorId = '_uetkit_visitor', days = VISITOR_ID_DAYS, domain } = identifiers
  // The address may lose its parameters before the visitor has answered.
  const landing = location.href
  // From the shortest: the browser refuses public suffixes, and the tag takes the first that holds. The last is the host.
  const labels = location.hostname.split('.')
  const widest = labels.map((_, index) => labels.slice(-index - 2).join('.'))
  const domains = domain ? [domain] : widest
  let fallback: string | undefined
  let kept = false

  const read = (name: string | false) => quietly(() => Cookies.get(name as string))
  const tagId = () => canonicalVisitorId(read('_uetvid'))
  const write = (name: string | false, value: string, expires: number | false) => {
    for (const candidate of domain === false ? [''] : [...domains, '']) {
      if (!name || read(name) === value) return
      quietly(() =>
        Cookies.set(name, value, {
          expires: (expires || undefined) as number,
          domain: candidate,
          sameSite: 'Lax',
          secure: location.protocol === 'https:',
        }),
      )
    }
  }
  const remove = (name: string | false) => {
    // The tag does not know our `domain`.
    for (const candidate of [...domains, ...widest, ''])
      quietly(() => name && Cookies.remove(name, { domain: candidate }))
  }

  const choice: Visitor['_choice'] = () => {
    const [, kind, time] = /^([gx])(\d+)$/.exec(read(CHOICE)!) ?? []
    kept = Date.now() / 864e5 - +time! < CHOICE_DAYS
    return kept ? { state: 'granted', explicit: kind === 'x' } : undefined
  }

  const lastId = () => tagId() ?? canonicalVisitorId(read(visitorId)) ?? fallback

  return {
    _choice: choice,
    _remember: (explicit) => {
      const kind = explicit || choice()?.explicit ? 'x' : 'g'
      write(CHOICE, kind + Math.floor(Date.now() / 864e5), CHOICE_DAYS)
      choice()
    },
    _isLost: () => kept && !choice(),
    _capture: () => {
      for (const address of [landing, location.href]) {
        const id = canonicalClickId(/[?&]msclkid=([^&#]*)/i.exec(address)?.[1])
        if (id) write(clickId, id, CLICK_ID_DAYS)
      }
    },
    // https://help.ads.microsoft.com/#apex/ads/en/53056/2
    _clickId: () => canonicalClickId(read(clickId)) ?? canonicalClickId(read('_uetmsclkid')),
    _isKnown: () => !!tagId(),
    _lastId: lastId,
    _visitorId: () => {
      const id = lastId() ?? (fallback = uuidV4().replace(/-/g, ''))
      write(visitorId, id, days)
      return id
    },
    _forget: (withdrawn) => {
      fallback = undefined
      kept &&= !withdrawn
      for (const name of [clickId, visitorId]) remove(name)
      quietly(() => window.sessionStorage.removeItem(SYNC_MARK))
      // The tag's cookies have twins of the same name in localStorage.
      for (const name of withdrawn ? [CHOICE, '_uetsid', '_uetvid', '_uetmsclkid'] : [])
        for (const twin of [name, `${name}_exp`]) {
          remove(twin)
          quietly(() => window.localStorage.removeItem(twin))
        }
    },
  }
}
