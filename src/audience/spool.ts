import { BUCKETS, compareAt, HASH_BYTES, type Hashes } from './hashes.ts'
import { type TempFile, tempFile } from './temp-file.ts'

/** The cohort's hashes with one first byte, sorted, each once; `rows[i]` is the row that brought hash `i` first. */
export interface CohortBucket {
  hashes: Hashes
  rows: Uint32Array
  /** Rows that repeat a hash of an earlier row. */
  duplicates: Uint32Array
}

/** The cohort as it is read, in any order, kept mostly on disk; given back bucket by bucket, sorted. */
export interface CohortSpool {
  /** `hash` as 32 one-byte characters; `row` counts from 1. */
  add(hash: string, row: number): void
  bucket(first: number): CohortBucket
  close(): void
}

const RECORD = HASH_BYTES + 4
// A bucket's part in memory: 16 MB for all of them. Half a million rows never touch the disk.
const FULL = RECORD * 1_820
const SMALLEST = RECORD * 8

export function cohortSpool(directory: string): CohortSpool {
  const file: TempFile = tempFile(directory)
  const parts = Array.from({ length: BUCKETS }, () => ({ buffer: Buffer.allocUnsafeSlow(0), used: 0 }))
  const onDisk = Array.from({ length: BUCKETS }, (): number[] => [])

  const grown = (bucket: number) => {
    const part = parts[bucket]!
    if (part.used === FULL) {
      onDisk[bucket]!.push(file.append(part.buffer))
      part.used = 0
    } else if (part.used === part.buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(FULL, Math.max(SMALLEST, part.buffer.length * 2)))
      part.buffer.copy(larger)
      part.buffer = larger
    }
    return part
  }

  const load = (bucket: number): Buffer => {
    const part = parts[bucket]!
    const offsets = onDisk[bucket]!
    const all = Buffer.allocUnsafeSlow(offsets.length * FULL + part.used)
    offsets.forEach((offset, index) => file.read(all.subarray(index * FULL, (index + 1) * FULL), offset))
    part.buffer.copy(all, offsets.length * FULL, 0, part.used)
    return all
  }

  return {
    add: (hash, row) => {
      const bucket = hash.charCodeAt(0)
      const part = grown(bucket)
      part.buffer.write(hash, part.used, HASH_BYTES, 'latin1')
      part.buffer.writeUInt32LE(row, part.used + HASH_BYTES)
      part.used += RECORD
    },
    bucket: (first) => sortBucket(load(first)),
    close: () => file.close(),
  }
}

/** Sorts records of hash and row by both, and takes the doubles out. */
function sortBucket(records: Buffer): CohortBucket {
  const order = sortedOrder(records)
  const hashes = Buffer.allocUnsafeSlow(order.length * HASH_BYTES)
  const rows = new Uint32Array(order.length)
  const duplicates = new Uint32Array(order.length)
  let unique = 0
  let doubles = 0
  for (const index of order) {
    const offset = index * RECORD
    const row = records.readUInt32LE(offset + HASH_BYTES)
    if (unique && !compareAt(records, offset, hashes, (unique - 1) * HASH_BYTES)) {
      duplicates[doubles++] = row
      continue
    }
    records.copy(hashes, unique * HASH_BYTES, offset, offset + HASH_BYTES)
    rows[unique++] = row
  }
  return {
    hashes: hashes.subarray(0, unique * HASH_BYTES),
    rows: rows.subarray(0, unique),
    duplicates: duplicates.subarray(0, doubles),
  }
}

const EXACT_BITS = 53
const PREFIX_BITS = 48

/**
 * The order of the records, by hash and then by place, which is the order of rows. Numbers sort many times faster than
 * bytes, so as many bits of the hash as a number holds beside the place decide, and only equal ones are compared whole.
 */
function sortedOrder(records: Buffer): Uint32Array {
  const length = records.length / RECORD
  const placeBits = Math.max(EXACT_BITS - PREFIX_BITS, Math.ceil(Math.log2(length + 1)))
  const places = 2 ** placeBits
  const dropped = 2 ** (PREFIX_BITS - (EXACT_BITS - placeBits))
  const keys = new Float64Array(length)
  // All first bytes of a bucket are equal, so the prefix starts after it.
  for (let i = 0; i < length; i++) keys[i] = Math.floor(records.readUIntBE(i * RECORD + 1, 6) / dropped) * places + i
  keys.sort()
  const order = new Uint32Array(length)
  for (let i = 0; i < length; i++) order[i] = keys[i]! % places
  for (let start = 0; start < length; ) {
    const prefix = Math.floor(keys[start]! / places)
    let end = start + 1
    while (end < length && Math.floor(keys[end]! / places) === prefix) end++
    if (end - start > 1) {
      order.subarray(start, end).sort((a, b) => compareAt(records, a * RECORD, records, b * RECORD) || a - b)
    }
    start = end
  }
  return order
}
