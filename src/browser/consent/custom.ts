import type { ConsentState } from '../../core/event.ts'
import type { ConsentSourceApi } from '../options.ts'
import { createSource } from './source.ts'

/**
 * A banner of your own. Report the stored choice at once, if there is one, then each change; return what stops it.
 * `granted` and `denied` of any case and booleans are understood, anything else is no signal.
 *
 * @example
 * custom((report) => {
 *   if (banner.answered) report(banner.allows('ads'))
 *   return banner.onChange(() => report(banner.allows('ads')))
 * })
 */
export function custom(
  // biome-ignore lint/suspicious/noConfusingVoidType: a function that returns nothing fits too
  subscribe: (report: (state: ConsentState | boolean) => void) => (() => void) | void,
): ConsentSourceApi {
  return createSource('custom', (report) => subscribe((state) => report(state)))
}
