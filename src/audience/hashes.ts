/** Packed hashes: SHA-256 values of 32 bytes, one after the other, sorted, each once. */
export type Hashes = Uint8Array

export const HASH_BYTES = 32

/** Sets of hashes are cut by their first byte, so that no more than a 256th of one is ever in memory. */
export const BUCKETS = 256

export const count = (hashes: Hashes): number => hashes.length / HASH_BYTES

/** Order of two hashes that start at the byte offsets `i` and `j`. */
export function compareAt(a: Uint8Array, i: number, b: Uint8Array, j: number): number {
  for (let byte = 0; byte < HASH_BYTES; byte++) {
    const difference = a[i + byte]! - b[j + byte]!
    if (difference) return difference
  }
  return 0
}

export const hexAt = (hashes: Uint8Array, offset: number): string =>
  Buffer.from(hashes.buffer, hashes.byteOffset + offset, HASH_BYTES).toString('hex')

/** All hashes as 64 lower-case hex characters each, the form that goes on the wire. */
export const toHex = (hashes: Hashes): string[] =>
  Array.from({ length: count(hashes) }, (_, index) => hexAt(hashes, index * HASH_BYTES))

/** Which hashes of two sets the result holds: those of the first alone, of both, of the second alone. */
type Keep = readonly [first: boolean, both: boolean, second: boolean]

const UNION: Keep = [true, true, true]
const SUBTRACT: Keep = [true, false, false]

function combine(a: Hashes, b: Hashes, [first, both, second]: Keep): Hashes {
  const result = new Uint8Array(a.length + b.length)
  let [i, j, end] = [0, 0, 0]
  const keep = (from: Hashes, offset: number) => {
    for (let byte = 0; byte < HASH_BYTES; byte++) result[end + byte] = from[offset + byte]!
    end += HASH_BYTES
  }
  while (i < a.length || j < b.length) {
    const order = i >= a.length ? 1 : j >= b.length ? -1 : compareAt(a, i, b, j)
    if (order < 0 ? first : order === 0 && both) keep(a, i)
    else if (order > 0 && second) keep(b, j)
    if (order <= 0) i += HASH_BYTES
    if (order >= 0) j += HASH_BYTES
  }
  return result.slice(0, end)
}

export const union = (a: Hashes, b: Hashes): Hashes => (b.length ? combine(a, b, UNION) : a)
export const subtract = (a: Hashes, b: Hashes): Hashes => (a.length && b.length ? combine(a, b, SUBTRACT) : a)

/** The part of sorted hashes whose first byte is `bucket`, as a view. */
export function ofBucket(hashes: Hashes, bucket: number): Hashes {
  const start = (first: number): number => {
    let [low, high] = [0, count(hashes)]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (hashes[middle * HASH_BYTES]! < first) low = middle + 1
      else high = middle
    }
    return low * HASH_BYTES
  }
  return hashes.subarray(start(bucket), start(bucket + 1))
}

/** Hashes in any order, doubles included, as a set. */
export function packed(list: readonly Uint8Array[]): Hashes {
  const sorted = [...list].sort((a, b) => compareAt(a, 0, b, 0))
  const unique = sorted.filter((hash, index) => !index || compareAt(hash, 0, sorted[index - 1]!, 0))
  return Uint8Array.from(Buffer.concat(unique))
}
