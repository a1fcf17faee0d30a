import { vi } from 'vitest'
import { createTagPage, runSnippet, type TagPage, type TagPageOptions } from '../../support/tag-page.ts'

export const CLICK_ID = '0123456789abcdef0123456789abcdef'
export const GUID = '01234567-89ab-cdef-0123-456789abcdef'

/** A page with calls queued before the script, and the snippet run. */
export function start(calls: unknown[][] = [], options: TagPageOptions = {}, tagOptions: object = {}): TagPage {
  const page = createTagPage(options)
  page.window.uetq = []
  for (const call of calls) page.tag().push(...call)
  runSnippet(page.window, { ti: '1', ...tagOptions })
  return page
}

/** The same, after everything that is not awaited has run. */
export function settled(...args: Parameters<typeof start>): TagPage {
  const page = start(...args)
  vi.advanceTimersByTime(20)
  return page
}

/** What left the page, one line each: host, number within the page load, kind, source or action, consent. */
export const summary = (page: TagPage): string[] =>
  page.sent.map(({ host, params: { evt, src, asc, ea, bo } }) =>
    [host.slice(9), bo, evt, src ?? ea, asc].filter((part) => part !== undefined).join(' '),
  )

export const cookieNames = (page: TagPage): string[] => page.cookieJar.all().map(({ name }) => name)

export const DENIED = ['consent', 'default', { ad_storage: 'denied' }]
export const GRANT = ['consent', 'update', { ad_storage: 'granted' }]
