import { isCurrency } from './currencies.ts'
import { trimmed } from './text.ts'

/** Largest number the tag accepts. Source: the tag script's message "cannot be greater than 999999999999". */
export const MAX_AMOUNT = 999_999_999_999

// Groups of three digits with one separator, or digits without any; then perhaps another separator and decimals.
// One separator before exactly three digits may mean either, so it matches nothing.
const LOCALISED = /^(?!\d{1,3}[.,]\d{3}$)(\d{1,3}([\s.,'’])\d{3}(?:\2\d{3})*(?!\2)|\d*)(?:[.,](\d+))?$/

/**
 * Reads an amount: a number, or a string in plain decimal notation, 0 included. A string may also carry one currency
 * sign, thousands separators and a decimal comma where only one reading is possible:
 *
 * | text | amount | why |
 * | --- | --- | --- |
 * | `1.234` | 1.234 | a numeric string, read as JavaScript and JSON read it |
 * | `$1,234.56`, `1.234,56 €`, `1 234,56`, `1'234.50` | 1234.56 … 1234.5 | two different separators: the last one is decimal |
 * | `1,234,567`, `1 234` | 1234567, 1234 | neither can be a decimal separator |
 * | `25,50`, `1,5` | 25.5, 1.5 | not three digits, so no thousands |
 * | `1,234`, `€1.234` | none | thousands or decimals: nobody can tell |
 *
 * @returns the amount rounded to three decimals, or `undefined` for anything else: negative, not finite, above
 * {@link MAX_AMOUNT}, words, exponents, ISO codes.
 */
export function parseAmount(value: unknown): number | undefined {
  const amount = typeof value === 'string' && value.length < 40 ? parseText(value.trim()) : value
  return typeof amount === 'number' && amount >= 0 && amount <= MAX_AMOUNT
    ? Math.round(amount * 1e3) / 1e3 + 0
    : undefined
}

function parseText(text: string): number | undefined {
  if (/^\d*\.?\d+$/.test(text)) return +text
  const parts = LOCALISED.exec(text.replace(/^\p{Sc}\s*|\s*\p{Sc}$/u, ''))
  return parts ? +`${parts[1]!.replace(/\D/g, '')}.${parts[3] ?? ''}` : undefined
}

/** Reads an active ISO 4217 code in any case, with space around it. Anything else is `undefined`. */
export function parseCurrency(value: unknown): string | undefined {
  const code = trimmed(value).toUpperCase()
  return isCurrency(code) ? code : undefined
}
