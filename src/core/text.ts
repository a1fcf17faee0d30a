/** A string without the space around it; `''` for what is no string. */
export const trimmed = (value: unknown): string => (typeof value === 'string' ? value.trim() : '')
