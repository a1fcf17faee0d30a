import Cookies from 'js-cookie'
import type { ConsentSourceApi } from '../options.ts'
import { createSource, listen, quietly } from './source.ts'

interface OneTrustPage {
  OnetrustActiveGroups?: unknown
  OptanonWrapper?: unknown
}

/** Ids of active groups: an array, or text such as `,C0001,C0004,`. The necessary ones are in every such list. */
function parseGroups(value: unknown): string[] | undefined {
  if (!value || (typeof value !== 'string' && !Array.isArray(value))) return
  const groups = String(value)
    .split(',')
    .map((id) => id.trim())
    .filter(Boolean)
  return groups[0] ? groups : undefined
}

/** The choice as OneTrust stores it: `…&groups=C0001:1,C0004:0&…`. */
function storedGroups(): string[] | undefined {
  const [, groups] = /(?:^|&)groups=([^&]+)/.exec(Cookies.get('OptanonConsent') ?? '') ?? []
  if (groups && /:[01]/.test(groups)) return groups.split(',').flatMap((pair) => /^(.+):1$/.exec(pair)?.[1] ?? [])
  return
}

/**
 * OneTrust: granted when each of the cookie groups is active.
 * https://developer.onetrust.com/onetrust/docs/javascript-events-guide
 *
 * @param options.category id of the group that holds advertising cookies, mostly `C0004`; of several, all are needed.
 */
export function oneTrust(options: { category: string | string[] }): ConsentSourceApi {
  return createSource('oneTrust', (report, window) => {
    const page = window as OneTrustPage
    const wanted = [options.category].flat()
    const read = quietly((told?: unknown) => {
      const active = parseGroups(told) ?? parseGroups(page.OnetrustActiveGroups) ?? storedGroups()
      if (active) report(wanted.length > 0 && wanted.every((id) => active.includes(id)))
    })

    const stop = listen(window, ['OneTrustGroupsUpdated'], (event) => read((event as CustomEvent).detail))
    // Called by OneTrust when it has loaded and at each change, also by versions without the event.
    const site = page.OptanonWrapper
    const wrapper = function (this: unknown, ...args: unknown[]): unknown {
      read()
      return typeof site === 'function' ? site.apply(this, args) : undefined
    }
    page.OptanonWrapper = wrapper
    read()
    return () => {
      stop()
      if (page.OptanonWrapper === wrapper) page.OptanonWrapper = site
    }
  })
}
