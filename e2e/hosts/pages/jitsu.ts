import { uetPlugin } from '../../../src/browser/index.ts'
import { between, type Driver, drive, FAIL, freeze, type Neighbour } from '../driver.ts'

/**
 * The way in which Jitsu calls a device destination: the function behind a global name makes a plugin for each event
 * anew, `initialize` runs before each event, exceptions are caught and nothing is waited for, payloads have Segment's
 * shape, and the instance is one of `analytics`.
 * https://github.com/jitsucom/jitsu/blob/newjitsu/libs/jitsu-js/src/analytics-plugin.ts
 */
drive(({ options, consent, neighbours }) => {
  type Payload = Record<string, unknown> & { type: string; messageId: string }
  type Factory = (options: object) => Record<string, unknown>
  const seen: Driver['seen'] = []
  const met: string[] = []
  const look = ({ payload }: { payload: Payload }) => {
    freeze(payload)
    if (payload.type === 'track') seen.push({ name: payload.event as string, id: payload.messageId })
  }
  const failing =
    ({ place, start, calls }: Neighbour): Factory =>
    () => ({
      name: place,
      initialize: start && FAIL[start],
      ...(calls && {
        page: FAIL[calls],
        track: ({ payload }: { payload: Payload }) => {
          met.push(`${place}: ${payload.event}`)
          return FAIL[calls]()
        },
        identify: FAIL[calls],
      }),
    })
  const factories = between<Factory>(neighbours, failing, [
    () => ({ name: 'witness', page: look, track: look }),
    (given) => uetPlugin({ ...options, ...given }),
  ])
  let user: Record<string, unknown> = {}
  const instance = { user: (path: string) => user[path] }
  const send = (type: string, more: object) => {
    const payload: Payload = {
      type,
      messageId: crypto.randomUUID(),
      timestamp: new Date().toISOString(),
      context: {
        page: { url: location.href, path: location.pathname, title: document.title, referrer: document.referrer },
        ...(consent && { consent: { categoryPreferences: consent } }),
      },
      ...more,
    }
    for (const factory of factories) {
      try {
        const plugin = factory({})
        const call = (hook: string) =>
          (plugin[hook] as ((argument: object) => void) | undefined)?.({ payload, config: plugin.config, instance })
        call('initialize')
        call(type)
      } catch {}
    }
  }
  const uet = (uetPlugin(options).methods ?? {}) as never as Driver['uet']
  const calls = {
    page: () => send('page', { properties: {} }),
    track: (event: string, properties = {}) => send('track', { event, properties }),
    identify: (userId: string, traits: object) => {
      user = { userId, traits }
      send('identify', user)
    },
    consent: (preferences: typeof consent) => {
      consent = preferences
      uet.consent({ categoryPreferences: preferences! })
    },
    go: (path: string) => history.pushState({}, '', path),
    reset: () => {
      user = {}
      uetPlugin(options).reset()
    },
  }
  return {
    call: (name, ...args) => (calls[name] as (...args: unknown[]) => unknown)(...args),
    uet,
    library: undefined,
    seen,
    met,
    ready: Promise.resolve(),
  }
})
