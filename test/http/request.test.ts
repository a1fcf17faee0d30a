import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HttpError } from '../../src/http/errors.ts'
import { request } from '../../src/http/request.ts'

let server: Server
let base: string
const hits: string[] = []

beforeAll(async () => {
  server = createServer((incoming, answer) => {
    hits.push(`${incoming.method} ${incoming.url}`)
    if (incoming.url === '/redirect') answer.writeHead(302, { location: '/elsewhere' }).end()
    else if (incoming.url === '/hang') return
    else if (incoming.url === '/drip') answer.writeHead(200).write('a')
    else if (incoming.url === '/reset') incoming.socket.destroy()
    else if (incoming.url === '/large') answer.end('x'.repeat(2_000))
    else if (incoming.url === '/empty') answer.writeHead(204).end()
    else answer.writeHead(418, { 'retry-after': '7' }).end('grüße')
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const kindOf = async (promise: Promise<unknown>): Promise<HttpError> => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(HttpError)
  return error as HttpError
}

describe('request', () => {
  it('resolves for every status, with headers and text', async () => {
    const answer = await request(fetch, { url: `${base}/tea?x=1`, body: '{}', timeoutMs: 5_000 })
    expect(answer).toMatchObject({ status: 418, text: 'grüße' })
    expect(answer.headers.get('retry-after')).toBe('7')
    expect(hits).toContain('POST /tea?x=1')
  })

  it('reads an answer without a body', async () => {
    expect(await request(fetch, { method: 'GET', url: `${base}/empty`, timeoutMs: 5_000 })).toMatchObject({
      status: 204,
      text: '',
    })
  })

  it.each([
    ['/redirect', 'redirect'],
    ['/reset', 'network'],
    ['/hang', 'timeout'],
    ['/drip', 'timeout'],
    ['/large', 'too-large'],
  ])('%s fails as %s', async (path, kind) => {
    const timeoutMs = kind === 'timeout' ? 50 : 5_000
    const error = await kindOf(request(fetch, { url: `${base}${path}`, timeoutMs, maxBytes: 1_000 }))
    expect(error.kind).toBe(kind)
    expect(hits).not.toContain('POST /elsewhere')
  })

  it('gives up on a fetch that ignores its signal', async () => {
    const error = await kindOf(request(() => new Promise(() => {}), { url: base, timeoutMs: 10 }))
    expect(error.kind).toBe('timeout')
  })

  it.each(['before', 'during'])('stops when the caller aborts %s', async (when) => {
    const abort = new AbortController()
    if (when === 'before') abort.abort()
    const pending = kindOf(request(fetch, { url: `${base}/hang`, timeoutMs: 5_000, signal: abort.signal }))
    abort.abort()
    expect((await pending).kind).toBe('aborted')
  })

  it('asks nobody when it was aborted before', async () => {
    let asked = 0
    const count = async () => new Response(`${asked++}`)
    const signal = AbortSignal.abort()
    expect((await kindOf(request(count, { url: base, timeoutMs: 5_000, signal }))).kind).toBe('aborted')
    expect(asked).toBe(0)
  })

  it('says method, host and path, keeps the cause, and hides the query', async () => {
    const cause = new Error('boom')
    const error = await kindOf(
      request(() => Promise.reject(cause), {
        url: 'https://api.example/v1/x?token=secret',
        headers: { authorization: 'Bearer secret' },
        timeoutMs: 100,
      }),
    )
    expect(error.message).toContain('POST api.example/v1/x: ')
    expect(error.message).not.toContain('secret')
    expect(error.cause).toBe(cause)
  })

  it('fails as network for what is no URL', async () => {
    expect((await kindOf(request(fetch, { url: 'nonsense', timeoutMs: 100 }))).kind).toBe('network')
  })
})
