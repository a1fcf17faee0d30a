import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type RunningRelay, startRelay } from '../../src/relay/node.ts'
import { createFakeCapi, type FakeCapi } from '../../src/testing/fake-capi.ts'
import { browserBody, browserEvent, ORIGIN } from '../support/relay.ts'
import { type Served, serveFetch } from '../support/serve.ts'

const TOKEN = '3f0c2b1e-0000-4000-8000-c4nary000001'
const silent = { debug() {}, info() {}, warn() {}, error() {} }

let folder: string
let capi: FakeCapi
let upstream: Served
let running: RunningRelay

const start = async (more: object = {}, env: Record<string, string | undefined> = {}) => {
  running = await startRelay(
    {
      port: 0,
      host: '127.0.0.1',
      adminPort: 0,
      capi: { url: upstream.url },
      tags: [{ id: '97247724', token: 'env:TOKEN', key: 'pk_shop', origins: [ORIGIN] }],
      ...more,
    },
    { env: { TOKEN, ...env }, baseDir: folder, log: silent },
  )
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'uetkit-relay-'))
  capi = createFakeCapi({ tags: { '97247724': TOKEN } })
  upstream = await serveFetch(capi.fetch)
})
afterEach(async () => {
  await running.close()
  upstream.close()
  rmSync(folder, { recursive: true })
})

const send = (...events: unknown[]) =>
  fetch(`${running.url}/v1/e`, {
    method: 'POST',
    headers: { origin: ORIGIN, 'content-type': 'text/plain;charset=UTF-8' },
    body: JSON.stringify({ ...browserBody(...events), sentAt: Date.now() }),
  })
const fresh = (id: string) => browserEvent({ id, time: Date.now() })

describe('startRelay', () => {
  it('brings what a browser sends to the Conversions API', async () => {
    await start()
    const answer = await send(fresh('order-1'))
    expect([answer.status, await answer.json()]).toEqual([202, { accepted: 1, rejected: [] }])
    await expect.poll(() => capi.oracle.accepted).toHaveLength(1)
    expect(capi.oracle.accepted[0]).toMatchObject({
      tagId: '97247724',
      consent: 'granted',
      event: { eventId: 'order-1', eventName: 'track', userData: { clientIpAddress: '127.0.0.1' } },
    })
  })

  it('keeps what Microsoft does not take yet, and delivers it after a restart', async () => {
    capi.inject({ kind: 'status', status: 503 }, 1_000)
    await start()
    await send(fresh('order-2'))
    await expect.poll(() => capi.requests.length).toBeGreaterThan(0)
    await running.close()
    capi.heal()
    await start()
    await expect.poll(() => capi.oracle.ids(), { timeout: 8_000 }).toEqual(['order-2'])
  })

  it('answers operators on a listener of their own', async () => {
    await start()
    await send(fresh('order-3'))
    await expect.poll(() => capi.oracle.total).toBe(1)
    const admin = async (path: string, method = 'GET') => fetch(`${running.adminUrl}${path}`, { method })
    expect(running.adminUrl).toMatch(/^http:\/\/127\.0\.0\.1:/)
    expect(await (await admin('/livez')).json()).toEqual({ status: 'ok' })
    expect(await (await admin('/readyz')).json()).toEqual({ status: 'ok' })
    const metrics = await admin('/metrics')
    expect(metrics.headers.get('content-type')).toMatch(/^text\/plain/)
    const text = await metrics.text()
    expect(text).toContain('relay_events_accepted_total{door="browser",tag="97247724"} 1')
    expect(text).toContain('relay_books_difference{tag="97247724"} 0')
    expect(text).toContain('relay_outbox_writable 1')
    expect((await admin('/livez', 'POST')).status).toBe(405)
    expect((await admin('/v1/e')).status).toBe(404)
    for (const path of ['/', '/retry', '/livez', '/readyz', '/metrics'])
      expect((await fetch(running.url + path)).status).toBe(404)
  })

  it.each([
    ['without a token in the configuration', undefined, 'admin-secret', 'refused'],
    ['with a wrong one', 'admin-secret', 'a-guess', 'refused'],
    ['with none', 'admin-secret', '', 'refused'],
    ['with the right one', 'admin-secret', 'admin-secret', 'done'],
  ])('retries dead letters from the page %s: %s, %s → %s', async (_, configured, given, result) => {
    const details = [{ index: 0, propertyName: 'data[0]', errorMessage: 'no', errorCode: 'Empty', isWarning: false }]
    const body = JSON.stringify({ error: { code: 'ValidationError', message: 'no', details } })
    capi.inject({ kind: 'status', status: 400, body, headers: { 'content-type': 'application/json' } }, 1_000)
    await start(configured === undefined ? {} : { adminToken: 'env:ADMIN' }, { ADMIN: configured })
    await send(fresh('order-7'))
    await expect.poll(async () => (await running.outbox.counts())[0]?.dead).toBe(1)
    capi.heal()
    const answer = await fetch(`${running.adminUrl}/retry`, {
      method: 'POST',
      body: new URLSearchParams({ token: given, ref: '*' }),
      redirect: 'manual',
    })
    expect([answer.status, answer.headers.get('location')]).toEqual([303, `/?retry=${result}`])
    const page = await (await fetch(`${running.adminUrl}/`)).text()
    expect(page).not.toContain('admin-secret')
    expect(page.includes('form="retry"')).toBe(configured !== undefined && result !== 'done')
    if (result === 'done') await expect.poll(() => capi.oracle.ids()).toEqual(['order-7'])
  })

  it('says that it is not ready, serves on, and then finishes what was begun', async () => {
    await start({ drainDelay: 300 })
    await send(fresh('order-4'))
    const closed = running.close()
    const ready = await fetch(`${running.adminUrl}/readyz`)
    expect([ready.status, await ready.json()]).toEqual([503, { status: 'failing', problem: 'the relay is stopping' }])
    expect((await send(fresh('order-5'))).status).toBe(202)
    await closed
    await expect(send(fresh('order-6'))).rejects.toThrow()
    await start()
    await expect.poll(() => capi.oracle.ids().sort()).toEqual(['order-4', 'order-5'])
    expect(capi.oracle.duplicates()).toEqual({})
  })

  it("fails with the system's error when a port is taken, and leaves nothing behind", async () => {
    await start()
    const port = Number(new URL(running.url).port)
    const second = startRelay(
      { port, host: '127.0.0.1', adminPort: 0, tags: [{ id: '111111', token: 'env:TOKEN' }] },
      { env: { TOKEN }, baseDir: join(folder, 'second'), log: silent },
    )
    await expect(second).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })
})
