import { normalizePhone } from '../capi/phone.ts'
import type { CapiEvent } from '../core/capi-json.ts'
import type { ServerEvent } from '../core/event.ts'
import { mapCapi } from '../core/map-capi.ts'
import type { TagSettings } from './settings.ts'

const IDENTIFIERS = ['anonymousId', 'externalId', 'em', 'ph', 'msclkid', 'idfa', 'gaid'] as const

/** Whom an event is about: the values by which a withdrawal finds it. */
export const subjectsOf = ({ userData }: Pick<CapiEvent, 'userData'>): string[] =>
  IDENTIFIERS.map((key) => userData[key]).filter((value) => value !== undefined)

/** Where a tag's rules read identifiers. What is always the same says nothing of a person. */
const identifierPaths = ({ rules = [] }: TagSettings['stream']) =>
  rules.map(({ map = {} }) =>
    Object.fromEntries(
      Object.entries(map).filter(([path, from]) => path.startsWith('userData.') && typeof from === 'string'),
    ),
  )

/**
 * Whom a withdrawal is about, in every form that events of theirs can have been stored with, whichever rule took them.
 *
 * @param now Milliseconds since the epoch.
 */
export async function withdrawnSubjects(
  { id, page, properties, user = {} }: ServerEvent,
  { stream, defaultCountry }: Pick<TagSettings, 'stream' | 'defaultCountry'>,
  now: number,
): Promise<string[]> {
  const event: ServerEvent = { type: 'track', id, name: 'consent', time: now, consent: 'granted', user }
  if (page) event.page = page
  if (properties) event.properties = properties
  const found = new Set<string>()
  for (const overrides of [{}, ...identifierPaths(stream)]) {
    if (found.size > 0 && Object.keys(overrides).length === 0) continue
    const mapped = await mapCapi(event, {
      now,
      as: 'custom',
      overrides,
      normalizePhone: (raw) => normalizePhone(raw, defaultCountry),
    })
    if (mapped.ok) for (const subject of subjectsOf(mapped.event)) found.add(subject)
  }
  return [...found]
}
