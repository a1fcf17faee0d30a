/** Explains a decision on the console, where the option `debug` is set. */
export type Log = (...details: unknown[]) => void

const said = new Set<string>()

/** A page may have replaced its console, and even that must not throw into the page. */
const say = (method: 'warn' | 'debug', details: unknown[]) => {
  try {
    console[method]('[uetkit]', ...details)
  } catch {}
}

/** Says once what the site's developer has to mend. */
export function warn(message: string): void {
  if (!said.has(message)) say('warn', [message])
  said.add(message)
}

export const createLog =
  (debug: unknown): Log =>
  (...details) => {
    if (debug) say('debug', details)
  }
