import { LEGACY_KEYS } from './legacy.ts'

/** One call recovered from the flat array, as arguments of `push`; `broken` stands for a `null`. */
export type StubCall = { args: unknown[] } | { broken: true }

const hasLegacyKey = (value: object): boolean => LEGACY_KEYS.some((key) => key in value)

/**
 * Recovers calls from the array that collected them before the script arrived. `Array.prototype.push` has flattened
 * all arguments into one list, so the tag goes by position: strings open a command and name its subject, an object
 * closes it, anything else makes it start over.
 */
export function parseStub(list: readonly unknown[]): StubCall[] {
  const calls: StubCall[] = []
  let words: string[] = []

  const close = (...last: unknown[]): void => {
    if (words.length > 0) calls.push({ args: [...words, ...last] })
    words = []
  }

  for (const item of list) {
    if (typeof item === 'string') {
      // A third word cannot belong to the open command: that one had no parameters.
      if (words.length === 2) close()
      if (item === 'pageLoad' && words.length === 0) continue
      words.push(item)
    } else if (item === null) {
      words = []
      calls.push({ broken: true })
    } else if (typeof item !== 'object') {
      words = []
    } else if (words.length === 0) {
      calls.push({ args: [item] })
    } else if (words[0] === 'event' && hasLegacyKey(item)) {
      close({})
      calls.push({ args: [item] })
    } else {
      close(item)
    }
  }
  if (words.length === 2) close()
  return calls
}
