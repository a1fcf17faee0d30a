import { INSPECT_MARK } from '../core/inspect-mark.ts'
import { readAttributes } from './attributes.ts'
import { warn } from './log.ts'
import type { UetOptions } from './options.ts'
import { injectScript } from './script.ts'
import type { Uet } from './types.ts'
import { createUet } from './uet.ts'

/** The one global: a command function, callable before the script is there. */
interface Global {
  (...command: unknown[]): unknown
  q?: ArrayLike<unknown>[]
  loaded?: true
}

/**
 * Starts from the script element's attributes or the page's JSON block, then plays back the queued commands.
 *
 * @param resolve what a build makes of the options before they are used.
 */
export function install(page: { uetkit?: Global }, resolve = (options: UetOptions): UetOptions => options): void {
  const queued = page.uetkit?.q ?? []
  // The script may be on the page twice, by a template and a tag manager.
  if (page.uetkit?.loaded) return
  const waiting: unknown[][] = []
  const { options, autoPage, source } = readAttributes(document)
  let uet: Uet | undefined

  const run = ([name, ...args]: unknown[]): unknown => {
    // The inspector is a file beside ours, which nobody pays for who does not open it.
    if (name === 'inspect')
      return injectScript(window, { ...options?.script, src: `${new URL('uetkit-inspector.min.js', source)}` })
    if (name === 'init') {
      if (uet) return warn('init came twice: the first tracker stays')
      uet = createUet(resolve(args[0] as UetOptions))
      if (autoPage) uet.page()
      return waiting.splice(0).forEach(run)
    }
    if (!/^(page|track|identify|consent|state|reset|on)$/.test(String(name)))
      return warn('no such command:', name, ': use page, track, identify, consent, state, reset, on or init')
    return uet
      ? (uet[name as keyof Uet] as (...args: unknown[]) => unknown)(...args)
      : void waiting.push([name, ...args])
  }

  const command = ((...args) => {
    try {
      return run(args)
    } catch {}
  }) as Global
  command.loaded = true
  page.uetkit = command
  if (options) command('init', options)
  // It stays open from page to page: it notes that in the tab's name, which costs no look into storage.
  if ((window.location.search + window.name).includes(INSPECT_MARK)) command('inspect')
  for (const entry of Array.from(queued)) command(...Array.from(entry as ArrayLike<unknown>))
}
