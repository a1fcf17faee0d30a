import { expect, it } from 'vitest'
import { CURRENCIES, isCurrency } from '../../src/core/currencies.ts'

const codes = CURRENCIES.match(/[a-z][A-Z]+/g)!.flatMap(([initial, ...rest]) =>
  rest
    .join('')
    .match(/../g)!
    .map((pair) => initial!.toUpperCase() + pair),
)

/** What Unicode's data still lists, and nobody pays with any more or ever did. */
const NOT_IN_USE = new Map([
  ['ANG', 'Curaçao and Sint Maarten pay in XCG since 2025'],
  ['BGN', 'Bulgaria pays in euros since 2026'],
  ['CUC', 'Cuba withdrew it in 2021'],
  ['HRK', 'Croatia pays in euros since 2023'],
  ['SLL', 'Sierra Leone pays in SLE since 2022'],
  ['XDR', 'a unit of account'],
  ['XSU', 'a unit of account'],
  ['ZWL', 'Zimbabwe pays in ZWG since 2024'],
])

/** What ISO 4217 lists and Unicode's data does not. */
const ONLY_ISO = ['VED']

it('lists every currency in use, each once and in order', () => {
  const known = Intl.supportedValuesOf('currency').filter((code) => !NOT_IN_USE.has(code))
  expect(codes).toEqual([...known, ...ONLY_ISO].sort())
})

it.each([
  ...NOT_IN_USE.keys(),
  // Funds, metals, bond units, units of account, the test code, "no currency".
  ...'BOV CHE CHW CLF COU MXV USN UYI UYW XAD XAG XAU XBA XBB XBC XBD XPD XPT XTS XUA XXX'.split(' '),
])('does not list %s', (code) => {
  expect(codes).not.toContain(code)
  expect(isCurrency(code)).toBe(false)
})

it('knows its codes, and no other three letters', () => {
  const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ']
  const all = letters.flatMap((a) => letters.flatMap((b) => letters.map((c) => a + b + c)))
  expect(all.filter(isCurrency)).toEqual(codes)
})

it.each(['', 'EU', 'EURO', 'eur', 'eUR', 'E', 'UREUR', 'EUR\n', '...'])('does not take %o for a code', (text) => {
  expect(isCurrency(text)).toBe(false)
})
