import { parseConsent } from './consent.ts'
import type { Conversion, PageInfo, Properties, ServerEvent, ServerUser, UetEvent } from './event.ts'
import { isSha256Hex } from './hash.ts'

/** What is wrong with an event, and where. Never holds a value, which may be personal. */
export interface Fault {
  /** Dotted path inside the event, `''` for the event itself. */
  path: string
  code: 'missing' | 'type' | 'value' | 'too_long' | 'too_deep' | 'too_many' | 'forbidden_key'
  message: string
}

/** Sizes beyond which an event is refused. Characters are UTF-16 units. */
export const EVENT_LIMITS = {
  /** Ids, names, categories and the like. */
  text: 512,
  /** Addresses of pages; a longer title is cut instead. */
  url: 4_096,
  /** A text inside `properties`. */
  propertyText: 8_192,
  /** Levels of `properties`. */
  depth: 6,
  /** Keys of one object, and entries of one list. */
  keys: 250,
  /** Values in `properties` altogether. */
  values: 2_000,
} as const

/** Enough to say what is wrong; a hostile event has no more to say. */
const MAX_FAULTS = 10
const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype'])
// C0 and C1 controls, and the marks that reorder what is shown: https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to find
const INVISIBLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/
const INVISIBLES = new RegExp(INVISIBLE, 'g')
const HALVES = /\p{Cs}/gu
const UNCLEAN = new RegExp(`${INVISIBLE.source}|${HALVES.source}`, 'u')

type Source = Record<string, unknown>

/** Either the event, or what is wrong with it. */
export type Parsed<E> = { event: E; faults?: never } | { event?: never; faults: Fault[] }

/**
 * Reads an event from JSON data: the wire form of a browser. The result is built anew from the known fields alone; its
 * objects have no prototype. Unknown fields are left out, but a known field that is malformed makes the event faulty, so
 * that nothing is half understood.
 */
export const parseEvent = (input: unknown): Parsed<UetEvent> => parse(input, USER_TEXTS, true)

/** The same for an event that a server states, which may know more of the user, and in the clear. */
export const parseServerEvent = (input: unknown): Parsed<ServerEvent> =>
  parse(input, [...USER_TEXTS, ...SERVER_USER_TEXTS], false)

const USER_TEXTS = ['anonymousId', 'externalId', 'em', 'ph', 'msclkid'] as const
const SERVER_USER_TEXTS = ['userId', 'email', 'phone', 'idfa', 'gaid', 'ipAddress', 'userAgent'] as const

function parse(input: unknown, userTexts: readonly (keyof ServerUser)[], hashedOnly: boolean): Parsed<ServerEvent> {
  const faults: Fault[] = []
  const fault = (path: string, code: Fault['code'], message: string): undefined => {
    if (faults.length < MAX_FAULTS) faults.push({ path, code, message: `${path || 'event'}: ${message}` })
  }

  const objectAt = (value: unknown, path: string): Source | undefined => {
    if (value === undefined || value === null) return undefined
    if (!isPlain(value)) return fault(path, 'type', `found ${kindOf(value)}, expected an object`)
    for (const key in value) {
      if (FORBIDDEN.has(key)) return fault(path, 'forbidden_key', `the key "${key}" is not allowed`)
    }
    return value
  }

  const text = (source: Source, key: string, path: string, max: number = EVENT_LIMITS.text): string | undefined => {
    const value = source[key] ?? undefined
    if (value === undefined) return undefined
    if (typeof value !== 'string') return fault(path, 'type', `found ${kindOf(value)}, expected a text`)
    if (value.length > max) return fault(path, 'too_long', `longer than ${max} characters`)
    return cleanLine(value)
  }

  const put = <T extends object, K extends keyof T>(target: T, key: K, value: T[K] | undefined): void => {
    if (value !== undefined) target[key] = value
  }

  const required = (value: string | undefined, path: string): string => {
    if (!value && !faults.some((found) => found.path === path)) fault(path, 'missing', 'missing or empty')
    return value ?? ''
  }

  const root = objectAt(input, '')
  if (!root) {
    if (!faults.length) fault('', 'type', `found ${kindOf(input)}, expected an object`)
    return { faults }
  }

  const event: ServerEvent = { type: 'track', id: '', time: 0 }
  if (root.type === 'page' || root.type === 'track') event.type = root.type
  else fault('type', root.type === undefined ? 'missing' : 'value', 'expected "page" or "track"')
  if (typeof root.id === 'string' && INVISIBLE.test(root.id)) fault('id', 'value', 'holds control characters')
  event.id = required(text(root, 'id', 'id'), 'id')
  put(event, 'name', text(root, 'name', 'name') || undefined)
  if (event.type === 'track') required(event.name, 'name')

  if (typeof root.time === 'number' && Number.isFinite(root.time) && root.time >= 1) event.time = Math.floor(root.time)
  else if (root.time === undefined) fault('time', 'missing', 'missing')
  else fault('time', 'value', 'expected milliseconds since 1970')

  if (root.consent !== undefined && root.consent !== null) {
    put(event, 'consent', parseConsent(root.consent) ?? fault('consent', 'value', 'expected "granted" or "denied"'))
  }

  const page = objectAt(root.page, 'page')
  if (page) {
    const info: PageInfo = {}
    put(info, 'loadId', text(page, 'loadId', 'page.loadId'))
    put(info, 'url', text(page, 'url', 'page.url', EVENT_LIMITS.url))
    put(info, 'referrer', text(page, 'referrer', 'page.referrer', EVENT_LIMITS.url))
    put(info, 'title', text(page, 'title', 'page.title', Infinity)?.slice(0, EVENT_LIMITS.text))
    event.page = bare(info)
  }

  const conversion = objectAt(root.conversion, 'conversion')
  if (conversion) {
    const info: Conversion = { action: '' }
    info.action = required(text(conversion, 'action', 'conversion.action'), 'conversion.action')
    put(info, 'label', text(conversion, 'label', 'conversion.label'))
    put(info, 'category', text(conversion, 'category', 'conversion.category'))
    put(info, 'currency', text(conversion, 'currency', 'conversion.currency'))
    const { value } = conversion
    if (typeof value === 'number' && Number.isFinite(value) && value >= 0)
      info.value = value + 0 // no -0
    else if (value !== undefined && value !== null) fault('conversion.value', 'value', 'expected a number, 0 or more')
    event.conversion = bare(info)
  }

  const user = objectAt(root.user, 'user')
  if (user) {
    const info: ServerUser = {}
    for (const key of userTexts) put(info, key, text(user, key, `user.${key}`))
    for (const key of ['em', 'ph'] as const) {
      if (hashedOnly && info[key] && !isSha256Hex(info[key]))
        fault(`user.${key}`, 'value', 'expected a SHA-256 as 64 hex characters')
    }
    event.user = bare(info)
  }

  const properties = objectAt(root.properties, 'properties')
  if (properties) event.properties = copyProperties(properties, fault)
  return faults.length ? { faults } : { event: bare(event) }
}

/**
 * Without a prototype, so that no key of ours can be mistaken for an inherited one. Taken away last: an object that is
 * made without one is a hash table to V8, five times as large and slow to copy.
 */
const bare = <T extends object>(fields: T): T => Object.setPrototypeOf(fields, null)

const isPlain = (value: unknown): value is Source => {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

const kindOf = (value: unknown): string =>
  value === null
    ? 'null'
    : Array.isArray(value)
      ? 'a list'
      : typeof value === 'object'
        ? 'an object'
        : `a ${typeof value}`

/** One line of text: invisible characters out, ends trimmed, halves of surrogate pairs replaced. */
const cleanLine = (value: string): string =>
  (UNCLEAN.test(value) ? value.replace(INVISIBLES, '').replace(HALVES, '\ufffd') : value).trim()

/** Copies JSON data within the limits. What JSON cannot hold is left out, as `JSON.stringify` does. */
function copyProperties(
  source: Source,
  fault: (path: string, code: Fault['code'], message: string) => undefined,
): Properties {
  let values = 0
  let stopped = false
  const stop = (path: string, code: Fault['code'], message: string): undefined => {
    stopped = true
    return fault(path, code, message)
  }
  const copy = (value: unknown, path: string, level: number): unknown => {
    if (stopped) return undefined
    if (++values > EVENT_LIMITS.values) return stop('properties', 'too_many', `more than ${EVENT_LIMITS.values} values`)
    if (typeof value === 'string') {
      return value.length > EVENT_LIMITS.propertyText
        ? fault(path, 'too_long', `longer than ${EVENT_LIMITS.propertyText} characters`)
        : value.replace(HALVES, '\ufffd')
    }
    if (typeof value === 'number') return Number.isFinite(value) ? value + 0 : null
    if (typeof value === 'boolean' || value === null) return value
    if (typeof value !== 'object') return undefined
    if (level > EVENT_LIMITS.depth) return stop('properties', 'too_deep', `deeper than ${EVENT_LIMITS.depth} levels`)
    const list = Array.isArray(value)
    if (!list && !isPlain(value)) return undefined
    const keys = Object.keys(value)
    if (keys.length > EVENT_LIMITS.keys) return stop(path, 'too_many', `more than ${EVENT_LIMITS.keys} entries`)
    const target: Properties = list ? ([] as unknown as Properties) : Object.create(null)
    for (const key of keys) {
      if (FORBIDDEN.has(key)) return stop(path, 'forbidden_key', `the key "${key}" is not allowed`)
      const entry = copy((value as Source)[key], `${path}.${key.slice(0, 40)}`, level + 1)
      if (list) (target as unknown as unknown[]).push(entry ?? null)
      else if (entry !== undefined) target[key] = entry
    }
    return target
  }
  return (copy(source, 'properties', 1) ?? {}) as Properties
}
