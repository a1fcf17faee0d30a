import { createInstance, Identify, Revenue, type Types } from '@amplitude/analytics-browser'
import { uetAmplitudePlugin } from '../../../src/browser/adapters/amplitude.ts'
import { between, type Driver, drive, FAIL, freeze, type Neighbour } from '../driver.ts'

drive(({ options, consent, neighbours, host }) => {
  const seen: Driver['seen'] = []
  const met: string[] = []
  const own = ({ event_type: name }: Types.Event) => !/^[[$]|^session/.test(name)
  const result = (event: Types.Event) => ({ event, code: 200, message: '' })
  const witness: Types.DestinationPlugin = {
    name: 'witness',
    type: 'destination',
    execute: async (event) => {
      freeze(event)
      if (own(event)) seen.push({ name: event.event_type, id: event.insert_id! })
      return result(event)
    },
  }
  const failing = ({ place, start, calls }: Neighbour): Types.DestinationPlugin => ({
    name: place,
    type: 'destination',
    ...(start && { setup: FAIL[start] }),
    execute: (event) => {
      if (own(event)) met.push(`${place}: ${event.event_type}`)
      return calls ? FAIL[calls]() : Promise.resolve(result(event))
    },
  })
  const uet = uetAmplitudePlugin(options)
  if (consent) uet.consent({ categoryPreferences: consent })
  const amplitude = createInstance()
  // Where one throws, the library calls no destination behind it: the one that looks has to come first.
  for (const plugin of [witness, ...between(neighbours, failing, [uet])]) amplitude.add(plugin)
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
    library: { amplitude, Identify, Revenue },
    seen,
    met,
    ready: started.promise,
  }
})
