import type { CapiFinding } from '../../core/capi-json.ts'

/** The shape of the answers: Microsoft's guide of August 2026, or the one of October 2025. */
export type Profile = '2026-08' | '2025-10'

/** What a rule says about one field. */
export interface Complaint {
  /** Dotted, inside the event (`customData.items.0.price`); `''` for the event itself. */
  path: string
  code: string
  message: string
  /** Only the field is left out. */
  warning: boolean
  attempted?: unknown
}

/** The newer guide: "at most the first 10 errors and warnings". */
const MAX_DETAILS = 10

/** Complaints as the API states them, by the position of their event. */
export function toDetails(complaints: readonly (readonly Complaint[])[], profile: Profile): CapiFinding[] {
  const details = complaints.flatMap((list, index) =>
    list.map(({ path, code, message, warning, attempted }) => ({
      index,
      propertyName: `data[${index}]${path && `.${path.replace(/\.(\d+)/g, '[$1]')}`}`,
      ...(attempted !== undefined && { attemptedValue: attempted }),
      errorMessage: message,
      ...(profile === '2026-08' && { errorCode: code, isWarning: warning }),
    })),
  )
  return profile === '2026-08' ? details.slice(0, MAX_DETAILS) : details
}

/** Removes what was complained about, as the API does with fields it warns of. */
export function withoutFields(event: object, complaints: readonly Complaint[]): Record<string, unknown> {
  if (!complaints.length) return event as Record<string, unknown>
  const copy = structuredClone(event) as Record<string, unknown>
  for (const { path } of complaints) {
    const keys = path.split('.')
    const last = keys.pop()!
    const owner = keys.reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], copy)
    if (owner && typeof owner === 'object') delete (owner as Record<string, unknown>)[last]
  }
  return copy
}
