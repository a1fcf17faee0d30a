import type { Properties } from '../../core/event.ts'
import type { UetOptions } from '../options.ts'
import type { Uet } from '../types.ts'
import { createHost, identify, introduce, type MessageContext, messageContext, read, type UetControls } from './host.ts'

/** The part of a hook's argument that we read. https://getanalytics.io/plugins/writing-plugins/ */
interface HookArgument {
  payload?: {
    event?: string
    properties?: Properties
    traits?: Properties
    userId?: string | null
    anonymousId?: string | null
    meta?: { rid?: string; ts?: number }
  }
  instance?: { user?(path: string): unknown; on?(event: string, listener: (argument: HookArgument) => void): void }
  /** To listeners: the plugins by name, in the order in which the host calls them. */
  plugins?: Record<string, unknown>
}

/** Plugin for `analytics` (https://getanalytics.io) and hosts of its style. */
export interface AnalyticsUetPlugin {
  name: 'uet'
  config: UetOptions
  bootstrap(argument?: HookArgument): void
  initialize(argument?: HookArgument): void
  page(argument: HookArgument): void
  track(argument: HookArgument): void
  identify(argument: HookArgument): void
  reset(): void
  loaded(): boolean
  /** Callable as `analytics.plugins.uet.consent('granted')`, `.state()`, `.on('event', listener)`. */
  methods: Omit<UetControls, 'reset'>
  [key: string]: unknown
}

/** Jitsu states id and consent where Segment does, `analytics` in `meta` and in the options that the caller gave. */
function contextOf(hook: HookArgument | undefined): MessageContext {
  const message = messageContext(read(hook, 'payload'))
  return {
    ...message,
    id: read(hook, 'payload.meta.rid') ?? message.id,
    time: read(hook, 'payload.meta.ts') ?? message.time,
    consent: {
      categoryPreferences:
        read(hook, 'payload.options.context.consent.categoryPreferences') ?? message.consent.categoryPreferences,
    },
  }
}

/** Hosts in the style of Jitsu make a plugin anew, and initialise it, before every event. */
const introduced = new WeakSet<Uet>()

/**
 * Puts our plugin first. The host calls plugins one after the other, and none behind one that throws or never settles.
 * It calls this at once for each change of who is to run, and goes by the order of the names.
 */
function lead({ plugins = {} }: HookArgument): void {
  const { uet: _, ...others } = plugins
  for (const name in others) {
    delete plugins[name]
    plugins[name] = others[name]
  }
}

/**
 * UET as a plugin for `analytics`. It reports itself loaded at once: events wait in the tag's own queue, while the host
 * would keep them for ever when a blocker stops the script.
 */
export function uetPlugin(options: UetOptions): AnalyticsUetPlugin {
  const {
    uet,
    controls: { reset, ...methods },
  } = createHost(options)
  return {
    name: 'uet',
    config: options,
    bootstrap: (hook) => {
      try {
        hook?.instance?.on?.('initializeStart', lead)
      } catch {}
    },
    initialize: (hook) => {
      if (introduced.has(uet())) return
      introduced.add(uet())
      introduce(uet(), () => {
        const instance = read(hook, 'instance') as HookArgument['instance']
        return [instance?.user?.('userId'), instance?.user?.('traits')]
      })
    },
    page: (hook) => uet().page(read(hook, 'payload.properties'), contextOf(hook)),
    track: (hook) => uet().track(read(hook, 'payload.event'), read(hook, 'payload.properties'), contextOf(hook)),
    identify: (hook) => identify(uet(), read(hook, 'payload.userId'), read(hook, 'payload.traits'), contextOf(hook)),
    reset,
    loaded: () => true,
    methods,
  }
}
