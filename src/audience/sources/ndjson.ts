import { readPath } from '../../core/paths.ts'
import { type Bytes, type Columns, namesFound, type SourceRow, type SourceRows, sourceError } from './rows.ts'
import { textOf } from './text.ts'

const MAX_LINE = 1 << 20

/**
 * Rows of a file with one JSON object a line (https://github.com/ndjson/ndjson-spec). Columns are keys or dotted
 * paths; a key that is missing or null means an empty cell. Empty lines are no rows.
 */
export async function* ndjsonRows(bytes: Bytes, columns: Columns, label: string): SourceRows {
  const names = new Set<string>()
  let found = false
  let line = 0
  let rows = 0
  const rowOf = (text: string): SourceRow[] => {
    line++
    if (!text.trim()) return []
    const object = parseLine(text, line, label)
    rows++
    if (!found) for (const name of Object.keys(object)) names.add(name)
    const email = valueAt(object, columns.email)
    found ||= email !== undefined
    return [{ email: cellText(email), userId: columns.userId ? cellText(valueAt(object, columns.userId)) : '' }]
  }
  let rest = ''
  for await (const text of textOf(bytes, label)) {
    const lines = (rest + text).split('\n')
    rest = lines.pop()!
    if (rest.length > MAX_LINE) throw sourceError(label, `line ${line + lines.length + 1} is longer than 1 MB.`)
    const batch = lines.flatMap(rowOf)
    if (batch.length) yield batch
  }
  const last = rowOf(rest)
  if (last.length) yield last
  if (!rows) throw sourceError(label, 'this file is empty.')
  if (!found) {
    throw sourceError(label, `no row has the key ${JSON.stringify(columns.email)}; found: ${namesFound([...names])}.`)
  }
}

function parseLine(text: string, line: number, label: string): object {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The parser's own message quotes the line.
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw sourceError(label, `line ${line} is no JSON object; the format "ndjson" has one object on each line.`)
}

const valueAt = (object: object, column: string): unknown =>
  Object.hasOwn(object, column) ? object[column as keyof typeof object] : readPath(object, column)

/** Text of a value; anything but text and numbers is text that no address can be. */
const cellText = (value: unknown): string =>
  value === undefined || value === null
    ? ''
    : typeof value === 'string' || typeof value === 'number'
      ? `${value}`
      : '[value]'
