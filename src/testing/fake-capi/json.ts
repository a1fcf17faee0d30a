export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Clients send `null` for what they do not know, and the API seems to take that as absent. */
export const isMissing = (value: unknown): value is undefined | null => value === undefined || value === null

/** The JSON of a text, or undefined. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return
  }
}
