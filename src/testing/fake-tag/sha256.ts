/** The first `count` primes give the constants of FIPS 180-4. */
function primes(count: number): number[] {
  const found: number[] = []
  for (let candidate = 2; found.length < count; candidate++) {
    if (found.every((prime) => candidate % prime !== 0)) found.push(candidate)
  }
  return found
}

const fraction = (value: number): number => ((value - Math.floor(value)) * 2 ** 32) | 0
const PRIMES = primes(64)
const START = PRIMES.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)))
const ROUND = PRIMES.map((prime) => fraction(Math.cbrt(prime)))

const rotate = (value: number, bits: number): number => (value >>> bits) | (value << (32 - bits))

/**
 * SHA-256 of a text as lower-case hex, or undefined when a character lies outside Latin-1: the tag hashes one byte a
 * character. Written out because the tag hashes synchronously, and Web Crypto is missing on http pages.
 */
export function sha256Latin1(text: string): string | undefined {
  const length = text.length
  const words = new Int32Array((((length + 8) >> 6) + 1) * 16)
  for (let index = 0; index < length; index++) {
    const code = text.charCodeAt(index)
    if (code > 0xff) return undefined
    words[index >> 2]! |= code << (24 - (index % 4) * 8)
  }
  words[length >> 2]! |= 0x80 << (24 - (length % 4) * 8)
  words[words.length - 1] = length * 8

  const hash = [...START]
  const schedule = new Int32Array(64)
  for (let block = 0; block < words.length; block += 16) {
    for (let t = 0; t < 64; t++) {
      if (t < 16) {
        schedule[t] = words[block + t]!
        continue
      }
      const w15 = schedule[t - 15]!
      const w2 = schedule[t - 2]!
      const s0 = rotate(w15, 7) ^ rotate(w15, 18) ^ (w15 >>> 3)
      const s1 = rotate(w2, 17) ^ rotate(w2, 19) ^ (w2 >>> 10)
      schedule[t] = schedule[t - 16]! + s0 + schedule[t - 7]! + s1
    }
    let [a, b, c, d, e, f, g, h] = hash as [number, number, number, number, number, number, number, number]
    for (let t = 0; t < 64; t++) {
      const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + ROUND[t]! + schedule[t]!) | 0
      const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0
      ;[h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0]
    }
    for (const [index, value] of [a, b, c, d, e, f, g, h].entries()) hash[index] = (hash[index]! + value) | 0
  }
  return hash.map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('')
}
