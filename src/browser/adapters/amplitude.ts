import type { Properties } from '../../core/event.ts'
import type { UetOptions } from '../options.ts'
import type { UetContext } from '../types.ts'
import { createHost, introduce, type UetControls } from './host.ts'

/** The part of an Amplitude event that we read. https://amplitude.com/docs/apis/analytics/http-v2 */
interface AmplitudeEvent {
  event_type: string
  event_properties?: object | undefined
  user_properties?: object | undefined
  insert_id?: string | undefined
  time?: number | undefined
  user_id?: string | undefined
  device_id?: string | undefined
  price?: number | undefined
  quantity?: number | undefined
  revenue?: number | undefined
  currency?: string | undefined
}

/** The part of the SDK that is used at start; older versions lack the second. */
interface Client {
  getUserId(): unknown
  getIdentity?(): { userProperties?: unknown }
}

/** Destination plugin for the Amplitude Browser SDK 2: `amplitude.add(uetAmplitudePlugin(options))`. */
export interface AmplitudeUetPlugin extends UetControls {
  name: string
  type: 'destination'
  setup(config: { optOut?: boolean }, client: unknown): Promise<void>
  execute<E extends AmplitudeEvent>(event: E): Promise<{ event: E; code: number; message: string }>
  onOptOutChanged(optOut: boolean): Promise<void>
  onIdentityChanged(identity: { userId?: string }): Promise<void>
  onReset(): Promise<void>
}

const PAGE_VIEW = '[Amplitude] Page Viewed'
const LOCATION = '[Amplitude] Page Location'
const TITLE = '[Amplitude] Page Title'

/** What the SDK makes by itself, on every click and session; sent only where `events.allow` names it. */
const AUTOMATIC = /^(\[Amplitude] |session_(start|end)$|\$)/

/** Amplitude's rule: the total where it is stated, else price times quantity; on a revenue event or any other. */
function withRevenue(event: AmplitudeEvent): Properties {
  const own = (event.event_properties ?? {}) as Properties
  const { $price = event.price, $quantity = event.quantity ?? 1, $revenue = event.revenue } = own
  const total = $revenue ?? ($price === undefined ? $price : ($price as number) * ($quantity as number))
  return { revenue: total, currency: own.$currency ?? event.currency, ...own }
}

/**
 * UET as an Amplitude destination. Amplitude's opt-out holds here too: nothing is requested while it is in force, and
 * opting out later is a refusal. Opting in again is no consent to advertising; the visitor gives that by
 * `plugin.consent('granted')`, a property, or a source.
 */
export function uetAmplitudePlugin(options: UetOptions): AmplitudeUetPlugin {
  const { uet, controls } = createHost(options)
  let client: Client | undefined
  const start = () => introduce(uet(), () => [client?.getUserId(), client?.getIdentity?.().userProperties])

  const send = (event: AmplitudeEvent) => {
    const { event_type: name, event_properties: own = {} } = event
    const context: UetContext = {
      id: event.insert_id,
      time: event.time,
      anonymousId: event.device_id,
      userId: event.user_id,
    }
    if (name === '$identify') {
      const { $set, $setOnce } = (event.user_properties ?? {}) as Record<string, object>
      uet().identify(event.user_id, { ...$setOnce, ...$set })
    } else if (name === PAGE_VIEW) {
      const { [LOCATION]: url, [TITLE]: title, ...rest } = own as Properties
      uet().page({ ...rest, url, title }, context)
    } else if (!AUTOMATIC.test(name) || options.events?.allow?.includes(name))
      uet().track(name, withRevenue(event), context)
  }

  return {
    ...controls,
    name: 'Microsoft Advertising UET',
    type: 'destination',
    setup: async ({ optOut }, host) => {
      client = host as Client
      if (!optOut) start()
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
    onIdentityChanged: async ({ userId }) => {
      if (userId) uet().identify(userId)
    },
    onReset: async () => controls.reset(),
  }
}
