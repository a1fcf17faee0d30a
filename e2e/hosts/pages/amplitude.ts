import { createInstance, Identify, Revenue, type Types } from '@amplitude/analytics-browser'
import { uetAmplitudePlugin } from '../../../src/browser/adapters/amplitude.ts'
import { boom, type Driver, drive, freeze } from '../driver.ts'

drive(({ options, consent, throwers, host }) => {
  const seen: Driver['seen'] = []
  const result = (event: Types.Event) => ({ event, code: 200, message: '' })
  const witness: Types.DestinationPlugin = {
    name: 'witness',
    type: 'destination',
    execute: async (event) => {
      freeze(event)
      if (!/^[[$]|^session/.test(event.event_type)) seen.push({ name: event.event_type, id: event.insert_id! })
      return result(event)
    },
  }
  // The library hangs for good on a plugin that throws outside a promise; that one no neighbour can survive.
  const thrower = (name: string): Types.DestinationPlugin => ({
    name,
    type: 'destination',
    execute: async () => boom(),
  })
  const uet = uetAmplitudePlugin(options)
  if (consent) uet.consent({ categoryPreferences: consent })
  const amplitude = createInstance()
  if (throwers) amplitude.add(thrower('in front'))
  amplitude.add(witness)
  amplitude.add(uet)
  if (throwers) amplitude.add(thrower('behind'))
  const started = amplitude.init('key', {
    serverUrl: `${location.origin}/amplitude`,
    remoteConfig: { fetchRemoteConfig: false },
    enableDiagnostics: false,
    flushIntervalMillis: 1,
    ...host,
    autocapture: { pageViews: true, attribution: true, sessions: true, elementInteractions: true },
  })

  const calls = {
    // The library makes page views by itself, of the first page and of each move.
    page: () => {},
    track: (name: string, properties = {}) => amplitude.track(name, properties).promise,
    identify: (id: string, traits: Record<string, string>) => {
      amplitude.setUserId(id)
      const identify = new Identify()
      for (const name in traits) identify.set(name, traits[name]!)
      return amplitude.identify(identify).promise
    },
    consent: (preferences: Record<string, boolean>) => uet.consent({ categoryPreferences: preferences }),
    go: (path: string) => history.pushState({}, '', path),
    reset: () => amplitude.reset(),
  }
  return {
    call: (name, ...args) => (calls[name] as (...args: unknown[]) => unknown)(...args),
    uet,
    library: { amplitude, Revenue },
    seen,
    ready: started.promise,
  }
})
