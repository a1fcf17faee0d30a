import Analytics, { type AnalyticsPlugin } from 'analytics'
import { type AnalyticsUetPlugin, uetPlugin } from '../../../src/browser/index.ts'
import { boom, type Driver, drive, freeze } from '../driver.ts'

drive(({ options, consent, throwers }) => {
  const seen: Driver['seen'] = []
  const witness: AnalyticsPlugin = {
    name: 'witness',
    page: ({ payload }) => freeze(payload) && undefined,
    track: ({ payload }) => {
      freeze(payload)
      seen.push({ name: payload.event, id: payload.meta.rid })
    },
  }
  const plugins = [witness, uetPlugin(options)] as AnalyticsPlugin[]
  if (throwers) {
    // Where `track` of a plugin throws, the library calls no plugin behind it: in front of ours only `initialize` may.
    plugins.unshift({ name: 'thrower-in-front', initialize: boom })
    plugins.push({ name: 'thrower-behind', initialize: boom, page: boom, track: boom, identify: boom })
  }
  const analytics = Analytics({ app: 'shop', plugins })
  const with_ = () => (consent ? { context: { consent: { categoryPreferences: consent } } } : {})
  const { uet } = analytics.plugins as unknown as { uet: AnalyticsUetPlugin['methods'] }

  const calls = {
    page: () => analytics.page({}, with_()),
    track: (name: string, properties = {}) => {
      const taken = analytics.track(name, properties, with_())
      // With a plugin that throws it never settles.
      return throwers ? undefined : taken
    },
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
    ready: new Promise((done) => analytics.ready(done)),
  }
})
