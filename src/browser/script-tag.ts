import { uetPlugin } from './adapters/analytics.ts'
import { readAttributes } from './attributes.ts'
import { warn } from './log.ts'
import type { UetOptions } from './options.ts'
import type { Uet } from './types.ts'
import { createUet } from './uet.ts'

const COMMANDS = ['page', 'track', 'identify', 'consent', 'state', 'reset', 'on'] as const

/** The one global: a command function, callable before the script is there, and a plugin factory for other hosts. */
interface Global {
  (command: string, ...args: unknown[]): unknown
  (options: UetOptions): ReturnType<typeof uetPlugin>
  q?: ArrayLike<unknown>[]
  loaded?: true
  init: typeof uetPlugin
  createUet: typeof createUet
  uetPlugin: typeof uetPlugin
}

/** Starts from the script element's attributes or the page's JSON block, then plays back the queued commands. */
function install(window: Window & typeof globalThis): void {
  const page = window as unknown as { uetkit?: Global }
  const queued = page.uetkit?.q ?? []
  // The script may be on the page twice, by a template and a tag manager.
  if (page.uetkit?.loaded) return
  const waiting: unknown[][] = []
  let uet: Uet | undefined

  const { options, autoPage } = readAttributes(window.document)

  const init = (given: UetOptions) => {
    if (uet) return warn('init came twice: the first tracker stays')
    uet = createUet(given)
    if (autoPage) uet.page()
    for (const command of waiting.splice(0)) run(command)
  }

  const run = ([command, ...args]: unknown[]): unknown => {
    if (command === 'init') return init(args[0] as UetOptions)
    const name = COMMANDS.find((known) => known === command)
    if (!name) return warn(`${String(command).slice(0, 40)} is no command: use one of ${COMMANDS.join(', ')}, init`)
    if (!uet) return void waiting.push([command, ...args].slice(0, 5))
    return (uet[name] as (...args: unknown[]) => unknown)(...args)
  }

  page.uetkit = Object.assign(
    (...args: unknown[]) => {
      try {
        return typeof args[0] === 'object' ? uetPlugin(args[0] as UetOptions) : run(args)
      } catch {}
    },
    { loaded: true as const, init: uetPlugin, createUet, uetPlugin },
  ) as Global
  if (options) init(options)
  for (const command of Array.from(queued)) page.uetkit(...(Array.from(command) as [string]))
}

install(window)
