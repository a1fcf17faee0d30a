import type { ConsentState, Properties } from '../../core/event.ts'
import { readPath } from '../../core/paths.ts'
import type { UetOptions } from '../options.ts'
import type { Uet, UetContext, UetReports, UetState } from '../types.ts'
import { createUet } from '../uet.ts'

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
}

/** Plugin for `analytics` (https://getanalytics.io) and hosts of its style. */
export interface AnalyticsUetPlugin {
  name: 'uet'
  config: UetOptions
  initialize(): void
  page(argument: HookArgument): void
  track(argument: HookArgument): void
  identify(argument: HookArgument): void
  reset(): void
  loaded(): boolean
  /** Callable as `analytics.plugins.uet.consent('granted')`, `.state()`, `.on('event', listener)`. */
  methods: {
    consent(state: ConsentState): void
    state(): UetState
    on<K extends keyof UetReports>(topic: K, listener: (report: UetReports[K]) => void): () => void
  }
  [key: string]: unknown
}

/** Jitsu states id and consent where Segment does, `analytics` in `meta` and in the options that the caller gave. */
function contextOf(payload: HookArgument['payload']): UetContext {
  const read = (path: string) => readPath(payload, path) as never
  return {
    id: read('meta.rid') ?? read('messageId'),
    time: read('meta.ts') ?? read('timestamp'),
    anonymousId: read('anonymousId'),
    userId: read('userId'),
    page: read('context.page'),
    consent: read('options.context.consent') ?? read('context.consent'),
  }
}

/**
 * UET as a plugin for `analytics`. It reports itself loaded at once: events wait in the tag's own queue, while the host
 * would keep them for ever when a blocker stops the script.
 */
export function uetPlugin(options: UetOptions): AnalyticsUetPlugin {
  let uet: Uet | undefined
  const started = () => (uet ??= createUet(options))
  return {
    name: 'uet',
    config: options,
    initialize: () => void started(),
    page: ({ payload } = {}) => started().page(payload?.properties, contextOf(payload)),
    track: ({ payload } = {}) => started().track(payload?.event as string, payload?.properties, contextOf(payload)),
    identify: ({ payload } = {}) => started().identify(payload?.userId, payload?.traits),
    reset: () => started().reset(),
    loaded: () => true,
    methods: {
      consent: (state) => started().consent(state),
      state: () => started().state(),
      on: (topic, listener) => started().on(topic, listener),
    },
  }
}
