import { vi } from 'vitest'
import type { SentRequest } from '../../src/testing/fake-tag/types.ts'
import { createTagPage, type TagPage, type TagPageOptions } from './tag-page.ts'

export interface UetPage extends TagPage {
  /** Lines of `console.warn`, as the page's developer reads them. */
  warnings: string[]
  /** Page loads and custom events of a tag, one line each: `pageLoad /path`, `custom label`. */
  lines(ti?: string): string[]
  events(): SentRequest[]
  /** Lets everything that is on its way arrive. */
  settle(ms?: number): void
}

/**
 * A page for code that reads the globals `window` and `document`, with Microsoft's script answered by the stand-in.
 * Needs fake timers; `vi.unstubAllGlobals()` and `vi.restoreAllMocks()` clean up after it.
 */
export function openUetPage(options: TagPageOptions = {}): UetPage {
  const page = createTagPage(options)
  vi.stubGlobal('window', page.window)
  vi.stubGlobal('document', page.document)
  const warnings: string[] = []
  vi.spyOn(console, 'warn').mockImplementation((...details) => void warnings.push(details.map(String).join(' ')))
  const events = () => page.beacons().filter(({ params }) => params.evt === 'custom')
  return Object.assign(page, {
    warnings,
    events,
    lines: (ti?: string) =>
      page
        .beacons()
        .filter(({ params }) => ti === undefined || params.ti === ti)
        .map(({ params: { evt, el, p } }) => `${evt} ${evt === 'custom' ? el : p!.replace(/^https?:\/\/[^/]+/, '')}`),
    settle: (ms = 50) => void vi.advanceTimersByTime(ms),
  })
}
