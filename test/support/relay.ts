import type { CapiEvent } from '../../src/core/capi-json.ts'
import type { RequestInfo } from '../../src/relay/app.ts'
import { memoryOutbox } from '../../src/relay/outbox/memory.ts'
import type { Outbox } from '../../src/relay/outbox/outbox.ts'
import { createRelay, type Relay, type RelayOptions, type RelayReport } from '../../src/relay/relay.ts'
import type { TagInput } from '../../src/relay/settings.ts'

export const NOW = Date.parse('2026-11-24T12:00:00Z')
export const ORIGIN = 'https://shop.example'
export const SERVER_KEY = 'server-key-c4nary'

export const TAG: TagInput = {
  id: '97247724',
  token: '3f0c2b1e-0000-4000-8000-c4nary000001',
  key: 'pk_shop',
  serverKey: SERVER_KEY,
  origins: [ORIGIN],
}

/** A relay without a network: what it would send can be read, and nothing leaves. */
export interface TestRelay extends Relay {
  outbox: Outbox
  reports: RelayReport[]
  clock: { now: number }
  /** Sends to a path of the relay, from a browser on the shop's site unless told otherwise. */
  post(path: string, body: unknown, headers?: Record<string, string>, info?: RequestInfo): Promise<TestAnswer>
  /** The Conversions API events that wait, in the order of acceptance. */
  waiting(tagId?: string): Promise<CapiEvent[]>
}

export interface TestAnswer {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests look at whatever came
  json: any
}

export interface TestRelayOptions extends Partial<Omit<RelayOptions, 'tags'>> {
  tag?: Partial<TagInput>
  tags?: TagInput[]
}

export function testRelay({ tag, tags, outbox: given, ...rest }: TestRelayOptions = {}): TestRelay {
  const clock = { now: NOW }
  const now = () => clock.now
  const outbox = given ?? memoryOutbox({ now })
  const reports: RelayReport[] = []
  const relay = createRelay({
    tags: tags ?? [{ ...TAG, ...tag }],
    // Delivery finds nothing, so that what waits stays to be looked at.
    outbox: { ...outbox, claim: async (tagId) => ({ id: '', tagId, events: [], nextInMs: undefined }) },
    now,
    fetch: () => Promise.reject(new Error('a test relay sends nothing')),
    onReport: (report) => reports.push(report),
    ...rest,
  })
  return {
    ...relay,
    outbox,
    reports,
    clock,
    async post(path, body, headers = {}, info = { address: '203.0.113.7' }) {
      const request = new Request(`https://relay.example${path}`, {
        method: 'POST',
        headers: { ...(path.split('?')[0] === '/v1/e' && BROWSER), ...headers },
        body: typeof body === 'string' || body instanceof Uint8Array ? (body as string) : JSON.stringify(body),
      })
      const response = await relay.fetch(request, info)
      const text = await response.text()
      return { status: response.status, headers: response.headers, json: text ? JSON.parse(text) : undefined }
    },
    async waiting(tagId = TAG.id) {
      const { events } = await outbox.claim(tagId, { limit: 10_000, leaseMs: 1 })
      return events.map(({ body }) => JSON.parse(body))
    },
  }
}

const BROWSER = {
  'content-type': 'text/plain;charset=UTF-8',
  origin: ORIGIN,
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64)',
  'sec-fetch-site': 'cross-site',
}

let made = 0

/** A granted event as a browser sends it. */
export const browserEvent = (fields: Record<string, unknown> = {}) => ({
  type: 'track',
  id: `event-${++made}`,
  name: 'Order Completed',
  time: NOW - 1_000,
  consent: 'granted',
  page: {
    loadId: '0b0f9a63-5a4f-4a0e-9d4c-6b5d3f3b1c11',
    url: 'https://shop.example/thanks',
    referrer: '',
    title: 'Thanks',
  },
  conversion: { action: 'track', label: 'Order Completed', category: 'tools', value: 25, currency: 'EUR' },
  properties: { category: 'tools', revenue: 25, currency: 'EUR' },
  user: { anonymousId: '5c1e4f0acb6b11f0a1b20242ac120002', msclkid: '292049a17e2413e3a4081719e839afe6' },
  ...fields,
})

export const browserBody = (...events: unknown[]) => ({ v: 1, key: 'pk_shop', sentAt: NOW, events })
