import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { listName } from '../../src/audience/list-name.ts'

describe('listName', () => {
  it.each([
    ['uetkit', 'High Value Users', 'abc123', '[uetkit] High Value Users: abc123'],
    ['Amplitude', ' High\r\nValue \u0000Users ', 'abc123', '[Amplitude] High Value Users: abc123'],
    ['uetkit', 'Spent {more} than {x}', 'a', '[uetkit] Spent more than x: a'],
    ['uetkit', 'Käufer 🎉', 'ä', '[uetkit] Käufer 🎉: ä'],
    ['uetkit', 'half \ud83c pair', 'a', '[uetkit] half pair: a'],
    ['u', 'x'.repeat(200), 'id', `[u] ${'x'.repeat(119)}…: id`],
    ['u', `${'x'.repeat(118)}🎉🎉`, 'id', `[u] ${'x'.repeat(118)}…: id`],
    ['u', `${'x'.repeat(118)} yyyyyy`, 'id', `[u] ${'x'.repeat(118)}…: id`],
    ['u', 'x'.repeat(120), 'id', `[u] ${'x'.repeat(120)}: id`],
    ['u', 'name', 'i'.repeat(120), `[u] n…: ${'i'.repeat(120)}`],
  ])('[%s] %j: %s', (prefix, name, id, expected) => {
    expect(listName(prefix, name, id)).toBe(expected)
  })

  it.each([
    ['', 'name', 'id'],
    ['u', ' {} ', 'id'],
    ['u', 'name', '\n'],
    ['u', 'name', 'i'.repeat(121)],
  ])('has no name for %j %j %j', (prefix, name, id) => {
    expect(listName(prefix, name, id)).toBeUndefined()
  })

  it('is short, visible, and keeps prefix and id whole for every name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (name) => {
        const result = listName('uetkit', `x${name}`, 'abc123')!
        expect(result.length).toBeLessThanOrEqual(128)
        expect(Buffer.from(result).toString()).toBe(result)
        expect(result).toMatch(/^\[uetkit\] x[^{}\p{Cc}]*: abc123$/u)
      }),
    )
  })
})
