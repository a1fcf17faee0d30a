import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_AMOUNT, parseAmount, parseCurrency } from '../../src/core/money.ts'

describe('parseAmount', () => {
  it.each<[unknown, number]>([
    [25, 25],
    [0, 0],
    [-0, 0],
    ['0', 0],
    ['0.00', 0],
    ['$0.00', 0],
    ['0,00', 0],
    ['25', 25],
    [' 25 ', 25],
    ['00012', 12],
    ['.5', 0.5],
    [',5', 0.5],
    ['19.99', 19.99],
    // What JavaScript and JSON print stays what it is.
    ['1.234', 1.234],
    ['0.123', 0.123],
    ['1234.567', 1234.567],
    ['1234567.89', 1234567.89],
    // At most three decimals, rounded.
    [12.3456, 12.346],
    ['12.3456', 12.346],
    [1.0004, 1],
    [0.0004, 0],
    [1e-7, 0],
    [0.1 + 0.2, 0.3],
    // Thousands and decimals by two separators.
    ['$1,234.56', 1234.56],
    ['1,234.56', 1234.56],
    ['1.234,56 €', 1234.56],
    ['€ 1.234,56', 1234.56],
    ['1 234,56', 1234.56],
    ['1\u00a0234,56 €', 1234.56],
    ['1\u202f234,56\u00a0€', 1234.56],
    ["1'234.50", 1234.5],
    ['1’234.50', 1234.5],
    ['1.234.567,89', 1234567.89],
    ['1,234,567.891', 1234567.891],
    ['1,234.567', 1234.567],
    ['1.234,567', 1234.567],
    // One separator that can only be for thousands.
    ['1,234,567', 1234567],
    ['1.234.567', 1234567],
    ['1 234', 1234],
    ['£1 234', 1234],
    // One separator that can only be decimal.
    ['1,5', 1.5],
    ['25,50', 25.5],
    ['1234,56', 1234.56],
    ['1234,567', 1234.567],
    ['1,2345', 1.235],
    // Signs of currencies, in front or behind.
    ['5 €', 5],
    ['¥5', 5],
    ['5₺', 5],
    ['₹ 99.50', 99.5],
    // The tag's range.
    [MAX_AMOUNT, MAX_AMOUNT],
    ['999,999,999,999', MAX_AMOUNT],
  ])('reads %o as %d', (text, amount) => {
    expect(parseAmount(text)).toBe(amount)
  })

  it.each<[string, unknown]>([
    ['thousands or decimals', '1,234'],
    ['thousands or decimals', '25,500'],
    ['thousands or decimals', '0,123'],
    ['thousands or decimals', '$1,234'],
    ['thousands or decimals', '€1.234'],
    ['thousands or decimals', '1.234 €'],
    ['groups that are not of three', '12,34,567'],
    ['groups that are not of three', '1,23,456.00'],
    ['groups that are not of three', '12 34'],
    ['an open first group', '1234 567'],
    ['three kinds of separators', '1 234.567,8'],
    ['the same separator for both', '1,234,56'],
    ['separators in a row', '1,,234'],
    ['separators in a row', '1.,5'],
    ['separators in a row', '1..5'],
    ['a separator at the end', '25.'],
    ['a separator at the end', '1,234.'],
    ['no digits', ''],
    ['no digits', ' '],
    ['no digits', '.'],
    ['no digits', '$'],
    ['words', 'free'],
    ['words', '5 EUR'],
    ['words', 'EUR 5'],
    ['words', '5 kr'],
    ['two signs', '$5€'],
    ['two amounts', '5 - 10'],
    ['an exponent', '1e3'],
    ['a radix', '0x10'],
    ['a word for a number', 'Infinity'],
    ['a word for a number', 'NaN'],
    ['underscores', '1_000'],
    ['digits of another script', '٣'],
    ['negative', -1],
    ['negative', '-1'],
    ['negative', '$-5'],
    ['negative', '-$5'],
    ['negative', '($5)'],
    ['negative', '5-'],
    ['a plus sign', '+5'],
    ['not finite', Number.NaN],
    ['not finite', Number.POSITIVE_INFINITY],
    ['beyond the range', MAX_AMOUNT + 1],
    ['beyond the range', '1,000,000,000,000'],
    ['beyond the range', 1e21],
    ['too long to be one', '0'.repeat(40)],
    ['no number', true],
    ['no number', null],
    ['no number', undefined],
    ['no number', 5n],
    ['no number', [5]],
    ['no number', {}],
    ['no number', new Number(5)],
    ['no number', new Date(5)],
    ['no number', Symbol('5')],
    ['no number', () => 5],
  ])('does not guess: %s, %o', (_, value) => {
    expect(parseAmount(value)).toBeUndefined()
  })

  it('gives nothing or a number that the tag takes, whatever it is given', () => {
    const texts = fc.string({ unit: fc.constantFrom(..."0123456789., \u00a0'$€+-e"), maxLength: 14 })
    fc.assert(
      fc.property(fc.oneof(texts, fc.double(), fc.anything()), (value) => {
        const amount = parseAmount(value)
        if (amount === undefined) return
        expect(amount).toBeGreaterThanOrEqual(0)
        expect(amount).toBeLessThanOrEqual(MAX_AMOUNT)
        expect(String(amount)).toMatch(/^\d+(\.\d{1,3})?$/)
      }),
    )
  })

  it.each([
    ['en-US', 'USD'],
    ['de-DE', 'EUR'],
    ['fr-FR', 'EUR'],
    ['de-CH', 'EUR'],
    ['ja-JP', 'USD'],
    ['pt-PT', 'EUR'],
  ])('reads back what %s prints with a sign and two decimals', (locale, currency) => {
    const print = new Intl.NumberFormat(locale, { style: 'currency', currency, currencyDisplay: 'narrowSymbol' })
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 99_999_999_999 }), (cents) => {
        const text = print.format(cents / 100)
        // Swiss notation and the like may print the code; such a text is not read at all.
        if (/[A-Z]{3}/.test(text)) expect(parseAmount(text)).toBeUndefined()
        else expect(parseAmount(text)).toBe(cents / 100)
      }),
    )
  })
})

describe('parseCurrency', () => {
  it.each([
    ['EUR', 'EUR'],
    ['eur', 'EUR'],
    [' Usd\n', 'USD'],
    ['XCG', 'XCG'],
    ['zwg', 'ZWG'],
  ])('reads %o as %s', (text, code) => {
    expect(parseCurrency(text)).toBe(code)
  })

  it.each([
    ['', 'XYZ', 'EURO', 'EU', '€', 'US Dollar', 'D A', 'ED ', 'EUR USD', 'ＥＵＲ', 'eur\u0000'],
    // Withdrawn, or nothing that anybody pays with.
    ['BGN', 'HRK', 'DEM', 'ANG', 'SLL', 'ZWL', 'CUC', 'XAU', 'XDR', 'XTS', 'XXX', 'CHE', 'CLF', 'USN', 'BTC', 'CNH'],
    [undefined, null, 978, true, [], ['EUR'], {}, new String('EUR'), Symbol('EUR')],
  ])('does not know any of %o, …', (...values) => {
    for (const value of values) expect(parseCurrency(value)).toBeUndefined()
  })
})
