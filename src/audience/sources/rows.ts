import { AudienceError } from '../errors.ts'

/** One person of the cohort, as the source states them; both may be empty. */
export interface SourceRow {
  email: string
  userId: string
}

/** The whole cohort, some thousand rows at a time. Throws `AudienceError` of code `source` for what cannot be read. */
export type SourceRows = AsyncIterable<SourceRow[]>

/** Bytes of a file, a pipe or a download. */
export type Bytes = AsyncIterable<Uint8Array>

/** Which columns to read; `userId` only where the report should name people. */
export interface Columns {
  email: string
  userId?: string | undefined
  /** A missing user id column is no error. */
  userIdOptional?: boolean | undefined
}

export const sourceError = (label: string, problem: string): AudienceError =>
  new AudienceError('source', `${label}: ${problem} Nothing was sent.`)

/** Column names for a message. A file without a header row has people where the names should be. */
export function namesFound(names: readonly string[]): string {
  const shown = names
    .slice(0, 30)
    .map((name) => (/@|[0-9a-f]{64}/i.test(name) ? '[withheld]' : JSON.stringify(name.slice(0, 60))))
  return `${shown.join(', ')}${names.length > shown.length ? ', …' : ''}`
}

const looksLikeData = (names: readonly string[]): boolean => names.some((name) => name.includes('@'))

/** Where a column stands. Names are compared without case and outer white space, an exact name first. */
export function columnIndex(names: readonly string[], wanted: string, label: string): number {
  const key = (name: string) => name.trim().toLowerCase()
  const exact = names.flatMap((name, index) => (name.trim() === wanted ? index : []))
  const found = exact.length ? exact : names.flatMap((name, index) => (key(name) === key(wanted) ? index : []))
  if (found.length > 1) {
    throw sourceError(
      label,
      `the column ${JSON.stringify(wanted)} is there ${found.length} times; it has to be there once.`,
    )
  }
  if (found.length) return found[0]!
  const remedy = looksLikeData(names)
    ? 'The first row looks like a person; a header row with column names has to come first.'
    : 'Name the column in the configuration, or with --email-column and --user-id-column.'
  throw sourceError(label, `there is no column ${JSON.stringify(wanted)}; found: ${namesFound(names)}. ${remedy}`)
}
