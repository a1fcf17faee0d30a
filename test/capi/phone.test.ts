import { describe, expect, it } from 'vitest'
import { hashIdentifier, normalizePhone } from '../../src/capi/index.ts'

describe('normalizePhone', () => {
  it.each([
    ['+1 (425) 555-1234', undefined, '+14255551234'],
    ['+44 20 7183 8750', undefined, '+442071838750'],
    // Ten digits, which is all that Denmark has.
    ['+45 32 12 34 56', undefined, '+4532123456'],
    ['(425) 555-1234', 'US', '+14255551234'],
    ['020 7183 8750', 'gb', '+442071838750'],
    ['0044 20 7183 8750', 'DE', '+442071838750'],
    ['+44 20 7183 8750', 'US', '+442071838750'],
    ['+1 425 555 1234 ext. 9', 'US', '+14255551234'],
  ])('%j in %s → %s', (raw, country, number) => {
    expect(normalizePhone(raw, country)).toBe(number)
  })

  it.each([
    ['020 7183 8750', undefined],
    ['020 7183 8750', 'ZZ'],
    ['12', 'US'],
    ['call +14255551234 now', 'US'],
    ['', 'US'],
    ['nobody', 'US'],
    [4_255_551_234, 'US'],
    [null, 'US'],
  ])('refuses %j in %s', (raw, country) => {
    expect(normalizePhone(raw, country)).toBeUndefined()
  })

  it('hashes with the plus sign', async () => {
    const hash = await hashIdentifier('020 7183 8750', (raw) => normalizePhone(raw, 'GB'))
    expect(hash).toBe('e631c2534428c6c9b48c2167604a8983046085e43a2c00ed748733c544c0bb4d')
  })
})
