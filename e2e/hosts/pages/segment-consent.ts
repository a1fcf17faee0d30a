import { type Categories, createWrapper } from '@segment/analytics-consent-tools'
import { AnalyticsBrowser } from '@segment/analytics-next'
import { uetSegmentPlugin } from '../../../src/browser/adapters/segment.ts'
import { type Driver, drive } from '../driver.ts'

/** Segment's own consent wrapper around the library, with a consent tool that the test answers. */
drive(({ options, consent = {}, host }) => {
  let categories: Categories = consent
  let changed = (_: Categories) => {}
  const analytics = new AnalyticsBrowser()
  createWrapper<AnalyticsBrowser>({
    ...host,
    shouldLoadSegment: (ctx) => ctx.load(host as { consentModel: 'opt-in' | 'opt-out' }),
    getCategories: () => categories,
    registerOnConsentChanged: (listener) => void (changed = listener),
  })(analytics)
  const uet = uetSegmentPlugin(options)
  analytics.load(
    { writeKey: 'key', cdnSettings: { integrations: { 'Segment.io': { apiKey: 'key' } } }, plugins: [uet] },
    { integrations: { 'Segment.io': false } },
  )
  const calls = {
    page: () => analytics.page(),
    track: (name: string, properties = {}) => analytics.track(name, properties),
    consent: (answer: Categories) => changed((categories = answer)),
  } as Record<string, (...args: never[]) => unknown>
  return {
    call: (name, ...args) => calls[name]!(...(args as never[])),
    uet,
    library: analytics,
    seen: [] as Driver['seen'],
    met: [],
    ready: analytics.ready(() => {}),
  }
})
