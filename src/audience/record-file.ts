import { HASH_BYTES, type Hashes } from './hashes.ts'
import { type TempFile, tempFile } from './temp-file.ts'

/** Hashes in ascending order, each with the row that it stands for; 0 = none. */
export interface RecordChunk {
  hashes: Hashes
  rows: Uint32Array
}

/** A growing file of hashes and rows, read back in chunks of any size. */
export interface RecordFile {
  readonly count: number
  append(from: Uint8Array, offset: number, row: number): void
  chunks(size: number): Generator<RecordChunk>
  close(): void
}

const RECORD = HASH_BYTES + 4
const BUFFERED = RECORD * 16_384

export function recordFile(directory: string): RecordFile {
  const file: TempFile = tempFile(directory)
  const buffer = Buffer.allocUnsafeSlow(BUFFERED)
  let used = 0
  let count = 0
  let written = 0

  /** Records from a place on, of which some may still be in the buffer. */
  const read = (start: number, length: number): Buffer => {
    const bytes = Buffer.allocUnsafeSlow(length * RECORD)
    const offset = start * RECORD
    const onDisk = Math.max(0, Math.min(bytes.length, written - offset))
    if (onDisk) file.read(bytes.subarray(0, onDisk), offset)
    buffer.copy(bytes, onDisk, Math.max(0, offset - written), offset + bytes.length - written)
    return bytes
  }

  return {
    get count() {
      return count
    },
    append: (from, offset, row) => {
      if (used === BUFFERED) {
        file.append(buffer)
        written += used
        used = 0
      }
      buffer.set(from.subarray(offset, offset + HASH_BYTES), used)
      buffer.writeUInt32LE(row, used + HASH_BYTES)
      used += RECORD
      count++
    },
    *chunks(size) {
      for (let start = 0; start < count; start += size) {
        const length = Math.min(size, count - start)
        const records = read(start, length)
        const hashes = new Uint8Array(length * HASH_BYTES)
        const rows = new Uint32Array(length)
        for (let i = 0; i < length; i++) {
          hashes.set(records.subarray(i * RECORD, i * RECORD + HASH_BYTES), i * HASH_BYTES)
          rows[i] = records.readUInt32LE(i * RECORD + HASH_BYTES)
        }
        yield { hashes, rows }
      }
    },
    close: () => file.close(),
  }
}
