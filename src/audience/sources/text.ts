import { type Bytes, sourceError } from './rows.ts'

/** What a file is when it is not text, by its first bytes. */
const FOREIGN: readonly [start: readonly number[], what: string][] = [
  [[0xff, 0xfe], 'UTF-16 text'],
  [[0xfe, 0xff], 'UTF-16 text'],
  [[0x50, 0x4b, 3, 4], 'an Excel or zip file'],
  [[0xd0, 0xcf, 0x11, 0xe0], 'an old Excel file'],
  [[0x1f, 0x8b], 'a gzip file'],
  [[0x25, 0x50, 0x44, 0x46], 'a PDF file'],
]

const REMEDY = 'Export it as "CSV UTF-8".'

function foreignKind(start: Uint8Array): string | undefined {
  const known = FOREIGN.find(([bytes]) => bytes.every((byte, index) => start[index] === byte))
  return known?.[1] ?? (start.includes(0) ? 'a binary file' : undefined)
}

/** Bytes as UTF-8 text, piece by piece, without a byte order mark. Refuses what is not text, or not UTF-8. */
export async function* textOf(bytes: Bytes, label: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let read = 0
  const decode = (chunk?: Uint8Array): string => {
    try {
      return chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode()
    } catch {
      throw sourceError(label, `this is not UTF-8 text (first seen after byte ${read}). ${REMEDY}`)
    }
  }
  for await (const chunk of wholeStart(bytes)) {
    const kind = read ? undefined : foreignKind(chunk)
    if (kind) throw sourceError(label, `this is ${kind}, not a text file. ${REMEDY}`)
    const text = decode(chunk)
    read += chunk.length
    if (text) yield text
  }
  const rest = decode()
  if (rest) yield rest
}

/** The same bytes, but the first piece has at least four of them where there are as many: a pipe may give one by one. */
async function* wholeStart(bytes: Bytes): AsyncGenerator<Uint8Array> {
  let start = new Uint8Array(0)
  let started = false
  for await (const chunk of bytes) {
    if (started) yield chunk
    else {
      start = Uint8Array.from(Buffer.concat([start, chunk]))
      if (start.length >= 4) {
        started = true
        yield start
      }
    }
  }
  if (!started && start.length) yield start
}
