import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RunningRelay, startRelay } from '../src/relay/node.ts'
import { createFakeCapi, type FakeCapiFault } from '../src/testing/fake-capi.ts'
import { createNews } from './news.ts'
import { DEMO_KEY, DEMO_TAG } from './switches.ts'

/** One event as the Conversions API got it. */
export interface CapiEventSeen {
  id: string
  type: string
  name: string
  label?: string
  value?: number
  currency?: string
  url?: string
  consent: string
}

/** One request to the Conversions API. */
export interface CapiRequestSeen {
  /** Milliseconds since the epoch. */
  time: number
  /** 0 where the connection broke. */
  status: number
  events: CapiEventSeen[]
}

/** One request of the tag script, as it arrived. */
export interface BeaconArrived {
  time: number
  host: string
  /** `pageLoad`, `custom`, `consent`, `pageHide`, … */
  evt: string
  params: Record<string, string>
}

export interface News {
  beacon: BeaconArrived
  capi: CapiRequestSeen
}

const TOKEN = 'a-token-of-the-demo'

const FAULTS: Record<string, FakeCapiFault> = {
  unavailable: { kind: 'throttle', status: 503, retryAfter: 2 },
  throttled: { kind: 'throttle', status: 429, retryAfter: 2 },
  token: { kind: 'status', status: 401 },
  reset: { kind: 'reset' },
  slow: { kind: 'slow', ms: 5000 },
}

/** What stands behind the shop: a real relay, and a stand-in for Microsoft's Conversions API. */
export interface World {
  news: ReturnType<typeof createNews<News>>
  relay: RunningRelay
  /** Whether the relay can be reached. */
  isUp(): boolean
  /** Stops the relay and removes its file. */
  close(): Promise<void>
  /** The switches that act at once. */
  set(state: { relay?: string | undefined; capi?: string | undefined }): void
}

export async function createWorld(origin: string): Promise<World> {
  const news = createNews<News>()
  const capi = createFakeCapi({ tags: { [DEMO_TAG]: TOKEN } })
  let up = true
  let fault = 'ok'

  const fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init)
    const events = readEvents(await request.clone().json())
    const seen = (status: number) => news.add('capi', { time: Date.now(), status, events })
    try {
      const answer = await capi.fetch(request)
      seen(answer.status)
      return answer
    } catch (error) {
      seen(0)
      throw error
    }
  }

  const folder = mkdtempSync(join(tmpdir(), 'uetkit-demo-'))
  const relay = await startRelay(
    {
      port: 0,
      host: '127.0.0.1',
      adminPort: 0,
      logLevel: 'silent',
      outbox: `sqlite:${join(folder, 'relay.db')}`,
      tags: [{ id: DEMO_TAG, token: 'env:DEMO_TOKEN', key: DEMO_KEY, origins: [origin] }],
    },
    { env: { DEMO_TOKEN: TOKEN }, fetch },
  )

  return {
    news,
    relay,
    isUp: () => up,
    close: async () => {
      await relay.close()
      rmSync(folder, { recursive: true })
    },
    set: (state) => {
      if (state.relay) up = state.relay === 'on'
      if (!state.capi || state.capi === fault) return
      fault = state.capi
      capi.heal()
      const next = FAULTS[fault]
      if (next) capi.inject(next, Number.POSITIVE_INFINITY)
      else relay.relay.courier.resume()
    },
  }
}

/** The little of the Conversions API's JSON that people look for. */
function readEvents(body: unknown): CapiEventSeen[] {
  const { data } = body as { data: Record<string, unknown>[] }
  return data.map(({ eventId, eventType, eventName, eventSourceUrl, adStorageConsent, customData }) => {
    const { eventLabel, value, currency } = (customData ?? {}) as Record<string, unknown>
    return {
      id: eventId,
      type: eventType,
      name: eventName,
      label: eventLabel,
      value,
      currency,
      url: eventSourceUrl,
      consent: adStorageConsent,
    } as CapiEventSeen
  })
}
