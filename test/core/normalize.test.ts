import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { normalizeEmail, normalizePhone } from '../../src/core/normalize.ts'

describe('normalizeEmail', () => {
  it.each([
    ['john@contoso.com', 'john@contoso.com', 'john@contoso.com'],
    ['  Jane.Doe+News@Example.COM ', 'janedoe@example.com', 'jane.doe+news@example.com'],
    ['j.o.h.n@sub.example.co.uk', 'john@sub.example.co.uk', 'j.o.h.n@sub.example.co.uk'],
    [' Ex.Ample+tag@Contoso.com ', 'example@contoso.com', 'ex.ample+tag@contoso.com'],
    ['a+b+c@d.e', 'a@d.e', 'a+b+c@d.e'],
    ['Jörg@Bücher.example', 'jörg@bücher.example', 'jörg@bücher.example'],
    ['+only@alias.example', undefined, '+only@alias.example'],
    ['...@dots.example', undefined, '...@dots.example'],
  ])('%j → %j (basic %j)', (raw, microsoft, basic) => {
    expect(normalizeEmail(raw)).toBe(microsoft)
    expect(normalizeEmail(raw, 'microsoft')).toBe(microsoft)
    expect(normalizeEmail(raw, 'basic')).toBe(basic)
  })

  it.each([
    '',
    ' ',
    'john',
    '@x.com',
    'john@',
    'john@localhost',
    'john@.com',
    'john@x.',
    'john@x..com',
    'a@b@c.com',
    'jo hn@x.com',
    `${'a'.repeat(400)}@x.com`,
    'ec81f3ac7b2b19675bab9d54cf416f9f18cff87c97da5cca82c0f0891bc40602',
    undefined,
    null,
    42,
    {},
  ])('refuses %j', (raw) => {
    expect(normalizeEmail(raw)).toBeUndefined()
    expect(normalizeEmail(raw, 'basic')).toBeUndefined()
  })

  it('is idempotent and never throws', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.emailAddress(), fc.anything()),
        fc.constantFrom('microsoft', 'basic'),
        (raw, rule) => {
          const once = normalizeEmail(raw, rule)
          if (once !== undefined) expect(normalizeEmail(once, rule)).toBe(once)
        },
      ),
    )
  })

  it('takes every valid address under the basic rule', () => {
    fc.assert(
      fc.property(fc.emailAddress(), (raw) => {
        expect(normalizeEmail(raw, 'basic')).toBe(raw.toLowerCase())
      }),
    )
  })
})

describe('normalizePhone', () => {
  it.each([
    ['+14255551234', '+14255551234'],
    ['+1 (425) 555-1234', '+14255551234'],
    [' +44\t20.7183.8750 ', '+442071838750'],
  ])('%j → %j', (raw, text) => {
    expect(normalizePhone(raw)).toBe(text)
  })

  it.each([
    '14255551234',
    '4255551234',
    '+1425555123',
    '+1234567890123456',
    '+1425555abcd',
    '',
    undefined,
    14255551234,
  ])('refuses %j', (raw) => {
    expect(normalizePhone(raw)).toBeUndefined()
  })
})
