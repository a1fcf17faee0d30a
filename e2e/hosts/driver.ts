import type { UetControls, UetOptions } from '../../src/browser/index.ts'

export type Preferences = Record<string, boolean>

/** One thing a site does with its analytics library, in words that hold for every library. */
export type Call =
  | ['page']
  | ['track', name: string, properties?: Record<string, unknown>]
  | ['identify', userId: string, traits: Record<string, unknown>]
  /** The visitor answers the consent tool; from then on the library knows. */
  | ['consent', preferences: Preferences]
  /** A single-page application moves on. */
  | ['go', path: string]
  | ['reset']

export type Fault = 'throws' | 'rejects' | 'never settles'

/** A plugin that fails when the library starts it, or in each page view, event and identification. */
export interface Neighbour {
  place: 'in front' | 'behind'
  start?: Fault
  calls?: Fault
}

export interface Setup {
  options: UetOptions
  /** Made at once, before the library has started. */
  calls: Call[]
  /** What the visitor chose on an earlier page. */
  consent?: Preferences | undefined
  /** Other plugins of the library, which fail. */
  neighbours?: Neighbour[] | undefined
  /** Options of the library's own. */
  host?: object | undefined
}

/** How a page with one library on it is driven. */
export interface Driver {
  call(...call: Call): unknown
  uet: UetControls
  /** The library itself, for what only it can do. */
  library: unknown
  /** What another plugin of the library saw: name and id of each event. It freezes them, so that writing to them fails. */
  seen: { name: string; id: string }[]
  /** Where a plugin that fails stands, and the name of each event that it got. */
  met: string[]
  /** Resolves when the library calls itself ready. */
  ready: Promise<unknown>
}

/** A page script: makes the driver, does what the test set up, and hands it over. */
export function drive(start: (setup: Setup) => Driver): void {
  const page = window as unknown as { setup: Setup; driver: Driver }
  const driver = start(page.setup)
  // What a call promises is never kept where a plugin never answers.
  page.driver = page.setup.neighbours ? { ...driver, call: (...call) => void driver.call(...call) } : driver
  for (const call of page.setup.calls) page.driver.call(...call)
}

export function freeze<T>(value: T): T {
  if (value && typeof value === 'object' && !Object.isFrozen(value) && !(value instanceof Date)) {
    Object.freeze(value)
    Object.values(value).forEach(freeze)
  }
  return value
}

export const THROWN = 'a neighbour threw'

export const FAIL: Record<Fault, () => never> = {
  throws: () => {
    throw new Error(THROWN)
  },
  rejects: () => Promise.reject(new Error(THROWN)) as never,
  'never settles': () => new Promise(() => {}) as never,
}

/** Puts plugins that fail around others, each where it belongs. */
export function between<P>(neighbours: Neighbour[] = [], make: (neighbour: Neighbour) => P, plugins: P[]): P[] {
  const at = (place: Neighbour['place']) => neighbours.filter((each) => each.place === place).map(make)
  return [...at('in front'), ...plugins, ...at('behind')]
}
