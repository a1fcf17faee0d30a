import { AnalyticsBrowser, type Context, type Plugin } from '@segment/analytics-next'
import { uetSegmentPlugin } from '../../../src/browser/adapters/segment.ts'
import { between, type Driver, drive, FAIL, freeze, type Neighbour } from '../driver.ts'

drive(({ options, consent, neighbours }) => {
  const seen: Driver['seen'] = []
  const met: string[] = []
  const look = (ctx: Context) => {
    freeze([ctx.event.properties, ctx.event.traits, ctx.event.context?.page, ctx.event.context?.consent])
    if (ctx.event.type === 'track') seen.push({ name: ctx.event.event!, id: ctx.event.messageId! })
    return ctx
  }
  const base = { type: 'destination', isLoaded: () => true, load: async () => {} } as const
  const witness: Plugin = { ...base, name: 'witness', track: look, page: look, identify: look }
  const failing = ({ place, start, calls }: Neighbour): Plugin => ({
    ...base,
    name: place,
    ...(start && { load: FAIL[start] }),
    ...(calls && {
      page: FAIL[calls],
      track: ({ event }) => {
        met.push(`${place}: ${event.event}`)
        return FAIL[calls]()
      },
      identify: FAIL[calls],
    }),
  })
  const uet = uetSegmentPlugin(options)
  const analytics = AnalyticsBrowser.load(
    {
      writeKey: 'key',
      cdnSettings: { integrations: { 'Segment.io': { apiKey: 'key' } } },
      plugins: between(neighbours, failing, [witness, uet]),
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
    met,
    ready: analytics.ready(() => {}),
  }
})
