/** Stands between the texts of one column on their way to the server, which splits them faster than it reads an array. */
export const ROWS = '\x1e'

/** Stands between the subjects of one event. */
export const SUBJECTS = '\x1f'

/**
 * PostgreSQL keeps every text but U+0000 and halves of surrogate pairs. A text with one of those, or with what has a
 * meaning here, as the empty one in a list, is kept as JSON. https://www.postgresql.org/docs/current/datatype-character.html
 */
export const toText = (text: string): string =>
  text === '' ||
  text.startsWith('"') ||
  text.includes('\0') ||
  text.includes(ROWS) ||
  text.includes(SUBJECTS) ||
  /\p{Cs}/u.test(text)
    ? JSON.stringify(text)
    : text

export const fromText = (text: string): string => (text.startsWith('"') ? JSON.parse(text) : text)
