import { addPid, checkProduct, type WireParams } from './event-params.ts'
import { PAGE_TYPES } from './params.ts'
import { currency, number, productIds, restricted, text, type ValueRule } from './value-rules.ts'

const pageType: ValueRule = (value) => {
  const lower = String(value).toLowerCase()
  if (!PAGE_TYPES.includes(lower)) throw `Invalid pagetype value: ${value}`
  return lower
}

const RULES: ReadonlyMap<string, ValueRule> = new Map(
  Object.entries({
    ec: text,
    el: text,
    ea: text,
    ev: number,
    gv: number,
    gc: currency,
    prodid: productIds,
    ecomm_prodid: productIds,
    pagetype: pageType,
    ecomm_pagetype: pageType,
    rep: restricted,
  }),
)

/** Keys whose presence makes the stub parser take an object for a legacy event. */
export const LEGACY_KEYS = ['ec', 'el', 'ev', 'ea', 'gv', 'gc', 'prodid', 'pagetype']

/** Checks a legacy event object; throws a string on any key outside the list. */
export function readLegacyEvent(event: Record<string, unknown>, onBadPid: (message: string) => void): WireParams {
  const wire: WireParams = new Map()
  for (const key of Object.keys(event)) {
    const value = event[key]
    if (key === 'pid') {
      addPid(wire, value, onBadPid)
      continue
    }
    const rule = RULES.get(key)
    if (rule === undefined) throw `Invalid data: Key Name: ${key}`
    if (value === undefined || value === null || (value === '' && rule !== number)) continue
    const written = rule(value, key)
    if (written !== undefined) wire.set(key.replace('ecomm_', ''), written)
  }
  checkProduct(wire)
  return wire
}

/**
 * The legacy form escapes only `&` and `#`; where real encoding gives another text, a second key such as `el2`
 * carries that.
 */
export function encodeLegacy(wire: WireParams): [key: string, encoded: string][] {
  const pairs: [string, string][] = []
  const copies: [string, string][] = []
  for (const [key, value] of wire) {
    const encoded = encodeURIComponent(value)
    if (key !== 'ec' && key !== 'ea' && key !== 'el') {
      pairs.push([key, encoded])
      continue
    }
    const escaped = value.replace(/&/g, '%26').replace(/#/g, '%23')
    pairs.push([key, escaped])
    if (encoded !== escaped) copies.push([`${key}2`, encoded])
  }
  return [...pairs, ...copies]
}
