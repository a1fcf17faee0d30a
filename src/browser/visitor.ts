import Cookies from 'js-cookie'
import { canonicalClickId, canonicalVisitorId, uuidV4 } from '../core/identifiers.ts'
import type { UetOptions } from './options.ts'

/** Cookies of the tag script, with twins of the same name in localStorage. https://help.ads.microsoft.com/#apex/ads/en/53056/2 */
const TAG_COOKIES = ['_uetsid', '_uetvid', '_uetmsclkid']

/** Microsoft advises to keep a click id for 90 days; its own visitor id lives for 390. */
const CLICK_ID_DAYS = 90
const VISITOR_ID_DAYS = 390

/** How long an answer counts. Data protection authorities advise to ask again after six months. */
const CHOICE_DAYS = 180
const CHOICE = '_uetkit'

/** The visitor's grant as an earlier page kept it. A denial is never stored: that would need consent itself. */
export interface StoredChoice {
  state: 'granted'
  /** Given by `uet.consent('granted')`, so it outweighs Global Privacy Control. */
  explicit: boolean
}

/** First-party storage. While consent is not granted, only `choice` and `forget` may be called. */
export interface Visitor {
  choice(): StoredChoice | undefined
  /** Keeps the grant. */
  remember(explicit: boolean): void
  /** Keeps the click id of the address that brought the visitor. */
  capture(): void
  /** The stored click id: 32 hex characters. */
  clickId(): string | undefined
  /** The tag's visitor id where it has one, else ours. 32 hex characters. */
  visitorId(): string
  /** Deletes our ids, and on withdrawal the choice and what the tag stored, on every domain they can sit on. */
  forget(withdrawn: boolean): void
}

export function createVisitor(window: Window & typeof globalThis, { identifiers = {} }: UetOptions): Visitor {
  const { location } = window
  const { clickId = '_uetkit_click', visitorId = '_uetkit_visitor', days = VISITOR_ID_DAYS, domain } = identifiers
  const labels = location.hostname.split('.')
  // From the shortest: the browser refuses public suffixes, and the tag takes the first that holds.
  const domains =
    typeof domain === 'string'
      ? [domain]
      : [...labels.map((_, index) => labels.slice(-index - 1).join('.')).slice(1), undefined]
  let fallback: string | undefined

  /** Cookies throw in sandboxed frames; then there are none. */
  const quietly = <T>(action: () => T): T | undefined => {
    try {
      return action()
    } catch {
      return
    }
  }
  const read = (name: string | false) => (name ? quietly(() => Cookies.get(name)) : undefined)
  const write = (name: string | false, value: string, expires: number | false) => {
    if (!name || read(name) === value) return
    for (const candidate of domain === false ? [undefined] : domains) {
      quietly(() =>
        Cookies.set(name, value, {
          ...(expires && { expires }),
          ...(candidate && { domain: candidate }),
          sameSite: 'Lax',
          secure: location.protocol === 'https:',
        }),
      )
      if (read(name) === value) return
    }
  }
  const remove = (name: string | false) => {
    if (!name) return
    for (const candidate of new Set([...domains, undefined]))
      quietly(() => Cookies.remove(name, candidate ? { domain: candidate } : {}))
  }

  /** The address may have lost its parameters since the page was entered, while nobody had been asked yet. */
  const landed = (): string | undefined => {
    const [entry] = quietly(() => window.performance.getEntriesByType('navigation')) ?? []
    for (const address of [location.href, entry?.name]) {
      for (const [key, value] of quietly(() => new URL(address ?? '').searchParams) ?? []) {
        const id = /^msclkid$/i.test(key) && canonicalClickId(value)
        if (id) return id
      }
    }
    return
  }

  return {
    choice: () => {
      const [, kind, time] = /^([gx])(\d+)$/.exec(read(CHOICE) ?? '') ?? []
      const age = Date.now() - Number(time) * 1000
      return kind && age < CHOICE_DAYS * 864e5 ? { state: 'granted', explicit: kind === 'x' } : undefined
    },
    remember: (explicit) => write(CHOICE, `${explicit ? 'x' : 'g'}${Math.floor(Date.now() / 1000)}`, CHOICE_DAYS),
    capture: () => {
      const id = clickId && landed()
      if (id) write(clickId, id, CLICK_ID_DAYS)
    },
    clickId: () => canonicalClickId(read(clickId)) ?? canonicalClickId(read(TAG_COOKIES[2]!)),
    visitorId: () => {
      const id =
        canonicalVisitorId(read(TAG_COOKIES[1]!)) ??
        canonicalVisitorId(read(visitorId)) ??
        (fallback ??= uuidV4((bytes) => window.crypto.getRandomValues(bytes)).replace(/-/g, ''))
      write(visitorId, id, days)
      return id
    },
    forget: (withdrawn) => {
      fallback = undefined
      for (const name of [clickId, visitorId]) remove(name)
      if (!withdrawn) return
      for (const name of [CHOICE, ...TAG_COOKIES]) {
        for (const twin of [name, `${name}_exp`]) {
          remove(twin)
          quietly(() => window.localStorage.removeItem(twin))
        }
      }
    },
  }
}
