import { createCapiClient } from '../capi/client.ts'
import { check } from '../config/check.ts'
import type { Fetch } from '../http/request.ts'
import type { AcceptReport } from './accept.ts'
import { type App, createApp, type RequestInfo, type RequestReport } from './app.ts'
import { memorySharedState, type SharedState } from './common-state.ts'
import { type Courier, type CourierNotice, createCourier } from './courier.ts'
import type { Outbox } from './outbox/outbox.ts'
import { type RelayInput, reveal, settingsSchema } from './settings.ts'

/** Everything a relay tells about its work, for logs and metrics. Holds no value of an event and no address. */
export type RelayReport = RequestReport | AcceptReport | CourierNotice

/** Plain settings, checked at the start, and what a runtime has to offer. */
export interface RelayOptions extends RelayInput {
  /** Where accepted events wait. The relay closes it when it closes. */
  outbox: Outbox
  /** Remembers used signatures. Several relays behind one address share one; by default each has its own. */
  state?: SharedState
  /** The script-tag build, served at `/uetkit.min.js`. */
  script?: string
  /** The inspector's build, served beside it at `/uetkit-inspector.min.js`, where the script tag looks for it. */
  inspector?: string
  /** Told what becomes of requests, events and sendings, for logs and metrics. */
  onReport?: (report: RelayReport) => void
  /** For sending to the Conversions API. */
  fetch?: Fetch
  /** Milliseconds since the epoch. */
  now?: () => number
}

/** A running relay: it delivers what its outbox holds, from the start. */
export interface Relay {
  /** Answers one request. Never rejects. */
  fetch(request: Request, info?: RequestInfo): Promise<Response>
  /** The doors by path, for platforms to which `Request` and `Response` are a detour. */
  doors: App['doors']
  /** Delivery: how each tag fares, and `resume` to try paused tags now. */
  courier: Pick<Courier, 'lanes' | 'resume'>
  /** Refuses what comes from now on, waits for what is being accepted and delivered, and closes the outbox. */
  close(options?: { deadlineMs?: number }): Promise<void>
}

/**
 * Makes a relay of options that are plain data, an outbox, and what else a runtime has to offer.
 *
 * @throws ConfigError for options that cannot work, naming each.
 */
export function createRelay(options: RelayOptions): Relay {
  const { outbox, state, script, inspector, onReport, fetch, now = Date.now, ...input } = options
  const settings = check(settingsSchema, input, "the relay's options")
  const report = (item: RelayReport) => {
    try {
      onReport?.(item)
    } catch {
      // What a listener does with it must not cost an event.
    }
  }
  const tags = new Map(settings.tags.map((tag) => [tag.id, tag]))
  const courier = createCourier({
    outbox,
    tagIds: [...tags.keys()],
    // Made anew for each sending, so that a token that was replaced works at once.
    sender: (tagId) => {
      const tag = tags.get(tagId)
      return tag && createCapiClient({ tagId, token: reveal(tag.token), url: settings.capi.url, fetch, now })
    },
    onNotice: report,
    now,
  })
  const app = createApp({
    settings,
    outbox,
    state: state ?? memorySharedState({ now }),
    script,
    inspector,
    report,
    now,
  })
  let closing: Promise<void> | undefined
  return {
    fetch: app.fetch,
    doors: app.doors,
    courier: { lanes: courier.lanes, resume: courier.resume },
    close: ({ deadlineMs = 10_000 } = {}) =>
      (closing ??= (async () => {
        await app.close()
        await courier.close({ deadlineMs })
        await outbox.close()
      })()),
  }
}
