import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { hashIdentifier, isSha256Hex, sha256Hex } from '../../src/core/hash.ts'
import { normalizeEmail, normalizePhone } from '../../src/core/normalize.ts'

afterEach(() => vi.unstubAllGlobals())

describe('sha256Hex', () => {
  it('equals another implementation for every text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), async (text) => {
        expect(await sha256Hex(text)).toBe(createHash('sha256').update(text, 'utf8').digest('hex'))
      }),
    )
  })

  it.each([[undefined], [{}]])('is undefined without Web Crypto (%j)', async (crypto) => {
    vi.stubGlobal('crypto', crypto)
    expect(await sha256Hex('x')).toBeUndefined()
  })
})

describe('hashIdentifier', () => {
  it.each([
    ['john@contoso.com', normalizeEmail, 'ec81f3ac7b2b19675bab9d54cf416f9f18cff87c97da5cca82c0f0891bc40602'],
    [
      '  Jane.Doe+News@Example.COM ',
      normalizeEmail,
      'c4d25e9c90ff23e9145397bc6fbd5385ca5fbe78211222ccbecd0b369ebb19a6',
    ],
    ['j.o.h.n@sub.example.co.uk', normalizeEmail, '2f16f756471518161705ff8d0d9c939bd606fa50f8d20331526c2b14855ba564'],
    ['+14255551234', normalizePhone, 'c59475d96e9f01d7d18d06cfad84dd02333207f02c0c2c5663ef2782cda0390e'],
    ['+44 20 7183 8750', normalizePhone, 'e631c2534428c6c9b48c2167604a8983046085e43a2c00ed748733c544c0bb4d'],
  ])('%j', async (raw, normalize, hash) => {
    expect(await hashIdentifier(raw, (text) => normalize(text))).toBe(hash)
    expect(await hashIdentifier(` ${hash.toUpperCase()} `, normalizeEmail)).toBe(hash)
  })

  it.each(['', 'nonsense', '14255551234', 'd41d8cd98f00b204e9800998ecf8427e', null, 5, {}])(
    'refuses %j',
    async (value) => {
      expect(await hashIdentifier(value, (text) => normalizeEmail(text))).toBeUndefined()
      expect(await hashIdentifier(value, normalizePhone)).toBeUndefined()
    },
  )
})

it.each([
  ['a'.repeat(64), true],
  ['A'.repeat(64), true],
  ['a'.repeat(63), false],
  [`${'a'.repeat(64)}\n`, false],
  ['g'.repeat(64), false],
  [7, false],
])('isSha256Hex(%j) is %j', (value, expected) => {
  expect(isSha256Hex(value)).toBe(expected)
})
