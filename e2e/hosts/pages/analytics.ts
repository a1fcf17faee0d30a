import Analytics, { type AnalyticsPlugin } from 'analytics'
import { type AnalyticsUetPlugin, uetPlugin } from '../../../src/browser/index.ts'
import { between, type Driver, drive, FAIL, freeze, type Neighbour } from '../driver.ts'

drive(({ options, consent, neighbours }) => {
  const seen: Driver['seen'] = []
  const met: string[] = []
  const witness: AnalyticsPlugin = {
    name: 'witness',
    page: ({ payload }) => freeze(payload) && undefined,
    track: ({ payload }) => {
      freeze(payload)
      seen.push({ name: payload.event, id: payload.meta.rid })
    },
  }
  const failing = ({ place, start, calls }: Neighbour): AnalyticsPlugin => ({
    name: place,
    ...(start && { initialize: FAIL[start] }),
    ...(calls && {
      page: FAIL[calls],
      track: ({ payload }) => {
        met.push(`${place}: ${payload.event}`)
        FAIL[calls]()
      },
      identify: FAIL[calls],
      reset: FAIL[calls],
    }),
  })
  // The library calls no plugin behind one that fails: the one that looks has to come first.
  const plugins = [witness, ...between(neighbours, failing, [uetPlugin(options) as AnalyticsPlugin])]
  const analytics = Analytics({ app: 'shop', plugins })
  const with_ = () => (consent ? { context: { consent: { categoryPreferences: consent } } } : {})
  const { uet } = analytics.plugins as unknown as { uet: AnalyticsUetPlugin['methods'] }

  const calls = {
    page: () => analytics.page({}, with_()),
    track: (name: string, properties = {}) => analytics.track(name, properties, with_()),
    identify: (id: string, traits: object) => analytics.identify(id, traits as never, with_()),
    consent: (preferences: typeof consent) => {
      consent = preferences
      uet.consent({ categoryPreferences: preferences! })
    },
    go: (path: string) => history.pushState({}, '', path),
    reset: () => analytics.reset(),
  }
  return {
    call: (name, ...args) => (calls[name] as (...args: unknown[]) => unknown)(...args),
    uet: uet as never,
    library: analytics,
    seen,
    met,
    ready: new Promise((done) => analytics.ready(done)),
  }
})
