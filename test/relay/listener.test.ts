import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createListener } from '../../src/relay/listener.ts'
import { browserBody, browserEvent, ORIGIN, type TestRelay, testRelay } from '../support/relay.ts'

let relay: TestRelay
let server: Server
let url: string

beforeEach(async () => {
  relay = testRelay()
  server = createServer(createListener(relay))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(async () => {
  server.closeAllConnections()
  server.close()
  await relay.close()
})

const HEADERS = { origin: ORIGIN, 'content-type': 'text/plain' }
const post = (body: BodyInit, path = '/v1/e') =>
  fetch(url + path, { method: 'POST', headers: HEADERS, body, duplex: 'half' } as RequestInit)
const head = (...more: string[]) =>
  ['POST /v1/e HTTP/1.1', 'Host: x', `Origin: ${ORIGIN}`, 'Content-Type: text/plain', ...more, '', ''].join('\r\n')

describe('createListener', () => {
  it.each(['/v1/e', '/v1/e?by=the+common+way'])('answers %s as fetch does', async (path) => {
    const answer = await post(JSON.stringify(browserBody(browserEvent(), { type: 'x' })), path)
    expect([answer.status, await answer.json()]).toEqual([
      202,
      { accepted: 1, rejected: [expect.objectContaining({ index: 1 })] },
    ])
    expect(answer.headers.get('access-control-allow-origin')).toBe(ORIGIN)
    expect(answer.headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'")
    expect((await relay.waiting())[0]!.userData.clientIpAddress).toBe('127.0.0.1')
  })

  it('reads a body that comes in pieces, without a length', async () => {
    const pieces = JSON.stringify(browserBody(browserEvent())).match(/.{1,40}/gs)!
    const body = new ReadableStream({
      pull: (controller) =>
        pieces.length ? controller.enqueue(new TextEncoder().encode(pieces.shift())) : controller.close(),
    })
    expect((await post(body)).status).toBe(202)
  })

  it.each([
    ['stated', 'Content-Length: 70000', ''],
    ['not stated', 'Transfer-Encoding: chunked', `11171\r\n${'x'.repeat(70_001)}\r\n`],
  ])('refuses a body that is too large, its length %s, and ends the connection', async (_, length, body) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    const answer = await new Promise<string>((resolve) => {
      let text = ''
      socket.on('data', (chunk) => (text += chunk))
      socket.on('error', () => {})
      socket.on('close', () => resolve(text))
      socket.write(head(length) + body)
    })
    expect(answer).toMatch(/^HTTP\/1\.1 413 /)
  })

  it('lets go of a client that leaves in the middle of its body', async () => {
    const socket: Socket = connect(Number(new URL(url).port), '127.0.0.1')
    await new Promise<void>((done) => socket.write(`${head('Content-Length: 100')}{"v":1`, () => done()))
    socket.destroy()
    await expect
      .poll(() => relay.reports.map((report) => ('code' in report ? report.code : '')))
      .toContain('incomplete_body')
    expect((await post(JSON.stringify(browserBody(browserEvent())))).status).toBe(202)
  })

  it('keeps a connection over refusals', async () => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    let text = ''
    socket.on('data', (chunk) => (text += chunk))
    const body = JSON.stringify({ v: 1, key: 'nope', events: [1] })
    for (let time = 1; time <= 3; time++) {
      socket.write(head(`Content-Length: ${body.length}`) + body)
      await expect.poll(() => text.match(/HTTP\/1\.1 401/g)?.length).toBe(time)
    }
    socket.destroy()
  })
})
