/** Explains a decision on the console, where the option `debug` is set. */
export type Log = (...details: unknown[]) => void

const said = new Set<unknown>()

/** A page may have replaced its console, and even that must not throw into the page. */
const say = (method: 'warn' | 'debug', details: unknown[]) => {
  try {
    console[method]('[uetkit]', ...details)
  } catch {}
}

/** Says once what the site's developer has to mend. The values are shown by the console itself, whatever they are. */
export function warn(...details: unknown[]): void {
  if (!said.has(details[0])) say('warn', details)
  said.add(details[0])
}

export const createLog =
  (debug: unknown): Log =>
  (...details) => {
    if (debug) say('debug', details)
  }
