import { AnalyticsBrowser, type Context, type Plugin } from '@segment/analytics-next'
import { uetSegmentPlugin } from '../../../src/browser/adapters/segment.ts'
import { boom, type Driver, drive, freeze } from '../driver.ts'

drive(({ options, consent, throwers }) => {
  const seen: Driver['seen'] = []
  const look = (ctx: Context) => {
    freeze([ctx.event.properties, ctx.event.traits, ctx.event.context?.page, ctx.event.context?.consent])
    if (ctx.event.type === 'track') seen.push({ name: ctx.event.event!, id: ctx.event.messageId! })
    return ctx
  }
  const base = { type: 'destination', isLoaded: () => true, load: async () => {} } as const
  const witness: Plugin = { ...base, name: 'witness', track: look, page: look, identify: look }
  const thrower = (name: string): Plugin => ({
    ...base,
    name,
    load: async () => boom(),
    page: boom,
    track: boom,
    identify: boom,
  })
  const uet = uetSegmentPlugin(options)
  const analytics = AnalyticsBrowser.load(
    {
      writeKey: 'key',
      cdnSettings: { integrations: { 'Segment.io': { apiKey: 'key' } } },
      plugins: throwers ? [thrower('in front'), witness, uet, thrower('behind')] : [witness, uet],
    },
    { integrations: { 'Segment.io': false } },
  )
  // As Segment's consent wrapper does: every event is stamped.
  const stamped = () => (consent ? { context: { consent: { categoryPreferences: consent } } } : {})

  const calls = {
    page: () => analytics.page({}, stamped() as never),
    track: (name: string, properties = {}) => analytics.track(name, properties, stamped() as never),
    identify: (id: string, traits: object) => analytics.identify(id, traits, stamped() as never),
    consent: (preferences: typeof consent) => {
      consent = preferences
      return analytics.track('Segment Consent Preference Updated', undefined, stamped() as never)
    },
    go: (path: string) => history.pushState({}, '', path),
    reset: () => analytics.reset(),
  }
  return {
    call: (name, ...args) => (calls[name] as (...args: unknown[]) => unknown)(...args),
    uet,
    library: analytics,
    seen,
    ready: analytics.ready(() => {}),
  }
})
