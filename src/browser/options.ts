import type { ConsentState, UetEvent } from '../core/event.ts'

/** Reports consent changes of a consent tool; returns the function that stops it. See `uetkit/consent`. */
export interface ConsentSourceApi {
  name: string
  subscribe(report: (state: ConsentState) => void, window: Window): () => void
}

export interface ConsentOptions {
  /** State before any signal: `denied` (default) or `granted`; `ALLOWED`/`DENIED` are read too, or `byRegion(table)`. */
  default?: string | (() => ConsentState) | undefined
  /** Category, or all of several, whose preference decides `ad_storage`. */
  category?: string | string[] | undefined
  /** Dotted path of the event property that decides it. */
  property?: string | undefined
  /** Live sources, see `uetkit/consent`. */
  sources?: ConsentSourceApi[] | undefined
  /** `advanced` (default) loads the tag script at once, `basic` only once consent is granted. */
  load?: 'advanced' | 'basic' | undefined
  /** Milliseconds that the tag waits for an update before it sends, 0 (default) to 10000. */
  waitForUpdate?: number | undefined
  /** Global Privacy Control counts as denied until an explicit grant. Default `true`. */
  gpc?: boolean | undefined
  /** Lets the tag script read the TCF string; excludes every other consent option. Default `false`. */
  tcf?: boolean | undefined
}

export interface UetOptions {
  /** One tag id, or several; each gets its own queue variable (`uetq`, then `uetq_<id>`). */
  tagId: string | number | (string | number)[]
  /** `false`: no consent signal is ever sent. An object switches consent mode on. Left out = `false`, with a notice. */
  consent?: false | ConsentOptions | undefined
  mapping?:
    | {
        /** UET action. Default `track`. */
        action?: string | ((event: UetEvent) => string) | undefined
        /** Dotted paths into the properties. Defaults: event name, `category`, `revenue`, `currency`. */
        label?: string | undefined
        category?: string | undefined
        value?: string | undefined
        currency?: string | undefined
        /** Further documented UET parameters: parameter name → dotted path. */
        parameters?: Record<string, string> | undefined
        /** Products, ids, page type, transaction id and search term from e-commerce events. Default `true`. */
        ecommerce?: boolean | undefined
      }
    | undefined
  /** Exact event names. `deny` wins. */
  events?: { allow?: string[] | undefined; deny?: string[] | undefined } | undefined
  /** First-party cookies of ours, written only while consent is granted. */
  identifiers?:
    | {
        /** Domain of the cookies; `false` = this host only. Default: the widest that the browser takes, like the tag's. */
        domain?: string | false | undefined
        /** Life of the visitor id, default 390; `false` = the session. A click id lives for 90 days. */
        days?: number | false | undefined
        /** Name of the click-id cookie, default `_uetkit_click`; `false` = none. */
        clickId?: string | false | undefined
        /** Name of the visitor-id cookie, default `_uetkit_visitor`; `false` = none. */
        visitorId?: string | false | undefined
      }
    | undefined
  /** Also sends granted events through a relay. */
  relay?:
    | {
        url: string
        key?: string | undefined
        /** Default `blocked`: only when the tag script is blocked. */
        pageLoads?: 'blocked' | 'always' | 'never' | undefined
        /** Default `always`. */
        events?: 'always' | 'blocked' | undefined
      }
    | undefined
  /** Microsoft's ID-sync image, once a session, only while granted. */
  idSync?: { customerId: string | number } | undefined
  /** Who makes page loads after the first: `calls` (default) = `page()`, `auto` = the tag script's own SPA tracking. */
  pageLoads?: 'calls' | 'auto' | undefined
  script?:
    | {
        /** Address of the tag script. Default Microsoft's. */
        src?: string | undefined
        nonce?: string | undefined
        /** `false` keeps the tag script from loading its per-tag container script. Default `true`. */
        container?: boolean | undefined
        /** Name of the Trusted Types policy to create, default `uetkit`, or a policy. */
        trustedTypesPolicy?: string | { createScriptURL(url: string): unknown } | undefined
      }
    | undefined
  /** Applied to every URL that leaves through us. */
  redactUrl?: ((url: string) => string) | undefined
  /** Explains each decision on the console. */
  debug?: boolean | undefined
}

/**
 * Every option and what it may hold, in the words that a warning uses: kinds, or the very values. Attributes of the
 * script element are read by the same table.
 */
const TABLE = `tagId digits
consent.default text|function
consent.category text|list
consent.property text
consent.sources objects
consent.load advanced|basic
consent.waitForUpdate 0-10000
consent.gpc boolean
consent.tcf boolean
mapping.action text|function
mapping.label text
mapping.category text
mapping.value text
mapping.currency text
mapping.parameters object
mapping.ecommerce boolean
events.allow list
events.deny list
pageLoads calls|auto
identifiers.domain text|false
identifiers.days days|false
identifiers.clickId text|false
identifiers.visitorId text|false
relay.url text
relay.key text
relay.pageLoads blocked|always|never
relay.events always|blocked
idSync.customerId digits
script.src text
script.nonce text
script.container boolean
script.trustedTypesPolicy text|object
redactUrl function
debug boolean`

/** Options that hold options. */
export const GROUPS = ['consent', 'mapping', 'events', 'identifiers', 'relay', 'idSync', 'script']

/** Option path → kinds. */
export const RULES: Record<string, string[]> = Object.fromEntries(
  TABLE.split('\n').map((line) => [line.split(' ')[0], line.split(' ')[1]!.split('|')]),
)

export const list = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value])

const isText = (value: unknown) => typeof value === 'string' && !!value.trim()

/** What each kind accepts; a word that is not here is a `typeof` or the value itself. */
const KINDS: Record<string, (value: unknown) => boolean> = {
  text: isText,
  list: (value) => Array.isArray(value) && value.every(isText),
  objects: Array.isArray,
  object: (value) => !!value && typeof value === 'object' && !Array.isArray(value),
  // https://help.ads.microsoft.com/#apex/ads/en/56681/2
  digits: (value) => `${value}` !== '' && list(value).every((id) => /^\d{1,20}$/.test(`${id}`)),
  '0-10000': (value) => (value as number) >= 0 && (value as number) <= 1e4,
  days: (value) => (value as number) > 0,
  false: (value) => value === false,
}

export const isKind = (value: unknown, kind: string): boolean =>
  KINDS[kind]?.(value) ?? (value === kind || (typeof value === kind && kind !== 'object'))

const complain = (path: string, value: unknown, kinds: string[]) => {
  let shown: string | undefined
  try {
    shown = JSON.stringify(value)
  } catch {}
  return `option ${path} is ${`${shown}`.slice(0, 80)}: use ${kinds.join(' or ')}`
}

/** The first thing that is wrong with the options: its name, its value and the remedy. */
export function findFault(options: unknown, prefix = ''): string | undefined {
  if (!isKind(options, 'object')) return complain(prefix || 's', options, ['object'])
  if (!prefix && (options as UetOptions).tagId === undefined) return complain('tagId', undefined, ['digits'])
  for (const [key, value] of Object.entries(options as object)) {
    const path = prefix + key
    const kinds = Object.getOwnPropertyDescriptor(RULES, path)?.value as string[] | undefined
    if (value === undefined || (path === 'consent' && value === false)) continue
    if (kinds && !kinds.some((kind) => isKind(value, kind))) return complain(path, value, kinds)
    if (!kinds && !GROUPS.includes(path)) return `option ${path} is unknown: remove it`
    const fault = !kinds && findFault(value, `${path}.`)
    if (fault) return fault
    if (path === 'consent.tcf' && value && Object.keys(options as object).length > 1)
      return 'consent.tcf decides alone: remove the other consent options'
  }
  return
}
