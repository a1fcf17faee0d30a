import { CsvError } from 'csv-parse'
import { parseCsv } from '../csv-parser.ts'
import { type Bytes, type Columns, columnIndex, type SourceRow, type SourceRows, sourceError } from './rows.ts'
import { textOf } from './text.ts'

const SEPARATORS = [',', ';', '\t', '|'] as const
const MAX_LINE = 1 << 20
const BATCH = 500

type Record = string[]

/**
 * Rows of a CSV file with a header row (RFC 4180): byte order mark, any line ends, separators `,` `;` tab `|`, quotes.
 * Empty lines are no rows. Rows shorter than the header have empty cells at their end.
 */
export async function* csvRows(bytes: Bytes, columns: Columns, label: string): SourceRows {
  let email = -1
  let userId = -1
  for await (const records of csvRecords(bytes, label)) {
    if (email < 0) {
      const header = records.shift()!
      email = columnIndex(header, columns.email, label)
      userId = userIdIndex(header, columns, label)
    }
    if (records.length)
      yield records.map((record): SourceRow => ({ email: record[email] ?? '', userId: record[userId] ?? '' }))
  }
  if (email < 0) throw sourceError(label, 'this file is empty.')
}

function userIdIndex(header: Record, { userId, userIdOptional }: Columns, label: string): number {
  if (userId === undefined) return -1
  const there = header.some((name) => name.trim().toLowerCase() === userId.toLowerCase())
  return there || !userIdOptional ? columnIndex(header, userId, label) : -1
}

/**
 * Splits at line ends and separators until the first quote, and leaves the rest to the parser, which is several times
 * slower: most files have no quotes at all.
 */
async function* csvRecords(bytes: Bytes, label: string): AsyncGenerator<Record[]> {
  const texts = textOf(bytes, label)
  let text = ''
  let separator: string | undefined
  let lines = 0
  for (;;) {
    const { value, done } = await texts.next()
    if (value !== undefined) text += value
    if (separator === undefined && !text.trim()) {
      if (done) return
      continue
    }
    separator ??= done || /[\r\n]/.test(text) ? findSeparator(text, label) : undefined
    const parser = separator !== undefined && (text.includes('"') || /\r(?!\n|$)/.test(text))
    if (parser) return yield* parsedRecords(text, texts, separator!, lines, label)
    if (separator !== undefined) {
      const end = done ? text.length : text.lastIndexOf('\n') + 1
      const complete = text.slice(0, end)
      text = text.slice(end)
      const all = complete.split('\n')
      lines += all.length - 1
      yield* batches(all, separator)
    }
    if (done) return
    if (text.length > MAX_LINE) throw sourceError(label, `line ${lines + 1} is longer than 1 MB; this is no CSV file.`)
  }
}

function* batches(lines: string[], separator: string): Generator<Record[]> {
  for (let start = 0; start < lines.length; start += BATCH) {
    const records: Record[] = []
    for (const line of lines.slice(start, start + BATCH)) {
      const text = line.endsWith('\r') ? line.slice(0, -1) : line
      if (text) records.push(text.split(separator))
    }
    if (records.length) yield records
  }
}

/** The separator that the header row holds most often outside of quotes; a comma when it holds none. */
function findSeparator(text: string, label: string): string {
  const start = text.trimStart()
  if (/^[{[<]/.test(start)) {
    const kind = start[0] === '<' ? 'HTML or XML' : 'JSON'
    throw sourceError(
      label,
      `this is ${kind}, not CSV.${kind === 'JSON' ? ' For one JSON object a line, use the format "ndjson".' : ''}`,
    )
  }
  const header = start.split(/\r|\n/, 1)[0]!.replace(/"(?:[^"]|"")*"/g, '')
  const counts = SEPARATORS.map((separator) => header.split(separator).length - 1)
  const most = Math.max(...counts)
  return most ? SEPARATORS[counts.indexOf(most)]! : ','
}

async function* parsedRecords(
  start: string,
  rest: AsyncIterable<string>,
  delimiter: string,
  linesBefore: number,
  label: string,
): AsyncGenerator<Record[]> {
  async function* source() {
    yield start
    yield* rest
  }
  let records: Record[] = []
  try {
    for await (const record of parseCsv(source(), { delimiter })) {
      records.push(record)
      if (records.length < BATCH) continue
      yield records
      records = []
    }
  } catch (error) {
    throw csvError(error, linesBefore, label)
  }
  if (records.length) yield records
}

/** Says where, never what: the parser's own message quotes the cell. */
function csvError(error: unknown, linesBefore: number, label: string): unknown {
  if (!(error instanceof CsvError)) return error
  const { code, lines = 0 } = error as CsvError & { lines?: number }
  const line = linesBefore + lines
  if (code === 'CSV_QUOTE_NOT_CLOSED') return sourceError(label, `a quote that opens in line ${line} is never closed.`)
  if (code === 'CSV_MAX_RECORD_SIZE') {
    return sourceError(label, `the row at line ${line} is longer than 1 MB; a quote before it may not be closed.`)
  }
  return sourceError(
    label,
    `line ${line} has a quote in the middle of a cell; a cell with quotes has to be quoted itself, its own quotes doubled.`,
  )
}
