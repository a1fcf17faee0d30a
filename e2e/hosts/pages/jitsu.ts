import { uetPlugin } from '../../../src/browser/index.ts'
import { boom, type Driver, drive, freeze } from '../driver.ts'

/**
 * The way in which Jitsu calls a device destination: the function behind a global name makes a plugin for each event
 * anew, `initialize` runs before each event, exceptions are caught, payloads have Segment's shape, and the instance is
 * one of `analytics`.
 * https://github.com/jitsucom/jitsu/blob/newjitsu/libs/jitsu-js/src/analytics-plugin.ts
 */
drive(({ options, consent, throwers }) => {
  type Payload = Record<string, unknown> & { type: string; messageId: string }
  type Factory = (options: object) => Record<string, unknown>
  const seen: Driver['seen'] = []
  const look = ({ payload }: { payload: Payload }) => {
    freeze(payload)
    if (payload.type === 'track') seen.push({ name: payload.event as string, id: payload.messageId })
  }
  const factories: Factory[] = [
    () => ({ name: 'witness', page: look, track: look }),
    (given) => uetPlugin({ ...options, ...given }),
  ]
  if (throwers) {
    const thrower: Factory = () => ({ name: 'thrower', initialize: boom, page: boom, track: boom })
    factories.unshift(thrower)
    factories.push(thrower)
  }
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
    ready: Promise.resolve(),
  }
})
