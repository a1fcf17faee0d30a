import { Unzip, UnzipInflate } from 'fflate'
import { parseCsv } from '../csv-parser.ts'
import type { Bytes } from '../sources/rows.ts'
import { indexOfClientId } from './bulk-file.ts'
import { faultName, unanswered, type VendorFault } from './faults.ts'

/** A row that failed: `index` undefined when the row is the list itself. `text` is the hash, where the row has it. */
export interface FailedRow extends VendorFault {
  text: string
}

/**
 * The errors in a result file. Columns are found by name, as their order changes. Each bad row is there twice, and only
 * the second, whose type ends in ` Error`, says why.
 */
export async function* failedRows(zipped: Bytes): AsyncGenerator<FailedRow> {
  let columns: Map<string, number> | undefined
  for await (const record of parseCsv(unzipped(zipped), { bom: true })) {
    if (!columns) {
      columns = new Map(record.map((name, index) => [name, index]))
      continue
    }
    const cell = (name: string): string => record[columns!.get(name) ?? -1] ?? ''
    if (!cell('Type').endsWith(' Error')) continue
    const code = Number(cell('Error Number') || -1)
    const index = cell('Type').startsWith('Customer List Item') ? indexOfClientId(cell('Client Id')) : undefined
    yield { code, name: faultName(code, cell('Error')), index, text: cell('Text') }
  }
}

/** The content of the one file in a zip. */
async function* unzipped(bytes: Bytes): AsyncGenerator<Uint8Array> {
  const out: Uint8Array[] = []
  let failure: unknown
  let started = false
  const unzip = new Unzip((file) => {
    if (started) return
    started = true
    file.ondata = (error, chunk) => {
      failure ??= error
      if (chunk?.length) out.push(chunk)
    }
    file.start()
  })
  unzip.register(UnzipInflate)
  try {
    for await (const chunk of bytes) {
      unzip.push(chunk)
      yield* out.splice(0)
      if (failure) break
    }
    unzip.push(new Uint8Array(0), true)
  } catch (error) {
    failure ??= error
  }
  yield* out.splice(0)
  if (failure || !started) throw unanswered('Result file', 'the file is no zip, or cut off.')
}
