import { closeSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { StringDecoder } from 'node:string_decoder'
import type { ExclusionReason } from './identifier.ts'
import { tempFile } from './temp-file.ts'

export type RowStatus = 'added' | 'removed' | 'unchanged' | 'excluded' | 'failed'

/** What became of a row, and why where there is something to say: an exclusion, or Microsoft's error name. */
export interface RowOutcome {
  status: RowStatus
  reason: ExclusionReason | string
}

/** One outcome for each source row, in two small forms: a byte a row in memory, user ids in a file that vanishes. */
export interface RowLog {
  /** The next row; answers its number, counted from 1. */
  append(userId: string): number
  set(row: number, outcome: RowOutcome): void
  statusOf(row: number): RowStatus
  readonly rows: number
  /** Writes the report; `removals` are people without a row of their own. Replaces the file in one move. */
  write(path: string, cohortId: string, removals: readonly { outcome: RowOutcome; count: number }[]): void
  close(): void
}

const REPORT_HEADER = 'cohort_id,row,user_id,status,reason\n'

const CHUNK = 1 << 16
const MAX_OUTCOMES = 255
const UNKNOWN: RowOutcome = { status: 'failed', reason: 'Unknown' }

export function rowLog(directory: string): RowLog {
  const ids = tempFile(directory)
  const outcomes: RowOutcome[] = [UNKNOWN]
  let codes = new Uint8Array(1_024)
  let rows = 0
  let pending = ''

  const flush = () => {
    ids.append(Buffer.from(pending))
    pending = ''
  }
  const codeOf = ({ status, reason }: RowOutcome): number => {
    const known = outcomes.findIndex((outcome) => outcome.status === status && outcome.reason === reason)
    if (known >= 0) return known
    return outcomes.length < MAX_OUTCOMES ? outcomes.push({ status, reason }) - 1 : 0
  }

  return {
    append: (userId) => {
      if (rows === codes.length) {
        const larger = new Uint8Array(codes.length * 2)
        larger.set(codes)
        codes = larger
      }
      pending += `${userIdCell(userId)}\n`
      if (pending.length > CHUNK) flush()
      return ++rows
    },
    set: (row, outcome) => {
      codes[row - 1] = codeOf(outcome)
    },
    statusOf: (row) => outcomes[codes[row - 1]!]!.status,
    get rows() {
      return rows
    },
    write: (path, cohortId, removals) => {
      flush()
      const cohort = cell(cohortId)
      const tails = outcomes.map(({ status, reason }) => `,${status},${cell(reason)}\n`)
      replaceFile(path, (out) => {
        out(REPORT_HEADER)
        let row = 0
        for (const id of lines(ids)) {
          out(`${cohort},${row + 1},${id}${tails[codes[row]!]}`)
          row++
        }
        for (const { outcome, count } of removals) {
          for (let i = 0; i < count; i++) out(`${cohort},,,${outcome.status},${cell(outcome.reason)}\n`)
        }
      })
    },
    close: () => ids.close(),
  }
}

function* lines(file: { read(into: Uint8Array, offset: number): number }): Generator<string> {
  const decoder = new StringDecoder('utf8')
  const chunk = Buffer.allocUnsafe(CHUNK)
  let rest = ''
  for (let offset = 0, bytes = 0; (bytes = file.read(chunk, offset)); offset += bytes) {
    const parts = (rest + decoder.write(chunk.subarray(0, bytes))).split('\n')
    rest = parts.pop()!
    yield* parts
  }
}

function replaceFile(path: string, write: (out: (text: string) => void) => void): void {
  mkdirSync(dirname(path), { recursive: true })
  const unfinished = `${path}.${process.pid}.tmp`
  const descriptor = openSync(unfinished, 'w', 0o600)
  let buffer = ''
  const flush = () => {
    writeFileSync(descriptor, buffer)
    buffer = ''
  }
  try {
    write((text) => {
      buffer += text
      if (buffer.length > CHUNK) flush()
    })
    flush()
    closeSync(descriptor)
    renameSync(unfinished, path)
  } catch (error) {
    rmSync(unfinished, { force: true })
    throw error
  }
}

const cell = (text: string): string => (/[",\n\r]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text)

/** An address where a user id is expected is not written down. */
const HOLDS_ADDRESS = /@|%40|\uFF20/i

// What a spreadsheet would run as a formula, numbers with a sign excepted.
// https://owasp.org/www-community/attacks/CSV_Injection
const FORMULA = /^(?:[=\t]|[+-](?!\d+(?:\.\d+)?$))/

function userIdCell(userId: string): string {
  if (HOLDS_ADDRESS.test(userId)) return '[withheld]'
  const line = userId.replace(/[\r\n\0]+/g, ' ')
  return cell(FORMULA.test(line) ? `'${line}` : line)
}
