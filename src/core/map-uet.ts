import { readCommerce } from './commerce.ts'
import type { Conversion, UetEvent } from './event.ts'
import { readPath } from './paths.ts'
import { applyJointRules, cleanText, distinct, isParam, readParam, type UetParams } from './uet-params.ts'

/** Where an event's values are read, as dotted paths into its properties. */
export interface Mapping {
  /** UET action, or a function that gives it. Anything unusable, and the tag's names for page loads, become `track`. */
  action: string | ((event: UetEvent) => string)
  /** Left out: the event name. */
  label?: string
  category: string
  /** Left out: `revenue`, with the fallback of {@link readCommerce}. */
  value?: string
  currency: string
  /** UET parameter name → path. Wins over every value above. */
  parameters?: Record<string, string>
  /** Whether e-commerce events also give products, page type, total, transaction id and search term. */
  ecommerce: boolean
}

/** Arguments for `push('event', action, params)` that the tag accepts before and after it has loaded. */
export interface UetCommand {
  action: string
  /** Fresh and unfrozen: the tag writes to it. */
  params: UetParams
  /** The same values for the server side. */
  conversion: Conversion
  /** What was left out and why, for people; names and paths only, never a value. */
  dropped: string[]
}

/** Turns a `track` event into the tag's arguments. Never throws, whatever the properties hold. */
export function mapUet(event: UetEvent, mapping: Mapping): UetCommand {
  const dropped: string[] = []
  const params: UetParams = {}
  const properties = readPath(event, 'properties')

  const put = (name: string, path: string | undefined, source: unknown = properties) => {
    const raw = path === undefined ? path : readPath(source, path)
    if (!isParam(name)) return dropped.push(`${name}: not a parameter that can be mapped`)
    let lost = (raw ?? '') !== ''
    try {
      const value = readParam(name, raw)
      if (value !== undefined) {
        params[name] = distinct(value)
        lost = Array.isArray(raw) && raw.length > (value as unknown[]).length
      }
    } catch {}
    if (lost) dropped.push(`${name}: unusable in "${path || 'properties'}"`)
    return
  }

  const [revenue, pageType, paths] = readCommerce(cleanText(readPath(event, 'name')) ?? '', properties)
  put('event_label', mapping.label ?? 'name', mapping.label === undefined ? event : properties)
  put('event_category', mapping.category)
  put('revenue_value', mapping.value ?? revenue)
  put('currency', mapping.currency)
  if (mapping.ecommerce && pageType) {
    params.ecomm_pagetype = pageType
    for (const name in paths) put(name, paths[name])
  }
  for (const name in mapping.parameters) put(name, mapping.parameters![name])

  const action = readAction(event, mapping, dropped)
  applyJointRules(action, params, (name) => {
    dropped.push(`${name}: conflicts with other parameters`)
    delete params[name]
  })

  const { event_label: label, event_category: category, revenue_value: value, currency } = params
  const conversion = { action, label, category, value, currency } as Conversion
  const id = cleanText(readPath(event, 'id'))
  if (id) params.event_id = id
  return { action, params, conversion, dropped }
}

function readAction(event: UetEvent, { action }: Mapping, dropped: string[]): string {
  try {
    const name = cleanText(typeof action === 'function' ? action(event) : action)
    if (name && !/^page(_view|Load)$/.test(name)) return name
  } catch {}
  dropped.push('mapping.action: unusable, "track" is sent')
  return 'track'
}
