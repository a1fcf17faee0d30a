/** Stands between the subjects of an event on their way to the server. */
export const SEPARATOR = '\x1f'

/**
 * PostgreSQL keeps every text but U+0000 and halves of surrogate pairs. A text with one of those, or with what has a
 * meaning here, as the empty one in a list, is kept as JSON. https://www.postgresql.org/docs/current/datatype-character.html
 */
export const toText = (text: string): string =>
  text === '' || text.startsWith('"') || text.includes('\0') || text.includes(SEPARATOR) || /\p{Cs}/u.test(text)
    ? JSON.stringify(text)
    : text

export const fromText = (text: string): string => (text.startsWith('"') ? JSON.parse(text) : text)
