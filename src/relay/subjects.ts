import type { CapiEvent } from '../core/capi-json.ts'

const IDENTIFIERS = ['anonymousId', 'externalId', 'em', 'ph', 'msclkid', 'idfa', 'gaid'] as const

/** Whom an event is about: the values by which a withdrawal finds it. */
export const subjectsOf = ({ userData }: Pick<CapiEvent, 'userData'>): string[] =>
  IDENTIFIERS.map((key) => userData[key]).filter((value) => value !== undefined)
