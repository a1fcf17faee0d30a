import type { Properties } from '../../core/event.ts'
import type { UetOptions } from '../options.ts'
import { createHost, introduce, type UetControls } from './host.ts'

/** The part of an Amplitude event that we read. https://amplitude.com/docs/apis/analytics/http-v2 */
interface AmplitudeEvent {
  event_type: string
  event_properties?: object | undefined
  user_properties?: { $set?: object; $setOnce?: object } | undefined
  insert_id?: string | undefined
  time?: number | undefined
  user_id?: string | undefined
  price?: number | undefined
  quantity?: number | undefined
  revenue?: number | undefined
  currency?: string | undefined
}

/** The part of the SDK that is used; older versions lack the second. */
interface Client {
  getUserId(): unknown
  getIdentity?(): { userProperties?: unknown }
  timeline?: Timeline
}

type Step = (...of: unknown[]) => Promise<unknown>

/** The SDK's line of plugins, through which each event goes. */
interface Timeline {
  plugins: unknown[]
  /** Events that wait for their turn. */
  queue: unknown[]
  register: Step
  apply: Step
}

/** Destination plugin for the Amplitude Browser SDK 2: `amplitude.add(uetAmplitudePlugin(options))`. */
export interface AmplitudeUetPlugin extends UetControls {
  name: string
  type: 'destination'
  setup(config: { optOut?: boolean }, client: unknown): Promise<void>
  execute<E extends AmplitudeEvent>(event: E): Promise<{ event: E; code: number; message: string }>
  onOptOutChanged(optOut: boolean): Promise<void>
  onReset(): Promise<void>
}

/** What the SDK makes by itself, on every click and session; sent only where `events.allow` names it. */
const AUTOMATIC = /^(\[Amplitude] |session_(start|end)$|\$)/

/**
 * UET as an Amplitude destination. Amplitude's opt-out holds here too: nothing is requested while it is in force, and
 * opting out later is a refusal. Opting in again is no consent to advertising; the visitor gives that by
 * `plugin.consent('granted')`, a property, or a source.
 */
export function uetAmplitudePlugin(options: UetOptions): AmplitudeUetPlugin {
  const { uet, controls } = createHost(options)
  let config: { optOut?: boolean }
  let client: Client | undefined
  let last: string | undefined
  /** How many events that were made before the last reset are still to come. */
  let past = 0
  /** After a reset the SDK itself still holds the properties of the user before. */
  let isKnown = true
  const start = () => introduce(uet(), () => [client!.getUserId(), isKnown && client!.getIdentity?.().userProperties])

  /**
   * Puts our plugin first, and lets the line go on. The SDK calls no destination behind one that throws outside a promise,
   * and after that, or where a plugin that changes events fails, it takes no event any more; nor does it start where a plugin
   * fails to set itself up. The failure costs its own event or plugin, and stays in sight.
   */
  const lead = (timeline: Timeline) => {
    for (const step of ['register', 'apply'] as const) {
      const call = timeline[step].bind(timeline)
      timeline[step] = (...of) => {
        timeline.plugins.sort((one, other) => +(other === plugin) - +(one === plugin))
        return call(...of).catch(console.error)
      }
    }
  }

  const send = (event: AmplitudeEvent) => {
    const { event_type: name, event_properties, user_properties: user, user_id: userId, insert_id: id, time } = event
    const own = (event_properties ?? {}) as Properties
    // A revenue event says `$price`, any other may say `price`.
    const stated = (amount: 'revenue' | 'price' | 'quantity' | 'currency') =>
      (own[`$${amount}`] ?? event[amount]) as number
    // Whoever calls `setUserId` sends no event of it: the next one tells.
    if (past-- < 1 && (name === '$identify' || userId !== last)) {
      last = userId
      uet().identify(userId, { ...user?.$setOnce, ...user?.$set })
    }
    if (name === '[Amplitude] Page Viewed') {
      const { '[Amplitude] Page Location': url, '[Amplitude] Page Title': title, ...rest } = own
      uet().page({ ...rest, url, title }, { id, time })
    } else if (!AUTOMATIC.test(name) || options.events?.allow?.includes(name)) {
      // Amplitude's rule: the total where it is stated, else price times quantity.
      const revenue = stated('revenue') ?? (stated('price') && stated('price') * (stated('quantity') ?? 1))
      uet().track(name, { revenue, currency: stated('currency'), ...own }, { id, time })
    }
  }

  const plugin: AmplitudeUetPlugin = {
    ...controls,
    name: 'Microsoft Advertising UET',
    type: 'destination',
    setup: async (settings, host) => {
      config = settings
      client = host as Client
      if (!config.optOut) start()
      try {
        lead(client.timeline!)
      } catch {}
    },
    // The first destination's answer is what `amplitude.track()` resolves to.
    execute: async (event) => {
      try {
        send(event)
      } catch {}
      return { event, code: 200, message: 'UET' }
    },
    onOptOutChanged: async (optOut) => {
      if (!optOut) start()
      else if (uet().state().consent !== 'unknown') uet().consent('denied')
    },
    onReset: async () => {
      last = undefined
      isKnown = false
      past = client!.timeline?.queue.length ?? 0
      if (!config.optOut) uet().reset()
    },
  }
  return plugin
}
