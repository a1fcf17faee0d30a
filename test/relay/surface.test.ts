import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { signRequest } from '../../src/relay/signature.ts'
import { browserEvent, NOW, ORIGIN, SERVER_KEY, testRelay } from '../support/relay.ts'

const json = fc.jsonValue({ maxDepth: 4 })
const key = fc.constantFrom('__proto__', 'constructor', 'type', 'id', 'user', 'page', 'properties', 'events', 'batch')
const odd = fc.oneof(
  json,
  fc.dictionary(key, json),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(-0, 1e308, '', null),
)
/** A good object with some of its fields replaced by anything. */
const mutated = (good: Record<string, unknown>) =>
  fc
    .tuple(fc.dictionary(fc.constantFrom(...Object.keys(good)), odd, { maxKeys: 2 }), fc.boolean())
    .map(([changes, keep]) => (keep ? good : { ...good, ...changes }))

let made = 0
const wireEvent = fc.constant(0).chain(() => mutated(browserEvent({ id: `fuzz-${++made}` })))
const message = fc.constant(0).chain(() =>
  mutated({
    type: 'track',
    event: 'E',
    messageId: `fuzz-${++made}`,
    anonymousId: 'a',
    timestamp: '2026-11-24T11:59:59Z',
    properties: {},
    context: { traits: {}, page: {} },
    integrations: {},
  }),
)
const streamed = fc
  .constant(0)
  .chain(() =>
    mutated({ event_type: 'E', insert_id: `fuzz-${++made}`, device_id: 'd', time: NOW - 1_000, event_properties: {} }),
  )
const wire = fc
  .array(wireEvent, { maxLength: 5 })
  .chain((events) => mutated({ v: 1, key: 'pk_shop', sentAt: NOW, events }))

type Kind = 'browser' | 'server' | 'segment' | 'amplitude'
const request = fc.oneof(
  fc.record({ kind: fc.constant<Kind>('browser'), path: fc.constant('/v1/e'), body: fc.oneof(wire, odd) }),
  fc.record({ kind: fc.constant<Kind>('server'), path: fc.constant('/v1/server'), body: fc.oneof(wire, odd) }),
  fc.record({
    kind: fc.constant<Kind>('segment'),
    path: fc.constantFrom('/v1/batch', '/v1/track', '/v1/page', '/v1/identify', '/v1/import'),
    body: fc.oneof(
      fc.array(message, { maxLength: 5 }).chain((batch) => mutated({ batch, sentAt: NOW })),
      message,
      odd,
    ),
  }),
  fc.record({
    kind: fc.constant<Kind>('amplitude'),
    path: fc.constant('/v1/amplitude'),
    body: fc.oneof(fc.array(streamed, { maxLength: 5 }), streamed, odd),
  }),
)
const headerText = fc.string({ unit: fc.constantFrom(...'aZ09 ,;:=/*"[]%.-_'), maxLength: 40 })
const headers = fc.dictionary(
  fc.constantFrom(
    'origin',
    'authorization',
    'content-type',
    'sec-gpc',
    'sec-fetch-site',
    'x-forwarded-for',
    'forwarded',
    'x-uetkit-signature',
    'x-uetkit-timestamp',
    'content-encoding',
    'user-agent',
  ),
  headerText,
  { maxKeys: 2 },
)
const trouble = fc.record({
  headers,
  cut: fc.option(fc.nat(200), { freq: 5 }),
  gzip: fc.boolean(),
  honest: fc.boolean(),
})

async function goodHeaders(kind: Kind, text: string): Promise<Record<string, string>> {
  if (kind === 'browser') return { origin: ORIGIN, 'content-type': 'text/plain' }
  if (kind === 'server') return signRequest(SERVER_KEY, text, NOW)
  if (kind === 'segment') return { authorization: `Basic ${btoa(`${SERVER_KEY}:`)}` }
  return { authorization: `Bearer ${SERVER_KEY}` }
}

describe('the HTTP surface', () => {
  it('gives every request an answer below 500, and what it says it accepted is stored', async () => {
    const seen = new Set<number>()
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(request, trouble), { minLength: 1, maxLength: 4 }), async (requests) => {
        const relay = testRelay({ tag: { consent: { assume: 'granted' } } })
        let accepted = 0
        for (const [{ kind, path, body }, { headers, cut, gzip, honest }] of requests) {
          const text = JSON.stringify(body).slice(0, cut ?? undefined)
          const packed = gzip && (kind === 'segment' || kind === 'amplitude')
          const answer = await relay.post(path, packed ? new Uint8Array(gzipSync(text)) : text, {
            ...(await goodHeaders(kind, text)),
            ...(packed && { 'content-encoding': 'gzip' }),
            ...(!honest && headers),
          })
          seen.add(answer.status)
          expect(answer.status).toBeLessThan(500)
          expect(answer.status === 400 || answer.json.error === undefined || answer.status > 400).toBe(true)
          for (const { code, message } of answer.json.rejected ?? [])
            expect([typeof code, typeof message]).toEqual(['string', 'string'])
          accepted += answer.json.accepted ?? 0
        }
        const [books] = await relay.outbox.counts()
        expect(books?.accepted ?? 0).toBe(accepted)
        for (const event of await relay.waiting()) expect(event.adStorageConsent).toBe('G')
        await relay.close()
      }),
      { numRuns: 300 },
    )
    // The property is worth something only if it saw all of these.
    for (const status of [200, 202, 400, 401, 403, 415]) expect([...seen]).toContain(status)
    expect(({} as Record<string, unknown>).type).toBeUndefined()
  }, 60_000)
})
