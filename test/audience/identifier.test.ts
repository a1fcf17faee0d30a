import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { identify } from '../../src/audience/identifier.ts'

const hex = (raw: string, rule: 'basic' | 'microsoft' = 'basic') => {
  const result = identify(raw, rule)
  return 'hash' in result ? Buffer.from(result.hash, 'latin1').toString('hex') : result.excluded
}

describe('identify', () => {
  it.each([
    ['user@example.com', 'basic', 'b4c9a289323b21a01c3e940f150eb9b8c542587f1abfd8f0e1cc1ffc5e475514'],
    [' USER@Example.com\t', 'basic', 'b4c9a289323b21a01c3e940f150eb9b8c542587f1abfd8f0e1cc1ffc5e475514'],
    ['test@contoso.com', 'basic', 'f25ad364d33972379a7a4f4df33db142205f5c40eb19cfdb2fc5aaf117e10101'],
    ['john.doe+news@example.com', 'basic', '2605d3cdb53ba35bbd640f40ff5f9561c046675b136c4899e45e8653835e04f2'],
    ['john.doe+news@example.com', 'microsoft', '55e79200c1635b37ad31a378c39feb12f120f116625093a19bc32fff15041149'],
    [
      'B4C9A289323b21a01c3e940f150eb9b8c542587f1abfd8f0e1cc1ffc5e475514 ',
      'basic',
      'b4c9a289323b21a01c3e940f150eb9b8c542587f1abfd8f0e1cc1ffc5e475514',
    ],
  ] as const)('%j by %s', (raw, rule, expected) => {
    expect(hex(raw, rule)).toBe(expected)
  })

  it.each(['', '   ', '\t\n'])('%j has no mapping', (raw) => {
    expect(hex(raw)).toBe('Unresolved Mapping')
  })

  it.each([
    'invalid',
    'a@b',
    'a@@b.com',
    'two@example.com, three@example.com',
    'User <user@example.com>',
    'mailto:user@example.com',
    '=HYPERLINK("mailto:user@example.com")',
    "=cmd|'/c'!user@example.com",
    '"user@example.com"',
    'b4c9a289323b21a01c3e940f150eb9b8',
    '(none)',
    'null',
    `${'x'.repeat(320)}@example.com`,
  ])('%j is malformed', (raw) => {
    expect(hex(raw)).toBe('Partner Requirement Unmet')
  })

  it('gives 64 hex characters or a reason for every text, and never the text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.emailAddress()), (raw) => {
        expect(hex(raw)).toMatch(/^(?:[0-9a-f]{64}|Unresolved Mapping|Partner Requirement Unmet)$/)
      }),
    )
  })
})
