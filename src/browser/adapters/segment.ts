import { VERSION } from '../../core/version.ts'
import type { UetOptions } from '../options.ts'
import { createHost, identify, introduce, messageContext, read, type UetControls } from './host.ts'

/** Sent by Segment's consent wrappers when the visitor changes their choice; it is a signal, never an event. */
const CONSENT_CHANGE = 'Segment Consent Preference Updated'

/** The part of analytics-next's `Context` that we read. */
interface SegmentContext {
  event: {
    event?: string | undefined
    properties?: object | undefined
    traits?: object | undefined
    userId?: string | null | undefined
  }
}

/** Destination plugin for analytics-next: `analytics.register(uetSegmentPlugin(options))`. */
export interface SegmentUetPlugin extends UetControls {
  name: 'Microsoft Advertising UET'
  type: 'destination'
  version: string
  /** Switches that were set for Segment's own destination keep working. */
  alternativeNames: string[]
  isLoaded(): boolean
  load(ctx: unknown, analytics: unknown): Promise<void>
  page<C extends SegmentContext>(ctx: C): C
  track<C extends SegmentContext>(ctx: C): C
  identify<C extends SegmentContext>(ctx: C): C
}

/** The part of analytics-next that is used at load. */
interface Analytics {
  on(topic: 'reset', listener: () => void): void
  user(): { id(): unknown; traits(): unknown }
  queue: Queue
}

interface Queue {
  register(...of: unknown[]): Promise<unknown>
}

/** A plugin whose `load` throws outside a promise keeps the library from starting; it is to end nobody but itself. */
function keepGoing(queue: Queue): void {
  const { register } = queue
  queue.register = (...of) => register.apply(queue, of).catch((error) => void Promise.reject(error))
}

/**
 * UET as a Segment destination. Segment enforces consent on no plugin of this kind, so the preferences that it stamps on
 * each event are read here, by the option `consent.category`. Its events are shared objects: nothing is written to them.
 */
export function uetSegmentPlugin(options: UetOptions): SegmentUetPlugin {
  const { uet, controls } = createHost(options)
  return {
    ...controls,
    name: 'Microsoft Advertising UET',
    type: 'destination',
    version: VERSION,
    alternativeNames: ['Bing Ads'],
    isLoaded: () => true,
    // A `load` that throws would end the whole of Segment, so it never does, and it waits for nothing.
    load: async (_, analytics) => {
      const tracker = uet()
      const host = analytics as Analytics
      try {
        host.on('reset', tracker.reset)
        introduce(tracker, () => [host.user().id(), host.user().traits()])
        keepGoing(host.queue)
      } catch {}
    },
    page: (ctx) => {
      uet().page(read(ctx, 'event.properties'), messageContext(ctx.event))
      return ctx
    },
    track: (ctx) => {
      const name = read(ctx, 'event.event')
      const context = messageContext(ctx.event)
      if (name === CONSENT_CHANGE) uet().consent(context.consent)
      else uet().track(name, read(ctx, 'event.properties'), context)
      return ctx
    },
    identify: (ctx) => {
      identify(uet(), read(ctx, 'event.userId'), read(ctx, 'event.traits'), messageContext(ctx.event))
      return ctx
    },
  }
}

/** Settings of Segment's classic destination Bing Ads, as its settings page and API name them. */
export interface SegmentSettings {
  /** Tag ID. */
  tagId: string
  /** Enable Consent. Anything but `true`: no signal is ever sent. */
  enableConsent?: boolean | undefined
  /** Default state; `ALLOWED` and `DENIED`, as the settings page shows them, are read too. */
  adStorage?: string | undefined
  /** Category whose preference decides. */
  adStorageConsentCategory?: string | undefined
  /** Event property that decides, dotted path into the event's properties. */
  adStoragePropertyMapping?: string | undefined
}

/** Options that do what the classic destination's settings promise. Empty settings count as left out, as they do there. */
export function fromSegmentSettings(settings: SegmentSettings): UetOptions {
  const text = (name: string) => `${read(settings, name) ?? ''}`.trim() || undefined
  return {
    tagId: text('tagId')!,
    consent: read(settings, 'enableConsent') === true && {
      default: text('adStorage'),
      category: text('adStorageConsentCategory'),
      // The settings page describes the path with `properties.` before it, the destination reads it without.
      property: text('adStoragePropertyMapping')?.replace(/^(\$\.)?properties\./, ''),
    },
  }
}
