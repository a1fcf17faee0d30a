import { closeSync, openSync, writeSync } from 'node:fs'
import { Zip, ZipDeflate } from 'fflate'
import { count, HASH_BYTES, hexAt } from '../hashes.ts'
import type { Change } from '../ledger.ts'

const BOM = '\ufeff'
const HEADER = 'Type,Id,Parent Id,Client Id,Name,Action Type,Accept Customer Match Term,Sub Type,Text'
const VERSION = 'Format Version,,,,6.0,,,,'
const LINES_AT_ONCE = 4_096
// Hex digits pack to half their size at any level.
const LEVEL = 1

/** `Client Id` of a row: its place among the change's hashes. */
export const clientId = (index: number): string => `r${index}`

export const indexOfClientId = (id: string | undefined): number | undefined =>
  id && /^r\d+$/.test(id) ? Number(id.slice(1)) : undefined

/**
 * A zip file for one change of one list: UTF-8 with a byte order mark, the list before its items. Without the terms'
 * flag Microsoft looks up whether they were accepted in the web interface.
 * https://learn.microsoft.com/en-us/advertising/bulk-service/customer-list-item
 */
export function writeBulkFile(path: string, listId: string, { action, hashes }: Change, acceptTerms: boolean): void {
  const descriptor = openSync(path, 'wx', 0o600)
  try {
    const zip = new Zip((error, chunk) => {
      if (error) throw error
      for (let done = 0; done < chunk.length; ) done += writeSync(descriptor, chunk, done)
    })
    const csv = new ZipDeflate('customer-list.csv', { level: LEVEL })
    zip.add(csv)
    const push = (lines: string[], last = false) => csv.push(Buffer.from(`${lines.join('\r\n')}\r\n`), last)
    const terms = acceptTerms ? 'True' : ''
    push([`${BOM}${HEADER}`, VERSION, `Customer List,${listId},,,,${action},${terms},,`])
    const items = count(hashes)
    for (let start = 0; start < items; start += LINES_AT_ONCE) {
      const length = Math.min(LINES_AT_ONCE, items - start)
      const lines = Array.from({ length }, (_, offset) => {
        const index = start + offset
        return `Customer List Item,,${listId},${clientId(index)},,,,Email,${hexAt(hashes, index * HASH_BYTES)}`
      })
      push(lines, start + length === items)
    }
    zip.end()
  } finally {
    closeSync(descriptor)
  }
}
