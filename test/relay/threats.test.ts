import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { memoryOutbox } from '../../src/relay/outbox/memory.ts'
import { createRelay } from '../../src/relay/relay.ts'
import { signRequest, signTicket } from '../../src/relay/signature.ts'
import { browserBody, browserEvent, NOW, ORIGIN, SERVER_KEY, TAG, type TestRelay, testRelay } from '../support/relay.ts'

let relay: TestRelay
afterEach(() => relay?.close())

const signed = async (body: object, now = NOW) => signRequest(SERVER_KEY, JSON.stringify(body), now)
const basic = { authorization: `Basic ${btoa(`${SERVER_KEY}:`)}` }
const parse = (text: string) => JSON.parse(text) as Record<string, unknown>

describe('threats', () => {
  it('T1 spoofed conversions: an order that no backend vouched for is refused', async () => {
    relay = testRelay({ tag: { browser: { ticketFor: ['Order Completed'], maxValue: 500, currencies: ['EUR'] } } })
    const codeOf = async (event: object) => (await relay.post('/v1/e', browserBody(event))).json.rejected[0]?.code
    const ticket = (key: string) => signTicket(key, { id: 'o-1', value: 25, currency: 'EUR', expires: NOW / 1000 + 60 })
    const order = (key?: string) => async () =>
      browserEvent({ id: 'o-1', ...(key && { properties: { ticket: await ticket(key) } }) })
    expect(await codeOf(await order()())).toBe('ticket_missing')
    expect(await codeOf(await order('guessed')())).toBe('ticket_wrong')
    expect(await codeOf({ ...(await order(SERVER_KEY)()), id: 'o-2' })).toBe('ticket_wrong')
    expect(await codeOf(browserEvent({ name: 'Signed Up', conversion: { action: 'track', value: 501 } }))).toBe(
      'value_not_allowed',
    )
    expect(await relay.waiting()).toEqual([])
    expect(await codeOf(await order(SERVER_KEY)())).toBeUndefined()
  })

  it('T2 open relay: nothing that is sent changes where events go', async () => {
    const asked: string[] = []
    const outbox = memoryOutbox()
    const made = createRelay({
      tags: [TAG],
      outbox,
      fetch: async (request) => {
        asked.push(`${request.method} ${request.url} ${request.redirect}`)
        return Response.json({ eventsReceived: 1 })
      },
    })
    const elsewhere = fc.constantFrom(
      'https://evil.example/x',
      '//evil.example',
      '../../v1/111111/events',
      '111111',
      '127.0.0.1',
    )
    const names = fc.constantFrom('tagId', 'ti', 'url', 'endpoint', 'capi', 'host', 'id', 'token', 'key2')
    const more = fc.dictionary(names, elsewhere)
    await fc.assert(
      fc.asyncProperty(more, more, more, elsewhere, async (body, event, properties, host) => {
        const { id: _, ...rest } = event
        const request = new Request(`https://relay.example/v1/e?ti=1&url=${encodeURIComponent(host)}`, {
          method: 'POST',
          headers: { origin: ORIGIN, 'content-type': 'text/plain', 'x-forwarded-host': host, host: 'evil.example' },
          body: JSON.stringify({
            ...body,
            ...browserBody({ ...rest, ...browserEvent({ time: Date.now(), properties }) }),
          }),
        })
        expect((await made.fetch(request)).status).toBe(202)
      }),
      { numRuns: 50 },
    )
    await expect.poll(async () => (await outbox.counts())[0]?.delivered, { timeout: 5_000 }).toBe(50)
    await made.close()
    expect(new Set(asked)).toEqual(new Set(['POST https://capi.uet.microsoft.com/v1/97247724/events manual']))
  })

  describe('T3 CORS confusion: only listed origins may send and read, never with credentials', () => {
    it.each<[string, Record<string, string>, number, string | null]>([
      ['a listed origin', { origin: ORIGIN }, 202, ORIGIN],
      ['another case', { origin: 'https://SHOP.example' }, 403, null],
      ['http', { origin: 'http://shop.example' }, 403, null],
      ['another port', { origin: 'https://shop.example:8443' }, 403, null],
      ['a subdomain', { origin: 'https://a.shop.example' }, 403, null],
      ['a longer name', { origin: 'https://shop.example.evil.example' }, 403, null],
      ['a name that ends alike', { origin: 'https://evilshop.example' }, 403, null],
      ['a list', { origin: `${ORIGIN}, https://evil.example` }, 403, null],
      ['a path', { origin: `${ORIGIN}/` }, 403, null],
      ['null', { origin: 'null', 'sec-fetch-site': 'cross-site' }, 403, null],
      ['none', { origin: '', 'sec-fetch-site': 'cross-site' }, 403, null],
      ['the referrer only', { origin: '', referer: `${ORIGIN}/`, 'sec-fetch-site': 'cross-site' }, 403, null],
    ])('%s', async (_, headers, status, allowed) => {
      relay = testRelay()
      const answer = await relay.post('/v1/e', browserBody(browserEvent()), headers)
      expect(answer.status).toBe(status)
      expect(answer.headers.get('access-control-allow-origin')).toBe(allowed)
      expect(answer.headers.get('access-control-allow-credentials')).toBeNull()
      expect(answer.headers.get('vary')).toBe('Origin')
      expect(await relay.waiting()).toHaveLength(status === 202 ? 1 : 0)
    })
  })

  it('T4 replay: an event counts once, however often it comes', async () => {
    relay = testRelay({ limits: { perAddress: false } })
    const event = browserEvent()
    for (let time = 0; time < 20; time++) await relay.post('/v1/e', browserBody(...Array(50).fill(event)))
    expect(await relay.outbox.counts()).toMatchObject([{ accepted: 1_000, duplicates: 999, waiting: 1 }])
  })

  it('T4 replay: a signed request is accepted once, but may be tried again until then', async () => {
    let full = true
    const store = memoryOutbox({ now: () => NOW })
    const { OutboxError } = await import('../../src/relay/outbox/outbox.ts')
    relay = testRelay({
      outbox: {
        ...store,
        append: async (events) => {
          if (full) throw new OutboxError('full', 'no room')
          return store.append(events)
        },
      },
    })
    const body = browserBody(browserEvent())
    const headers = await signed(body)
    const send = async () => {
      const { status, json } = await relay.post('/v1/server', body, headers)
      return [status, json.error?.code]
    }
    expect(await send()).toEqual([503, 'store_full'])
    full = false
    expect(await send()).toEqual([202, undefined])
    expect(await send()).toEqual([401, 'replayed'])
    expect(await relay.post('/v1/server', body, await signed(body, NOW + 1_000))).toMatchObject({ status: 202 })
    expect(await relay.waiting()).toHaveLength(1)
  })

  describe('T5 flood', () => {
    const from = (address: string) => relay.post('/v1/e', browserBody(browserEvent()), {}, { address })

    it('serves an address so often, says when to come back, and serves the others', async () => {
      relay = testRelay({ limits: { perAddress: 0.5 } })
      const statuses = []
      for (let time = 0; time < 7; time++) statuses.push((await from('203.0.113.7')).status)
      expect(statuses).toEqual([202, 202, 202, 202, 202, 429, 429])
      expect((await from('203.0.113.7')).headers.get('retry-after')).toBe('10')
      expect((await from('203.0.113.8')).status).toBe(202)
      relay.clock.now += 10_000
      expect((await from('203.0.113.7')).status).toBe(202)
    })

    it('takes a /64 for one address', async () => {
      relay = testRelay({ limits: { perAddress: 0.1 } })
      expect((await from('2001:db8::1')).status).toBe(202)
      expect((await from('2001:db8::2')).status).toBe(429)
      expect((await from('2001:db8:0:1::1')).status).toBe(202)
    })

    it('serves a key so often, at every door', async () => {
      relay = testRelay({ limits: { perKey: 0.1 }, tag: { consent: { assume: 'granted' } } })
      const body = browserBody(browserEvent())
      expect((await from('203.0.113.1')).status).toBe(202)
      expect((await from('203.0.113.2')).status).toBe(429)
      expect((await relay.post('/v1/server', body, await signed(body))).status).toBe(429)
      expect((await relay.post('/v1/track', {}, basic)).status).toBe(429)
      expect((await relay.post('/v1/amplitude', {}, { authorization: `Bearer ${SERVER_KEY}` })).status).toBe(429)
    })

    it('lets keys be guessed a few times only', async () => {
      relay = testRelay()
      const guess = (address: string, key = 'guess') =>
        relay.post(
          '/v1/track',
          { anonymousId: 'a', event: 'E', consent: 'granted' },
          { authorization: `Basic ${btoa(`${key}:`)}` },
          { address },
        )
      for (let time = 0; time < 30; time++) expect((await guess('203.0.113.7')).status).toBe(401)
      expect((await guess('203.0.113.7')).status).toBe(429)
      expect((await guess('203.0.113.7', SERVER_KEY)).status).toBe(429)
      expect((await guess('203.0.113.8', SERVER_KEY)).status).toBe(200)
    })

    it('refuses before it reads', async () => {
      relay = testRelay({ limits: { perAddress: 0.1 } })
      await from('203.0.113.7')
      let read = false
      const body = new ReadableStream({ pull: () => void (read = true) }, { highWaterMark: 0 })
      const request = new Request('https://relay.example/v1/e', { method: 'POST', body, duplex: 'half' } as RequestInit)
      expect((await relay.fetch(request, { address: '203.0.113.7' })).status).toBe(429)
      expect(read).toBe(false)
    })
  })

  describe('T6 payload bombs', () => {
    const zeros = gzipSync(Buffer.alloc(50_000_000))
    it.each<[string, string, () => unknown, Record<string, string>, number]>([
      [
        '50 MB of zeros in 49 KB',
        '/v1/batch',
        () => new Uint8Array(zeros),
        { ...basic, 'content-encoding': 'gzip' },
        413,
      ],
      ['the same for a browser', '/v1/e', () => new Uint8Array(zeros), { 'content-encoding': 'gzip' }, 415],
      ['200,000 lists in each other', '/v1/batch', () => `${'['.repeat(200_000)}${']'.repeat(200_000)}`, basic, 400],
      [
        'an event of 200,000 lists',
        '/v1/batch',
        () => `{"batch":[{"type":"track","properties":{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}}]}`,
        basic,
        400,
      ],
      ['lists that never end', '/v1/batch', () => '['.repeat(1_000_000), basic, 400],
      [
        'a deep event',
        '/v1/e',
        () => browserBody(browserEvent({ properties: parse(`${'{"a":'.repeat(1_000)}1${'}'.repeat(1_000)}`) })),
        {},
        400,
      ],
      ['a number without end', '/v1/e', () => `{"events":[${'9'.repeat(60_000)}]}`, {}, 401],
      [
        'a wide event',
        '/v1/e',
        () =>
          browserBody(
            browserEvent({ properties: Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`k${n}`, 1])) }),
          ),
        {},
        400,
      ],
      ['a long name', '/v1/e', () => browserBody(browserEvent({ name: 'x'.repeat(10_000) })), {}, 400],
    ])('%s', async (_, path, body, headers, status) => {
      relay = testRelay()
      expect((await relay.post(path, body(), headers)).status).toBe(status)
      expect(await relay.waiting()).toEqual([])
    })

    it('stops reading a body without a length where it passes the limit', async () => {
      relay = testRelay()
      let sent = 0
      const body = new ReadableStream({
        pull(controller) {
          sent += 16_384
          controller.enqueue(new Uint8Array(16_384))
        },
      })
      const headers = { origin: ORIGIN, 'content-type': 'text/plain' }
      const request = new Request('https://relay.example/v1/e', {
        method: 'POST',
        body,
        headers,
        duplex: 'half',
      } as RequestInit)
      expect((await relay.fetch(request)).status).toBe(413)
      expect(sent).toBeLessThan(200_000)
    })
  })

  it('T8 SSRF: no address that is sent is asked, and no redirect of Microsoft is followed', async () => {
    const asked: string[] = []
    const outbox = memoryOutbox()
    const made = createRelay({
      tags: [TAG],
      outbox,
      fetch: async (request) => {
        asked.push(request.url)
        return new Response(null, { status: 307, headers: { location: 'http://169.254.169.254/latest/meta-data' } })
      },
    })
    const event = browserEvent({
      time: Date.now(),
      page: { url: 'http://169.254.169.254/', referrer: 'http://localhost:22/' },
    })
    const headers = { origin: ORIGIN, 'content-type': 'text/plain' }
    await made.fetch(
      new Request('https://relay.example/v1/e', { method: 'POST', headers, body: JSON.stringify(browserBody(event)) }),
    )
    await expect.poll(() => asked.length).toBeGreaterThan(0)
    await made.close()
    expect(new Set(asked)).toEqual(new Set(['https://capi.uet.microsoft.com/v1/97247724/events']))
  })

  it('T10 forged X-Forwarded-For: without a trusted proxy the peer counts', async () => {
    relay = testRelay()
    await relay.post('/v1/e', browserBody(browserEvent()), { 'x-forwarded-for': '1.1.1.1', forwarded: 'for=1.1.1.1' })
    expect((await relay.waiting())[0]!.userData.clientIpAddress).toBe('203.0.113.7')
    expect(relay.reports).toContainEqual(expect.objectContaining({ kind: 'request', untrustedProxy: true }))
    await relay.close()
    relay = testRelay({ trustProxy: 1 })
    await relay.post('/v1/e', browserBody(browserEvent()), { 'x-forwarded-for': '1.1.1.1, 198.51.100.9' })
    expect((await relay.waiting())[0]!.userData.clientIpAddress).toBe('198.51.100.9')
  })

  it('T11 token leak: no error, option dump or report shows a secret', async () => {
    const messages: string[] = []
    for (const wrong of [{ token: '' }, { token: 7 }, { serverKey: 7 }, { origins: ['*'] }]) {
      try {
        testRelay({ tag: { ...wrong } as object })
      } catch (error) {
        messages.push(inspect(error, { depth: 9 }))
      }
    }
    expect(messages).toHaveLength(4)
    relay = testRelay()
    await relay.post('/v1/e', browserBody(browserEvent(), { type: 'x' }))
    await relay.post('/v1/track', {}, { authorization: 'Basic c4nary' })
    expect(inspect([relay.reports, messages], { depth: 9 })).not.toContain('c4nary')
    expect(inspect(await relay.waiting(), { depth: 9 })).not.toContain('c4nary')
  })

  it.each([
    ['__proto__ of the body', `{"__proto__":{"key":"pk_shop"},"v":1,"key":"pk_shop","events":[EVENT]}`, 202],
    ['__proto__ of an event', `{"v":1,"key":"pk_shop","events":[{"__proto__":EVENT}]}`, 400],
    [
      '__proto__ of properties',
      `{"v":1,"key":"pk_shop","events":[{"properties":{"__proto__":{"polluted":1}},"type":"track"}]}`,
      400,
    ],
    [
      'constructor',
      `{"v":1,"key":"pk_shop","events":[{"properties":{"constructor":{"prototype":{"polluted":1}}},"type":"track"}]}`,
      400,
    ],
    ['a key named like a method', `{"v":1,"key":"toString","events":[EVENT]}`, 401],
    ['events with a prototype', `{"v":1,"key":"pk_shop","events":{"__proto__":[EVENT]}}`, 400],
  ])('T12 prototype pollution: %s', async (_, body, status) => {
    relay = testRelay()
    expect((await relay.post('/v1/e', body.replace('EVENT', JSON.stringify(browserEvent())))).status).toBe(status)
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
    expect(Object.getPrototypeOf({})).toBe(Object.prototype)
  })

  it('T13 injection: no control character or text direction gets further', async () => {
    relay = testRelay()
    const nasty = 'Order\r\n{"level":60}\u001b[2J\u202eCompleted'
    await relay.post(
      '/v1/e',
      browserBody(
        browserEvent({ name: nasty, conversion: undefined, page: { url: 'https://shop.example/', title: nasty } }),
      ),
    )
    const [event] = await relay.waiting()
    expect(event!.customData?.eventLabel).toBe('Order{"level":60}[2JCompleted')
    expect(event!.pageTitle).toBe('Order{"level":60}[2JCompleted')
    const { json } = await relay.post('/v1/e', browserBody(browserEvent({ id: 'a\nb' })))
    expect(json.rejected[0].message).toBe('id: holds control characters')
  })

  it('T14 what Microsoft answers reaches no sender, and no answer loses an event', async () => {
    const outbox = memoryOutbox()
    const evil = '<script>c4nary</script>'
    const made = createRelay({ tags: [TAG], outbox, fetch: async () => new Response(evil, { status: 200 }) })
    const headers = { origin: ORIGIN, 'content-type': 'text/plain' }
    const post = () =>
      made.fetch(
        new Request('https://relay.example/v1/e', {
          method: 'POST',
          headers,
          body: JSON.stringify(browserBody(browserEvent({ time: Date.now() }))),
        }),
      )
    const answers = [await (await post()).text()]
    await expect.poll(() => made.courier.lanes()[0]?.paused?.reason).toBe('not-json')
    answers.push(await (await post()).text())
    expect(answers.join()).not.toContain('c4nary')
    expect(await outbox.counts()).toMatchObject([{ accepted: 2, delivered: 0, dead: 0 }])
    await made.close()
  })

  describe('T15 only the routes that exist, only by their method', () => {
    const methods = ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
    const doors = ['/v1/e', '/v1/server', '/v1/batch', '/v1/track', '/v1/page', '/v1/identify', '/v1/amplitude']
    it.each(doors.flatMap((path) => methods.map((method) => [method, path])))(
      '%s %s is refused',
      async (method, path) => {
        relay = testRelay()
        const answer = await relay.fetch(new Request(`https://relay.example${path}`, { method: method! }))
        expect([answer.status, answer.headers.get('allow'), await answer.text()]).toEqual([405, 'POST', ''])
      },
    )

    it.each([
      '/',
      '/v1',
      '/v1/',
      '/v1/e/',
      '/v1/E',
      '//v1/e',
      '/v1/e%2f',
      '/metrics',
      '/livez',
      '/readyz',
      '/config',
      '/.git/config',
      '/v1/../v1/e/x',
    ])('%s is not found', async (path) => {
      relay = testRelay()
      const answer = await relay.post(path, browserBody(browserEvent()))
      expect([answer.status, answer.json]).toEqual([404, undefined])
    })

    it('takes no notice of the Host header and the query', async () => {
      relay = testRelay()
      expect(
        (await relay.post('/v1/e?key=x&debug=1', browserBody(browserEvent()), { host: 'evil.example' })).status,
      ).toBe(202)
    })
  })

  it('T17 supply chain: nothing runs at installation, versions are exact, and every package has its checksum', () => {
    const manifest = JSON.parse(readFileSync('package.json', 'utf8'))
    expect(Object.keys(manifest.scripts).filter((name) => /^(pre|post)?(install|prepare)/.test(name))).toEqual([])
    for (const version of Object.values(manifest.dependencies)) expect(version).toMatch(/^\d+\.\d+\.\d+$/)
    expect(manifest.peerDependenciesMeta.pg.optional).toBe(true)
    const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'))
    const unchecked = Object.entries<{ integrity?: string; link?: boolean; inBundle?: boolean }>(packages)
      .filter(([path, { integrity, link, inBundle }]) => path && !integrity && !link && !inBundle)
      .map(([path]) => path)
    expect(unchecked).toEqual([])
  })

  it.each<[string, Record<string, string>, number]>([
    ["another site's page", { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }, 403],
    ['another site that hides', { origin: 'null', 'sec-fetch-site': 'cross-site' }, 403],
    [
      'a form of another site',
      { origin: 'https://evil.example', 'content-type': 'application/x-www-form-urlencoded' },
      415,
    ],
    ['a subdomain that is not listed', { origin: 'https://blog.shop.example', 'sec-fetch-site': 'same-site' }, 403],
    ['the site itself, which hides', { origin: 'null', 'sec-fetch-site': 'same-origin', host: 'shop.example' }, 202],
    [
      'another site on the same relay, which hides',
      { origin: 'null', 'sec-fetch-site': 'same-origin', host: 'evil.example' },
      403,
    ],
  ])('T18 forced beacons: %s', async (_, headers, status) => {
    relay = testRelay()
    expect((await relay.post('/v1/e', browserBody(browserEvent()), headers)).status).toBe(status)
  })

  it.each([
    ['spaces', ' '],
    ['dots', '.'],
    ['dashes', '-'],
    ['digits', '1'],
    ['separators', '1,'],
    ['at signs', 'a@'],
    ['colons', ':'],
    ['slashes', '/'],
    ['percent signs', '%41'],
    ['letters', 'ab'],
  ])('T19 slow patterns: the longest text of %s in every field gets its answer', async (_, part) => {
    relay = testRelay({ tag: { consent: { assume: 'granted' } } })
    const long = part.repeat(500 / part.length)
    const longer = part.repeat(8_000 / part.length)
    const user = Object.fromEntries(
      [
        'anonymousId',
        'externalId',
        'em',
        'ph',
        'msclkid',
        'userId',
        'email',
        'phone',
        'idfa',
        'gaid',
        'ipAddress',
        'userAgent',
      ].map((key) => [key, long]),
    )
    const properties = Object.fromEntries(
      ['revenue', 'currency', 'category', 'order_id', 'query', 'total', 'value', 'email'].map((key) => [key, longer]),
    )
    const event = browserEvent({
      name: `E${long}`,
      page: { url: `https://x/${longer.slice(0, 4_000)}`, referrer: long, title: longer },
      user,
      properties,
      conversion: undefined,
    })
    const body = browserBody({ ...event, user: { ...user, anonymousId: 'visitor' } })
    expect((await relay.post('/v1/server', body, await signed(body))).status).toBe(202)
    const headers = {
      'x-forwarded-for': long.slice(0, 400),
      forwarded: long.slice(0, 400),
      'content-type': 'text/plain',
    }
    expect((await relay.post('/v1/e', browserBody({ ...event, id: long }), headers)).status).toBeLessThan(500)
    const message = {
      messageId: 'm',
      event: long,
      anonymousId: 'a',
      properties,
      timestamp: long,
      context: { ip: long, page: { url: longer, search: longer } },
    }
    expect((await relay.post('/v1/track', message, basic)).status).toBeLessThan(500)
  })
})
