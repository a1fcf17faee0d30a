import type { ConsentState, UetEvent } from '../core/event.ts'
import { warn } from './log.ts'

/**
 * Follows a consent tool, see `uetkit/consent`. `subscribe` reports the known choice at once, then each change, and
 * returns the function that stops it. What is neither `granted` nor `denied` is no signal. `assumed` marks what the tool
 * takes for given until the visitor answers: it never outweighs an answer, not even an earlier, stored one.
 */
export interface ConsentSourceApi {
  /** Shown as `state().consentSource`. */
  name: string
  subscribe(report: (state: ConsentState, assumed?: boolean) => void, window: Window): () => void
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
  /** Applied to every URL that leaves through us. Not with `pageLoads: 'auto'`, where the tag script sends its own. */
  redactUrl?: ((url: string) => string) | undefined
  /** Explains each decision on the console. */
  debug?: boolean | undefined
}

/**
 * Every option and what it may hold, in the words that a warning uses: kinds, or the very values; `!` = needed.
 * Attributes of the script element are read by the same table.
 */
const TABLE = `tagId digits!
consent group|false
consent.default text|function
consent.category text|list
consent.property text
consent.sources array
consent.load advanced|basic
consent.waitForUpdate 0-10000
consent.gpc boolean
consent.tcf boolean
mapping group
mapping.action text|function
mapping.label text
mapping.category text
mapping.value text
mapping.currency text
mapping.parameters object
mapping.ecommerce boolean
events group
events.allow list
events.deny list
pageLoads calls|auto
identifiers group
identifiers.domain text|false
identifiers.days 0-10000|false
identifiers.clickId text|false
identifiers.visitorId text|false
relay group
relay.url text!
relay.key text
relay.pageLoads blocked|always|never
relay.events always|blocked
idSync group
idSync.customerId digits!
script group
script.src text
script.nonce text
script.container boolean
script.trustedTypesPolicy text|object
redactUrl function
debug boolean`

/** Option path → kinds. */
export const RULES = new Map(TABLE.split('\n').map((line) => line.split(' ') as [path: string, kinds: string]))

export const list = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value])

/** Ids as text, each once; several may stand in one text, as in an attribute. */
export const tagIds = ({ tagId }: UetOptions): string[] => [...new Set(`${tagId}`.split(','))]

/** What each kind accepts; any other word is a `typeof`, or the value itself. */
const KINDS: Record<string, (value: unknown) => boolean> = {
  text: (value) => typeof value === 'string' && !!value.trim(),
  list: (value) => Array.isArray(value) && value.every(KINDS.text!),
  array: Array.isArray,
  group: (value) => Object(value) === value && !Array.isArray(value),
  object: (value) => KINDS.group!(value),
  // https://help.ads.microsoft.com/#apex/ads/en/56681/2
  digits: (value) => /^\d{1,20}(,\d{1,20})*$/.test(`${value}`),
  '0-10000': (value) => value === Math.abs(value as number) && value <= 1e4,
  false: (value) => value === false,
}

/** Says the first thing that is wrong with the options: its name, its value and the remedy. */
export function isFaulty(options: unknown): boolean {
  const given = new Map<string, unknown>()
  const collect = (group: unknown, prefix: string) => {
    for (const [key, value] of Object.entries(group ?? {})) {
      const path = prefix + key
      if (value !== undefined) given.set(path, value)
      if (/group/.test(RULES.get(path)!)) collect(value, `${path}.`)
    }
  }
  collect(options, '')
  for (const [path, kinds] of RULES) {
    const [group, key] = path.split('.') as [string, string?]
    if (/!/.test(kinds) && !given.has(path) && (!key || given.has(group))) given.set(path, undefined)
  }
  for (const [path, value] of given) {
    const kinds = RULES.get(path)?.match(/[\w-]+/g)
    const fits = kinds?.some((kind) => KINDS[kind]?.(value) ?? (value === kind || typeof value === kind))
    // The tag's own SPA tracking sends addresses as they are.
    const clash =
      path === 'consent.tcf' && value && Object.keys(given.get('consent') as object)[1]
        ? 'the other consent options'
        : value === 'auto' && path === 'pageLoads' && given.has('redactUrl') && 'redactUrl'
    if (fits && !clash) continue
    const remedy = fits ? `remove ${clash}` : kinds ? `use ${kinds.join(' or ')}` : 'no such option'
    warn(`option ${path} is`, value, `: ${remedy}. uetkit stays off`)
    return true
  }
  return false
}
