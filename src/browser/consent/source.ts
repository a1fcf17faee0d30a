import { parseConsent } from '../../core/consent.ts'
import { warn } from '../log.ts'
import type { ConsentSourceApi } from '../options.ts'

/** Takes what a tool says; what is neither a state nor a boolean is no signal. See `ConsentSourceApi`. */
export type Report = (value: unknown, assumed?: boolean) => void

/**
 * A source that never throws into the page and is silent once stopped.
 *
 * @param start reads the known choice, follows the changes, and may return what stops it.
 */
export function createSource(name: string, start: (report: Report, window: Window) => unknown): ConsentSourceApi {
  return {
    name,
    subscribe(report, window) {
      let active = true
      let stop: unknown
      try {
        stop = start((value, assumed) => {
          const state = parseConsent(value)
          if (active && state) report(state, assumed)
        }, window)
      } catch (error) {
        warn(`consent source ${name} failed:`, error)
      }
      return () => {
        active = false
        if (typeof stop === 'function') quietly(stop as () => void)()
      }
    },
  }
}

/** For what looks at the page: it may hold anything, getters that throw too. */
export const quietly =
  <A extends unknown[]>(action: (...args: A) => unknown) =>
  (...args: A): void => {
    try {
      action(...args)
    } catch {}
  }

/** Listens to events of the window; returns what stops it. */
export function listen(window: Window, types: readonly string[], listener: (event: Event) => void): () => void {
  const guarded = quietly(listener)
  for (const type of types) window.addEventListener(type, guarded)
  return () => types.forEach((type) => window.removeEventListener(type, guarded))
}
