import type { Properties } from '../../core/event.ts'
import type { UetOptions } from '../options.ts'
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
  instance?: { user?(path: string): unknown }
}

/** Plugin for `analytics` (https://getanalytics.io) and hosts of its style. */
export interface AnalyticsUetPlugin {
  name: 'uet'
  config: UetOptions
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
    initialize: (hook) =>
      introduce(uet(), () => {
        const instance = read(hook, 'instance') as HookArgument['instance']
        return [instance?.user?.('userId'), instance?.user?.('traits')]
      }),
    page: (hook) => uet().page(read(hook, 'payload.properties'), contextOf(hook)),
    track: (hook) => uet().track(read(hook, 'payload.event'), read(hook, 'payload.properties'), contextOf(hook)),
    identify: (hook) => identify(uet(), read(hook, 'payload.userId'), read(hook, 'payload.traits'), contextOf(hook)),
    reset,
    loaded: () => true,
    methods,
  }
}
