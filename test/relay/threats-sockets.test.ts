import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningRelay, startRelay } from '../../src/relay/node.ts'
import { createFakeCapi } from '../../src/testing/fake-capi.ts'
import { browserBody, browserEvent, ORIGIN, SERVER_KEY } from '../support/relay.ts'
import { type Served, serveFetch } from '../support/serve.ts'

const TOKEN = '3f0c2b1e-0000-4000-8000-c4nary000001'
const folder = mkdtempSync(join(tmpdir(), 'uetkit-threats-'))
const capi = createFakeCapi({ tags: { '97247724': TOKEN } })
const logged: string[] = []
let upstream: Served
let running: RunningRelay

const start = async () => {
  running = await startRelay(
    {
      port: 0,
      host: '127.0.0.1',
      adminPort: 0,
      outbox: 'sqlite:./data/relay.db',
      capi: { url: upstream.url },
      tags: [
        {
          id: '97247724',
          token: 'env:TOKEN',
          key: 'pk_shop',
          serverKey: 'env:SERVER',
          origins: [ORIGIN],
          consent: { assume: 'granted' },
        },
      ],
    },
    {
      env: { TOKEN, SERVER: SERVER_KEY },
      baseDir: folder,
      log: pino({ level: 'trace' }, { write: (line) => void logged.push(line) }),
    },
  )
}

beforeAll(async () => {
  upstream = await serveFetch(capi.fetch)
  await start()
})
afterAll(async () => {
  await running.close()
  upstream.close()
  rmSync(folder, { recursive: true })
})

/** Speaks to the relay in raw bytes; resolves with what came until the connection ended. */
function speak(...parts: string[]): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(running.url).port), '127.0.0.1')
    let answer = ''
    socket.on('data', (chunk) => (answer += chunk))
    socket.on('error', () => {})
    socket.on('close', () => resolve(answer))
    for (const part of parts) socket.write(part)
  })
}
/** 0 = the connection ended without an answer. */
const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0)
const lines = (...all: string[]) => all.join('\r\n')

const post = (body: unknown, headers: Record<string, string> = {}, path = '/v1/e') =>
  fetch(running.url + path, {
    method: 'POST',
    headers: { origin: ORIGIN, 'content-type': 'text/plain', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })

describe('threats, over sockets', () => {
  it.each([
    ['both lengths', lines('Content-Length: 5', 'Transfer-Encoding: chunked', '', '0', '', '')],
    ['two lengths', lines('Content-Length: 5', 'Content-Length: 6', '', 'hello')],
    ['a length that is none', lines('Content-Length: -5', '', 'hello')],
    ['a broken chunk', lines('Transfer-Encoding: chunked', '', 'zz', 'hello', '')],
    ['a folded header', lines('X-A: b', ' c', 'Content-Length: 0', '', '')],
    ['a bare line feed', 'Content-Length: 5\n\nhello'],
    ['a control character in a header', lines('X-A: a\u0000b', 'Content-Length: 0', '', '')],
    ['headers of 20 KB', lines(`X-A: ${'a'.repeat(20_000)}`, 'Content-Length: 0', '', '')],
  ])('T7 smuggling: %s ends the connection', async (_, rest) => {
    const answer = await speak(`POST /v1/e HTTP/1.1\r\nHost: x\r\nConnection: close\r\nOrigin: ${ORIGIN}\r\n${rest}`)
    expect([400, 403, 408, 415, 431]).toContain(statusOf(answer))
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1)
  })

  it('T7 slow clients: one that never ends its headers is cut off, and the others are served', async () => {
    const slow = Array.from({ length: 20 }, () => speak('POST /v1/e HTTP/1.1\r\nHost: x\r\nX-A: '))
    expect((await post(browserBody(browserEvent({ time: Date.now() })))).status).toBe(202)
    for (const answer of await Promise.all(slow)) expect([408, 0]).toContain(statusOf(answer))
  }, 20_000)

  it.each([
    ['TRACE', 'TRACE /v1/e HTTP/1.1', [400, 404, 405]],
    ['CONNECT', 'CONNECT evil.example:443 HTTP/1.1', [0, 400, 404, 405]],
    ['an unknown method', 'BREW /v1/e HTTP/1.1', [400, 405]],
    ['another address', 'POST http://evil.example/v1/e HTTP/1.1', [403, 415]],
    ['a path that climbs', 'GET /../../etc/passwd HTTP/1.1', [400, 404]],
    ['HTTP/2 without asking', 'PRI * HTTP/2.0', [400, 0]],
  ])('T15 %s is not served', async (_, line, allowed) => {
    const answer = await speak(`${line}\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
    expect(allowed).toContain(statusOf(answer))
    expect(answer).not.toContain('root:')
  })

  it('T16 operators have a listener of their own, on this machine only', async () => {
    expect(new URL(running.adminUrl).hostname).toBe('127.0.0.1')
    for (const path of ['/metrics', '/livez', '/readyz']) {
      expect((await fetch(running.url + path)).status).toBe(404)
      expect((await fetch(running.adminUrl + path)).status).toBe(200)
    }
    expect((await fetch(`${running.adminUrl}/v1/e`, { method: 'POST' })).status).toBe(404)
  })

  it('T9 personal data: nothing of a visitor is in a log line, a metric or an answer', async () => {
    const personal = {
      name: 'c4nary event',
      page: {
        url: 'https://shop.example/c4nary?email=c4nary@example.com',
        referrer: 'https://c4nary.example/',
        title: 'c4nary',
      },
      properties: { revenue: 1, note: 'c4nary' },
      user: { anonymousId: 'c4nary-visitor', email: 'c4nary@example.com', phone: '+14255550199', userId: 'c4nary' },
      conversion: undefined,
    }
    const event = (fields = {}) => browserEvent({ ...personal, time: Date.now(), ...fields })
    const basic = { authorization: `Basic ${btoa(`${SERVER_KEY}:`)}` }
    const headers = {
      'user-agent': 'c4nary-agent',
      'x-forwarded-for': '198.51.100.77',
      referer: 'https://c4nary.example/',
    }
    capi.inject({
      kind: 'status',
      status: 400,
      body: '{"error":{"code":"ValidationError","details":[{"index":0,"isWarning":false,"propertyName":"data[0].userData.em","attemptedValue":"c4nary","errorMessage":"c4nary","errorCode":"InvalidSha256"}]}}',
    })
    const answers = await Promise.all(
      [
        post(browserBody(event()), headers),
        post(browserBody(event({ type: 'c4nary' })), headers),
        post(browserBody(event({ consent: 'denied' })), headers),
        post('{"c4nary', headers),
        post({ v: 1, key: 'c4nary', events: [1] }, headers),
        post(browserBody(event()), { ...headers, origin: 'https://c4nary.example' }),
        post(
          { anonymousId: 'c4nary', event: 'c4nary', context: { traits: { email: 'c4nary@example.com' } } },
          { ...basic, ...headers },
          '/v1/track',
        ),
        post({}, { authorization: 'Bearer c4nary' }, '/v1/amplitude'),
        post('{}', {}, '/c4nary'),
      ].map(async (answer) => (await answer).text()),
    )
    await expect
      .poll(async () => (await running.outbox.counts()).some(({ dead }) => dead > 0), { timeout: 5_000 })
      .toBe(true)
    const metrics = await (await fetch(`${running.adminUrl}/metrics`)).text()
    expect(logged.length).toBeGreaterThan(5)
    const told = [...logged, ...answers, metrics].join('\n')
    expect(told).not.toMatch(/c4nary|198\.51\.100\.77|14255550199/i)
    expect(metrics).toContain('relay_dead_total{tag="97247724",reason="InvalidSha256: userData.em"} 1')
  })

  it('T13 injection: every log line is one JSON document', () => {
    for (const line of logged) {
      expect(line.match(/\n/g)).toHaveLength(1)
      expect(JSON.parse(line)).toMatchObject({ level: expect.any(Number) })
    }
  })

  it.skipIf(process.platform === 'win32')('T20 storage: nobody else may read the store', () => {
    expect(statSync(join(folder, 'data')).mode & 0o777).toBe(0o700)
    for (const name of readdirSync(join(folder, 'data'))) {
      expect([name, statSync(join(folder, 'data', name)).mode & 0o777]).toEqual([name, 0o600])
    }
  })

  it('T20 storage: what is delivered is erased', async () => {
    const mark = 'erased-c4nary-4711'
    await post(browserBody(browserEvent({ id: 'erase-me', time: Date.now(), user: { anonymousId: mark } })))
    await expect.poll(() => capi.oracle.timesAccepted('erase-me'), { timeout: 10_000 }).toBe(1)
    await expect.poll(async () => (await running.outbox.counts())[0]?.waiting).toBe(0)
    await running.close()
    const left = readdirSync(join(folder, 'data')).filter((name) =>
      readFileSync(join(folder, 'data', name)).includes(mark),
    )
    expect(left).toEqual([])
    await start()
  })
})
