import { readdirSync, rmSync } from 'node:fs'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { diff } from '../../src/audience/diff.ts'
import { BUCKETS, hexAt, ofBucket, packed, subtract, toHex, union } from '../../src/audience/hashes.ts'
import { cohortSpool } from '../../src/audience/spool.ts'
import { scratch } from './support/scratch.ts'

/** Few distinct values that differ in their first, second or last bytes, so that sets overlap and order is hard. */
const someHash = fc
  .tuple(fc.constantFrom(0, 1, 255), fc.constantFrom(0, 1, 255), fc.nat(5), fc.nat(5))
  .map(([first, second, seventh, last]) => {
    const hash = new Uint8Array(32)
    ;[hash[0], hash[1], hash[7], hash[31]] = [first, second, seventh, last]
    return hash
  })
const someHashes = fc.array(someHash, { maxLength: 60 })

const hexes = (hashes: readonly Uint8Array[]) =>
  [...new Set(hashes.map((hash) => Buffer.from(hash).toString('hex')))].sort()
const without = (a: string[], b: string[]) => a.filter((hash) => !b.includes(hash))

describe('packed hashes', () => {
  it('pack, unite, subtract and cut like sets', () => {
    fc.assert(
      fc.property(someHashes, someHashes, (a, b) => {
        expect(toHex(packed(a))).toEqual(hexes(a))
        expect(toHex(union(packed(a), packed(b)))).toEqual(hexes([...a, ...b]))
        expect(toHex(subtract(packed(a), packed(b)))).toEqual(without(hexes(a), hexes(b)))
        const cut = Array.from({ length: BUCKETS }, (_, bucket) => toHex(ofBucket(packed(a), bucket)))
        expect(cut.flat()).toEqual(hexes(a))
        cut.forEach((part, bucket) => part.forEach((hash) => expect(parseInt(hash.slice(0, 2), 16)).toBe(bucket)))
      }),
    )
  })
})

describe('diff', () => {
  it('adds what is missing or in doubt, removes what is there or in doubt, for all sets', () => {
    fc.assert(
      fc.property(someHashes, someHashes, someHashes, (cohort, members, doubtful) => {
        const [c, m, d] = [cohort, members, doubtful].map(packed) as [Uint8Array, Uint8Array, Uint8Array]
        const found = { add: [] as string[], keep: [] as string[], remove: [] as string[] }
        diff(
          c,
          { members: m, doubtful: d },
          {
            add: (index) => found.add.push(hexAt(c, index * 32)),
            keep: (index) => found.keep.push(hexAt(c, index * 32)),
            remove: (from, offset) => found.remove.push(hexAt(from, offset)),
          },
        )
        const sure = without(hexes(members), hexes(doubtful))
        expect(found.add).toEqual(without(hexes(cohort), sure))
        expect(found.keep).toEqual(without(hexes(cohort), without(hexes(cohort), sure)))
        expect(found.remove).toEqual(without(hexes([...members, ...doubtful]), hexes(cohort)))
      }),
    )
  })
})

describe('cohort spool', () => {
  let directory: string
  beforeEach(() => {
    directory = scratch()
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  const latin1 = (hash: Uint8Array) => Buffer.from(hash).toString('latin1')

  it('gives each hash once with its first row, and names the rows that repeat one', () => {
    fc.assert(
      fc.property(fc.array(someHash, { maxLength: 300 }), (hashes) => {
        const spool = cohortSpool(directory)
        hashes.forEach((hash, index) => spool.add(latin1(hash), index + 1))
        const firstRow = new Map<string, number>()
        const repeated: number[] = []
        hashes.forEach((hash, index) => {
          const hex = Buffer.from(hash).toString('hex')
          if (firstRow.has(hex)) repeated.push(index + 1)
          else firstRow.set(hex, index + 1)
        })
        const seen: [string, number][] = []
        const doubles: number[] = []
        for (let first = 0; first < BUCKETS; first++) {
          const bucket = spool.bucket(first)
          toHex(bucket.hashes).forEach((hash, index) => seen.push([hash, bucket.rows[index]!]))
          doubles.push(...bucket.duplicates)
        }
        spool.close()
        expect(seen).toEqual([...firstRow].sort(([a], [b]) => (a < b ? -1 : 1)))
        expect(doubles.sort((a, b) => a - b)).toEqual(repeated)
      }),
    )
  })

  it('goes to disk when a bucket grows, and leaves no name behind', () => {
    const spool = cohortSpool(directory)
    const rows = 9_000
    for (let row = 1; row <= rows; row++) {
      const hash = Buffer.alloc(32)
      hash[0] = 7
      hash.writeUInt32BE((row * 2_654_435_761) >>> 0, 1)
      spool.add(hash.toString('latin1'), row)
      spool.add(hash.toString('latin1'), row + rows)
    }
    expect(readdirSync(directory)).toEqual([])
    const bucket = spool.bucket(7)
    spool.close()
    expect(bucket.rows.length).toBe(rows)
    expect(bucket.duplicates.length).toBe(rows)
    const hex = toHex(bucket.hashes)
    expect(hex).toEqual([...new Set(hex)].sort())
    expect(hex[0]).toBe(Buffer.from(bucket.hashes.subarray(0, 32)).toString('hex'))
    expect(new Set(bucket.rows).size).toBe(rows)
  })
})
