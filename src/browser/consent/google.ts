import { type ConsentSignal, parseConsent, stricter } from '../../core/consent.ts'
import { readPath } from '../../core/paths.ts'
import type { ConsentSourceApi } from '../options.ts'
import { createSource, quietly } from './source.ts'

interface GooglePage {
  dataLayer?: unknown[]
  google_tag_data?: { ics?: { addListener?: (types: string[], listener: () => void) => void } }
}

/**
 * Google's Consent Mode: `ad_storage` as Google's tags keep it on the page, and the `consent` commands in the data layer,
 * also before those tags have loaded. An `update` is the visitor's answer, a `default` only an assumption. A default for
 * some regions counts when it denies: until Google's tags are there nobody knows the region.
 * https://developers.google.com/tag-platform/security/guides/consent
 */
export function googleConsentMode(): ConsentSourceApi {
  return createSource('googleConsentMode', (report, window) => {
    const page = window as GooglePage
    let seen = ''
    let assumption: ConsentSignal | undefined
    let isFollowing = false

    /** What Google's tags made of all commands; only a change is news. */
    const readEntry = (): boolean => {
      const read = (kind: string) => parseConsent(readPath(page, `google_tag_data.ics.entries.ad_storage.${kind}`))
      const update = read('update')
      const state = update ?? read('default')
      const found = `${update} ${state}`
      if (state && found !== seen) report(state, !update)
      seen = found
      return !!state
    }

    /** One entry of the data layer: `['consent', 'update', { ad_storage: 'granted' }]`, mostly as `arguments`. */
    const readCommand = (entry: unknown) => {
      const [command, kind, params] = ['0', '1', '2'].map((index) => readPath(entry, index))
      const state = command === 'consent' ? parseConsent(readPath(params, 'ad_storage')) : undefined
      if (!state) return
      if (kind === 'update') report(state)
      else if (kind === 'default' && (state === 'denied' || readPath(params, 'region') === undefined)) {
        assumption = stricter(assumption, { state, source: '' })
        report(assumption!.state, true)
      }
    }

    const follow = quietly(() => {
      readEntry()
      const ics = page.google_tag_data?.ics
      if (isFollowing || !ics?.addListener) return
      isFollowing = true
      ics.addListener(['ad_storage'], readEntry)
    })

    const layer = (page.dataLayer ??= [])
    // Google's own state is made of all these commands, with the region known.
    if (!readEntry()) for (const entry of Array.from(layer)) readCommand(entry)
    follow()
    const { push } = layer
    if (typeof push !== 'function') return
    const hook = function (this: unknown, ...entries: unknown[]): number {
      const length = push.apply(this as unknown[], entries)
      entries.forEach(quietly(readCommand))
      // Google's tags look at the entry after us.
      setTimeout(follow)
      return length
    }
    layer.push = hook
    return () => {
      if (layer.push === hook) layer.push = push
    }
  })
}
