import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type CapiClientOptions, createCapiClient } from '../../src/capi/client.ts'
import type { Outcome } from '../../src/capi/outcome.ts'
import type { CapiEvent } from '../../src/core/capi-json.ts'
import { createFakeCapi, type FakeCapiFault, type FakeCapiOptions } from '../../src/testing/fake-capi.ts'
import { NOW } from '../support/events.ts'

const SECONDS = NOW / 1000
const TAG = '97247724'
const TOKEN = '3f0c2b1e-0000-4000-8000-000000000001'

const event = (id: string, change: Partial<CapiEvent> = {}): CapiEvent => ({
  eventType: 'custom',
  eventTime: SECONDS - 60,
  eventId: id,
  eventName: 'track',
  adStorageConsent: 'G',
  userData: { anonymousId: 'a1' },
  ...change,
})
/** An event that a rule of the stand-in objects to, which nobody can know before. */
const marked = (id: string, mark: 'bad' | 'warn') => event(id, { keywords: mark })

const rule: NonNullable<FakeCapiOptions['rule']> = ({ keywords }) =>
  keywords === 'bad' || keywords === 'warn'
    ? { path: 'keywords', code: `Odd_${keywords}`, message: "'keywords' is odd.", warning: keywords === 'warn' }
    : undefined

function setup(options: Partial<FakeCapiOptions> = {}, client: Partial<CapiClientOptions> = {}) {
  const fake = createFakeCapi({ tags: { [TAG]: TOKEN }, now: () => NOW, rule, ...options })
  const { send } = createCapiClient({ tagId: TAG, token: TOKEN, fetch: fake.fetch, now: () => NOW, ...client })
  return { fake, send }
}

/** A timeout for those that run into it, and much time for the others on a busy machine. */
const patience = (fault?: FakeCapiFault) => (fault?.kind === 'hang' || fault?.kind === 'slow' ? 50 : 10_000)

const range = (length: number) => Array.from({ length }, (_, index) => index)
const statuses = (outcomes: readonly Outcome[]) => outcomes.map(({ status }) => status)
const summary = (outcomes: readonly Outcome[]) =>
  outcomes.map(({ status, reason }) => (reason ? `${status} ${reason}` : status))

describe('createCapiClient', () => {
  it('sends what the guide asks for', async () => {
    const { fake, send } = setup({}, { dataProvider: 'shop "1"' })
    expect(await send([event('e-1')])).toEqual([{ status: 'delivered', warnings: [] }])
    const [request] = fake.requests
    expect(request).toMatchObject({
      method: 'POST',
      url: 'https://capi.uet.microsoft.com/v1/97247724/events',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    })
    expect(JSON.parse(request!.body)).toEqual({
      dataProvider: 'shop "1"',
      continueOnValidationError: false,
      data: [event('e-1')],
    })
  })

  it.each<[string, Partial<CapiClientOptions>, RegExp]>([
    ['no tag id', { tagId: '' }, /^tagId:/],
    ['a tag id that leads elsewhere', { tagId: '1/../2' }, /^tagId:/],
    ['no token', { token: '' }, /^token:/],
    ['a token with a line end', { token: 'secret\r\nx' }, /^token:/],
    ['a path', { url: 'https://capi.example/v1' }, /^url:/],
    ['another protocol', { url: 'ftp://capi.example' }, /^url:/],
  ])('refuses %s without repeating a secret', (_, options, message) => {
    const create = () => createCapiClient({ tagId: TAG, token: TOKEN, ...options })
    expect(create).toThrow(TypeError)
    expect(create).toThrow(message)
    expect(create).not.toThrow(/secret/)
  })

  it('answers nothing for nothing', async () => {
    const { fake, send } = setup()
    expect(await send([])).toEqual([])
    expect(fake.requests).toEqual([])
  })

  it('splits by number and by size', async () => {
    const { fake, send } = setup()
    const title = 'ü'.repeat(40_000)
    const events = [
      ...range(1_001).map((n) => event(`e-${n}`)),
      ...range(30).map((n) => event(`t-${n}`, { pageTitle: title })),
    ]
    expect(new Set(statuses(await send(events)))).toEqual(new Set(['delivered']))
    const sizes = fake.requests.map(({ body }) => [
      (JSON.parse(body) as { data: [] }).data.length,
      Buffer.byteLength(body),
    ])
    expect(sizes.every(([count, bytes]) => count! <= 1_000 && bytes! <= 1_000_000)).toBe(true)
    expect(fake.oracle).toMatchObject({ total: 1_031, distinct: 1_031 })
  })

  it.each<[string, Partial<CapiEvent>, string]>([
    ['another type', { eventType: 'purchase' as never }, 'invalid InvalidEnumValue: eventType'],
    ['no time', { eventTime: undefined as never }, 'invalid Empty: eventTime'],
    ['milliseconds', { eventTime: 1.5 }, 'invalid InvalidEventTime: eventTime'],
    ['an old event', { eventTime: SECONDS - 7 * 86_400 - 1 }, 'expired expired'],
    ['no consent', { adStorageConsent: undefined as never }, 'invalid InvalidEnumValue: adStorageConsent'],
    [
      'the placeholder of the guide',
      { adStorageConsent: 'G|D' as never },
      'invalid InvalidEnumValue: adStorageConsent',
    ],
    ['a page load without address', { eventType: 'pageLoad' }, 'invalid Empty: eventSourceUrl'],
    ['a page load elsewhere', { eventType: 'pageLoad', eventSourceUrl: '/a' }, 'invalid InvalidUrl: eventSourceUrl'],
    ['no user', { userData: undefined as never }, 'invalid Empty: userData'],
    ['nobody', { userData: { clientIpAddress: '1.2.3.4', em: '' } }, 'invalid Empty: userData'],
    ['what is not JSON', { keywords: 1n as never }, 'invalid unreadable'],
    ['no object', null as never, 'delivered'],
  ])('does not send %s', async (_, change, outcome) => {
    const { fake, send } = setup()
    expect(summary(await send([event('good'), event('odd', change)]))).toEqual(['delivered', outcome])
    expect(fake.oracle.timesAccepted('odd')).toBe(outcome === 'delivered' ? 1 : 0)
    expect(fake.requests).toHaveLength(1)
  })

  it('survives what is no event at all', async () => {
    const { send } = setup()
    expect(summary(await send([null, 'x', 7] as never))).toEqual([
      'invalid unreadable',
      'invalid unreadable',
      'invalid InvalidEnumValue: eventType',
    ])
  })

  it('sends texts as they stand, and knows what is wrong with them', async () => {
    const { fake, send } = setup({ futureToleranceMs: 0 })
    const text = `{ "note": "å", ${JSON.stringify(event('as-it-stands')).slice(1)}`
    const outcomes = await send([
      text,
      JSON.stringify(event('early', { eventTime: SECONDS + 60 })),
      JSON.stringify(event('bad', { keywords: 'bad' })),
      JSON.stringify(event('nobody', { userData: {} })),
      text.slice(0, -1),
    ])
    expect(summary(outcomes)).toEqual([
      'delivered',
      'delivered',
      'invalid Odd_bad: keywords',
      'invalid Empty: userData',
      'invalid unreadable',
    ])
    expect(fake.requests.at(-1)!.body).toContain(text)
    expect(fake.oracle.accepted.map(({ event }) => event.eventTime)).toEqual([SECONDS - 60, SECONDS])
  })

  it('brings events from the future back to now', async () => {
    const { fake, send } = setup({ futureToleranceMs: 0 })
    expect(statuses(await send([event('e', { eventTime: SECONDS + 86_400 })]))).toEqual(['delivered'])
    expect(fake.oracle.accepted[0]!.event.eventTime).toBe(SECONDS)
  })

  it('reports warnings with the event they belong to', async () => {
    const { fake, send } = setup()
    const odd = event('odd', {
      userData: { anonymousId: 'a1', em: 'jane@example.com' },
      customData: { currency: 'euro' },
    })
    expect(await send([event('good'), odd])).toEqual([
      { status: 'delivered', warnings: [] },
      {
        status: 'delivered',
        warnings: [
          { property: 'userData.em', code: 'InvalidSha256' },
          { property: 'customData.currency', code: 'MockInvalidField' },
        ],
      },
    ])
    expect(fake.oracle.accepted[1]!.event).toMatchObject({ userData: { anonymousId: 'a1' }, customData: {} })
  })
})

describe('a refused batch', () => {
  it.each([1, 10, 11, 200])('of a thousand with %i bad ones', async (count) => {
    const { fake, send } = setup()
    const isBad = (n: number) => n % Math.floor(1_000 / count) === 0 && n / Math.floor(1_000 / count) < count
    const outcomes = await send(range(1_000).map((n) => (isBad(n) ? marked(`e-${n}`, 'bad') : event(`e-${n}`))))
    expect(summary(outcomes)).toEqual(range(1_000).map((n) => (isBad(n) ? 'invalid Odd_bad: keywords' : 'delivered')))
    expect(fake.oracle.ids()).toHaveLength(1_000 - count)
    expect(fake.oracle.duplicates()).toEqual({})
    expect(fake.requests.length).toBe(Math.ceil(count / 10) + 1)
  })

  it('finds the bad one behind warnings that fill the list', async () => {
    const { fake, send } = setup()
    const events = range(1_000).map((n) => marked(`e-${n}`, n === 999 ? 'bad' : 'warn'))
    const outcomes = await send(events)
    expect(statuses(outcomes)).toEqual(range(1_000).map((n) => (n === 999 ? 'invalid' : 'delivered')))
    expect(fake.oracle.duplicates()).toEqual({})
    expect(fake.requests.length).toBeLessThan(20)
  })

  it.each(['2026-08', '2025-10'] as const)(
    'delivers every good event once, with any bad ones (guide of %s)',
    async (profile) => {
      const marks = fc.array(fc.constantFrom('good', 'good', 'bad', 'warn'), { minLength: 1, maxLength: 150 })
      await fc.assert(
        fc.asyncProperty(marks, fc.boolean(), async (kinds, silent) => {
          // Silent: the API names no event at all.
          const { fake } = setup({ profile })
          const fetch = async (request: Request) => {
            const response = await fake.fetch(request)
            return silent && response.status === 400
              ? Response.json({ error: { code: 'ValidationError' } }, { status: 400 })
              : response
          }
          const { send } = createCapiClient({ tagId: TAG, token: TOKEN, fetch, now: () => NOW })
          const outcomes = await send(
            kinds.map((kind, n) => (kind === 'good' ? event(`e-${n}`) : marked(`e-${n}`, kind))),
          )
          kinds.forEach((kind, n) => {
            expect(outcomes[n]!.status).toBe(kind === 'bad' ? 'invalid' : 'delivered')
            expect(fake.oracle.timesAccepted(`e-${n}`)).toBe(kind === 'bad' ? 0 : 1)
          })
          expect(fake.requests.length).toBeLessThanOrEqual(2 * kinds.length)
        }),
        { numRuns: 60 },
      )
    },
  )

  it('is halved when it is too large, down to the event that is', async () => {
    const { fake, send } = setup({ maxBytes: 5_000 })
    const events = range(40).map((n) => event(`e-${n}`, n === 7 ? { pageTitle: 'x'.repeat(6_000) } : {}))
    expect(summary(await send(events))).toEqual(range(40).map((n) => (n === 7 ? 'invalid oversize' : 'delivered')))
    expect(fake.oracle.duplicates()).toEqual({})
  })

  it.each([
    ['the middle', [500]],
    ['the start', [0, 1]],
    ['everywhere', [3, 400, 401, 402, 403, 404, 999]],
  ])('by something on the way costs only the events it objects to, in %s', async (_, bad) => {
    const { fake } = setup()
    const fetch = async (request: Request) => {
      const { data } = (await request.clone().json()) as { data: CapiEvent[] }
      return data.some(({ keywords }) => keywords === 'bad')
        ? new Response('<h1>Request blocked</h1>', { status: 400 })
        : fake.fetch(request)
    }
    const { send } = createCapiClient({ tagId: TAG, token: TOKEN, fetch, now: () => NOW })
    const outcomes = await send(range(1_000).map((n) => (bad.includes(n) ? marked(`e-${n}`, 'bad') : event(`e-${n}`))))
    expect(summary(outcomes)).toEqual(range(1_000).map((n) => (bad.includes(n) ? 'invalid http-400' : 'delivered')))
    expect(fake.oracle).toMatchObject({ total: 1_000 - bad.length, distinct: 1_000 - bad.length })
  })

  it('by something on the way that objects to everything loses nothing, and ends soon', async () => {
    const { fake, send } = setup()
    fake.inject({ kind: 'html', status: 400 }, Number.POSITIVE_INFINITY)
    expect(new Set(summary(await send(range(1_000).map((n) => event(`e-${n}`)))))).toEqual(new Set(['retry http-400']))
    expect(fake.requests.length).toBeLessThan(20)
  })
})

describe('clocks that differ', () => {
  const DAY = 86_400

  it('takes the time of Microsoft when ours is ahead', async () => {
    const { fake, send } = setup({ now: () => NOW - DAY * 1000, futureToleranceMs: 60_000 })
    const outcomes = await send([
      event('now', { eventTime: SECONDS }),
      event('earlier', { eventTime: SECONDS - 2 * DAY }),
    ])
    expect(statuses(outcomes)).toEqual(['delivered', 'delivered'])
    expect(fake.oracle.accepted.map((accepted) => accepted.event.eventTime)).toEqual([SECONDS - DAY, SECONDS - 2 * DAY])
  })

  it('calls an event expired that was still young enough for us', async () => {
    const { send } = setup({ now: () => NOW + 600_000 })
    const outcomes = await send([event('good'), event('old', { eventTime: SECONDS - 7 * DAY + 60 })])
    expect(summary(outcomes)).toEqual(['delivered', 'expired expired'])
  })
})

describe('an answer that is none', () => {
  const throttled = { status: 'retry', reason: 'throttled', warnings: [] }
  const retry = (reason: string) => ({ status: 'retry', reason, warnings: [] })
  const stuck = (reason: string) => ({ status: 'setup', reason, warnings: [] })

  it.each<[FakeCapiFault, object, accepted: number]>([
    [{ kind: 'throttle', retryAfter: 30 }, { ...throttled, retryAfterMs: 30_000 }, 0],
    [{ kind: 'throttle', retryAfter: new Date(NOW + 90_000) }, { ...throttled, retryAfterMs: 90_000 }, 0],
    [{ kind: 'throttle', retryAfter: 0 }, { ...throttled, retryAfterMs: 1_000 }, 0],
    [{ kind: 'throttle', retryAfter: 86_400 }, { ...throttled, retryAfterMs: 3_600_000 }, 0],
    [{ kind: 'throttle' }, { ...throttled, retryAfterMs: 60_000 }, 0],
    [{ kind: 'throttle', status: 503, retryAfter: 5 }, { ...throttled, retryAfterMs: 5_000 }, 0],
    [{ kind: 'throttle', status: 503 }, retry('http-503'), 0],
    [{ kind: 'status', status: 500 }, retry('http-500'), 0],
    [{ kind: 'status', status: 408 }, retry('http-408'), 0],
    [{ kind: 'status', status: 425 }, retry('http-425'), 0],
    [{ kind: 'status', status: 400 }, retry('http-400'), 0],
    [{ kind: 'status', status: 401 }, stuck('http-401'), 0],
    [{ kind: 'status', status: 403, body: '{"error":{"code":"Forbidden"}}' }, stuck('http-403'), 0],
    [{ kind: 'status', status: 404 }, stuck('http-404'), 0],
    [{ kind: 'status', status: 405 }, stuck('http-405'), 0],
    [{ kind: 'status', status: 501 }, stuck('http-501'), 0],
    [{ kind: 'status', status: 505 }, stuck('http-505'), 0],
    [{ kind: 'status', status: 200, body: '"ok"' }, retry('not-json'), 0],
    [{ kind: 'html' }, retry('not-json'), 0],
    [{ kind: 'html', status: 502 }, retry('http-502'), 0],
    [{ kind: 'redirect' }, retry('redirect'), 0],
    [{ kind: 'reset' }, retry('network'), 0],
    [{ kind: 'lost-reply' }, retry('network'), 1],
    [{ kind: 'hang' }, retry('timeout'), 0],
    [{ kind: 'hang', processed: true }, retry('timeout'), 1],
    [{ kind: 'slow', ms: 1_000 }, retry('timeout'), 0],
    [{ kind: 'endless' }, retry('too-large'), 0],
    [{ kind: 'empty' }, { status: 'delivered', warnings: [] }, 1],
  ])('%j', async (fault, outcome, accepted) => {
    const { fake, send } = setup({}, { timeoutMs: patience(fault) })
    // A refusal in foreign words is looked into, so it has to last.
    const requests = fault.kind === 'status' && fault.status === 400 ? 3 : 1
    fake.inject(fault, requests)
    expect(await send([event('a'), event('b')])).toEqual([outcome, outcome])
    expect(fake.requests).toHaveLength(requests)
    expect(fake.oracle.timesAccepted('a')).toBe(accepted)
  })

  it('names a wrong token as a matter of setup', async () => {
    const { send } = setup({}, { token: 'of-another-tag' })
    expect(summary(await send([event('a')]))).toEqual(['setup http-401'])
  })

  it('stops sending, and keeps what was settled before', async () => {
    const { fake, send } = setup({ rate: { requests: 1, perMs: 60_000 } })
    const outcomes = await send(range(2_500).map((n) => event(`e-${n}`)))
    expect(statuses(outcomes)).toEqual(range(2_500).map((n) => (n < 1_000 ? 'delivered' : 'retry')))
    expect(outcomes[2_499]).toMatchObject({ reason: 'throttled', retryAfterMs: 60_000 })
    expect(fake.requests).toHaveLength(2)
  })

  it('stops when it is told to', async () => {
    const { fake, send } = setup({}, { timeoutMs: 60_000 })
    fake.inject({ kind: 'hang' })
    const abort = new AbortController()
    const sending = send([event('a')], abort.signal)
    abort.abort()
    expect(summary(await sending)).toEqual(['retry aborted'])
    expect(summary(await send([event('b')], abort.signal))).toEqual(['retry aborted'])
    expect(fake.oracle.total).toBe(0)
  })

  it.each([
    ['an error that is no HttpError', new Error('bug'), 'retry network'],
    ['a certificate nobody trusts', cause('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), 'setup tls'],
    ['a certificate of somebody else', cause('ERR_TLS_CERT_ALTNAME_INVALID'), 'setup tls'],
    ['a name that is not found', cause('ENOTFOUND'), 'retry network'],
  ])('%s', async (_, error, outcome) => {
    const { send } = setup({}, { fetch: () => Promise.reject(error) })
    expect(summary(await send([event('a')]))).toEqual([outcome])
  })

  it('counts an event as delivered that Microsoft took but did not count, and says so', async () => {
    const { send } = setup({}, { fetch: async () => Response.json({ eventsReceived: 0 }) })
    expect(await send([event('a')])).toEqual([
      { status: 'delivered', warnings: [{ property: '', code: 'NotCounted' }] },
    ])
  })

  it('takes findings for warnings where every event was counted', async () => {
    const error = { details: [{ index: 0, propertyName: 'data[0].userData.em', errorMessage: 'x' }] }
    const { send } = setup({}, { fetch: async () => Response.json({ eventsReceived: 1, error }) })
    const warnings = [{ property: 'userData.em', code: 'ValidationError' }]
    expect(await send([event('a')])).toEqual([{ status: 'delivered', warnings }])
  })

  it('understands a batch that was taken in part, though nobody asked for that', async () => {
    const fake = createFakeCapi({ tags: { [TAG]: TOKEN }, now: () => NOW, rule })
    const fetch = async (request: Request) => {
      const body = (await request.text()).replace(
        '"continueOnValidationError":false',
        '"continueOnValidationError":true',
      )
      return fake.fetch(new Request(request.url, { method: 'POST', headers: request.headers, body }))
    }
    const { send } = createCapiClient({ tagId: TAG, token: TOKEN, fetch, now: () => NOW })
    const isBad = (n: number) => n % 8 === 0
    const outcomes = await send(range(100).map((n) => (isBad(n) ? marked(`e-${n}`, 'bad') : event(`e-${n}`))))
    expect(statuses(outcomes)).toEqual(range(100).map((n) => (isBad(n) ? 'invalid' : 'delivered')))
    expect(fake.oracle.distinct).toBe(87)
  })

  it('never lets a value into an outcome', async () => {
    const canary = 'c4nary@example.com'
    const error = {
      code: canary,
      message: canary,
      details: [
        {
          index: 0,
          propertyName: `data[0].${canary}`,
          attemptedValue: canary,
          errorMessage: canary,
          errorCode: canary,
        },
        null,
        { index: 'x', propertyName: 7 },
      ],
    }
    for (const status of [200, 400]) {
      const { send } = setup({}, { fetch: async () => Response.json({ error }, { status }) })
      const outcomes = await send([event('a', { userData: { anonymousId: 'c4nary' } })])
      expect(summary(outcomes)).toEqual(['invalid ValidationError'])
      expect(JSON.stringify(outcomes)).not.toContain('c4nary')
    }
  })
})

describe('sending again whatever is to be sent again', () => {
  const faults = fc.constantFrom<FakeCapiFault>(
    { kind: 'status', status: 500 },
    { kind: 'status', status: 400 },
    { kind: 'status', status: 401 },
    { kind: 'status', status: 413 },
    { kind: 'throttle', retryAfter: 1 },
    { kind: 'reset' },
    { kind: 'lost-reply' },
    { kind: 'empty' },
    { kind: 'html' },
    { kind: 'redirect' },
  )

  it('delivers every good event, and twice only where an answer was lost', async () => {
    const marks = fc.array(fc.constantFrom('good', 'good', 'good', 'bad', 'warn'), { minLength: 2, maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(marks, fc.array(faults, { maxLength: 8 }), async (kinds, troubles) => {
        const { fake, send } = setup()
        for (const fault of troubles) fake.inject(fault)
        let left = kinds.map((kind, n) => (kind === 'good' ? event(`e-${n}`) : marked(`e-${n}`, kind)))
        const invalid: string[] = []
        for (let rounds = 0; left.length; rounds++) {
          expect(rounds).toBeLessThanOrEqual(troubles.length)
          const outcomes = await send(left)
          left.forEach(({ eventId }, n) => outcomes[n]!.status === 'invalid' && invalid.push(eventId!))
          left = left.filter((_, n) => /retry|setup/.test(outcomes[n]!.status))
        }
        const lost = troubles.filter(({ kind }) => kind === 'lost-reply').length
        const statuses = troubles.map((fault) => (fault.kind === 'status' ? fault.status : 0))
        const foreign = statuses.includes(413) || statuses.filter((status) => status === 400).length > 1
        kinds.forEach((kind, n) => {
          const times = fake.oracle.timesAccepted(`e-${n}`)
          expect(times).toBeLessThanOrEqual(kind === 'bad' ? 0 : 1 + lost)
          // Only a refusal that names an event, or meets it alone and again, may end it.
          expect(kind === 'bad' || times > 0 || (foreign && invalid.includes(`e-${n}`))).toBe(true)
        })
      }),
      { numRuns: 200 },
    )
  })
})

describe('over a socket', () => {
  let close = () => {}
  afterEach(() => {
    close()
    vi.restoreAllMocks()
  })

  it.each<[FakeCapiFault | undefined, string, accepted: number]>([
    [undefined, 'delivered', 1],
    [{ kind: 'reset' }, 'retry network', 0],
    [{ kind: 'lost-reply' }, 'retry network', 1],
    [{ kind: 'empty' }, 'delivered', 1],
    [{ kind: 'hang' }, 'retry timeout', 0],
    [{ kind: 'endless' }, 'retry too-large', 0],
    [{ kind: 'redirect' }, 'retry redirect', 0],
  ])('%j', async (fault, outcome, accepted) => {
    const fake = createFakeCapi({ tags: { [TAG]: TOKEN }, now: () => NOW })
    const port = await new Promise<number>((resolve) => {
      const server = serve({ fetch: fake.fetch, port: 0, hostname: '127.0.0.1' }, (info) => resolve(info.port))
      close = () => {
        server.close()
        ;(server as Server).closeAllConnections()
      }
    })
    if (fault) fake.inject(fault)
    // The server says what broke.
    vi.spyOn(console, 'error').mockReturnValue()
    const url = `http://127.0.0.1:${port}`
    const { send } = createCapiClient({ tagId: TAG, token: TOKEN, url, now: () => NOW, timeoutMs: patience(fault) })
    expect(summary(await send([event('a')]))).toEqual([outcome])
    expect(fake.oracle.timesAccepted('a')).toBe(accepted)
  })

  it('never follows a redirect, so the token goes nowhere else', async () => {
    const hits: string[] = []
    const server = createServer((request, response) => {
      hits.push(request.url!)
      response.writeHead(307, { location: '/elsewhere' }).end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    close = () => server.close()
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const { send } = createCapiClient({ tagId: TAG, token: TOKEN, url, now: () => NOW })
    expect(summary(await send([event('a')]))).toEqual(['retry redirect'])
    expect(hits).toEqual([`/v1/${TAG}/events`])
  })
})

function cause(code: string): Error {
  return new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code }) })
}
