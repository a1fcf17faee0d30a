import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { maskText, snapshot } from '../../../src/browser/inspector/snapshot.ts'

describe('what the inspector keeps of a text', () => {
  it.each([
    ['mail jane.doe@example.com now', 'mail [e-mail] now'],
    ['/thanks?email=jane@example.com&x=1', '/thanks?email=[e-mail]&x=1'],
    ['jane@example.com, joe@example.org', '[e-mail], [e-mail]'],
    ['no address @ all', 'no address @ all'],
  ])('%j becomes %j', (text, kept) => {
    expect(maskText(text)).toBe(kept)
  })

  it('shows no part of an address, wherever the text is cut', () => {
    fc.assert(
      fc.property(fc.nat(1_100), fc.nat(5), (before, more) => {
        const text = `${'secret@example.com '.repeat(more)}${'-'.repeat(before)} secret@example.com ${'-'.repeat(2_000)}`
        expect(maskText(text)).not.toMatch(/secret|example/)
      }),
    )
  })

  it('is bounded, also in how long it looks', () => {
    // Half a day, were each character the beginning of a search through all that follow.
    const long = snapshot({ note: 'x'.repeat(20_000_000) }) as { note: string }
    expect(long.note).toBe('x'.repeat(1_000))
  })
})
