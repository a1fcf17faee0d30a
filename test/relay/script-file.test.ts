import { gunzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { type TestRelay, testRelay } from '../support/relay.ts'

const SCRIPT = 'console.log("grüße")'.repeat(50)
let relay: TestRelay
afterEach(() => relay.close())

const FILES = { script: '/uetkit.min.js', inspector: '/uetkit-inspector.min.js' } as const

describe.each(Object.entries(FILES) as [keyof typeof FILES, string][])('the %s at GET %s', (option, path) => {
  const get = (headers: Record<string, string> = {}, method = 'GET') =>
    relay.fetch(new Request(`https://relay.example${path}`, { method, headers }))

  it('is served to every site, for an hour', async () => {
    relay = testRelay({ [option]: SCRIPT })
    const answer = await get()
    expect([answer.status, await answer.text()]).toEqual([200, SCRIPT])
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=3600',
      'cross-origin-resource-policy': 'cross-origin',
      vary: 'Accept-Encoding',
    })
  })

  it('packs it for those who understand', async () => {
    relay = testRelay({ [option]: SCRIPT })
    for (let time = 0; time < 2; time++) {
      const answer = await get({ 'accept-encoding': 'br, gzip' })
      expect(answer.headers.get('content-encoding')).toBe('gzip')
      expect(gunzipSync(await answer.arrayBuffer()).toString()).toBe(SCRIPT)
    }
  })

  it('does not send it again while a browser has it, and does after it changed', async () => {
    relay = testRelay({ [option]: SCRIPT })
    const etag = (await get()).headers.get('etag')!
    expect((await get({ 'if-none-match': `"other", ${etag}` })).status).toBe(304)
    await relay.close()
    relay = testRelay({ [option]: `${SCRIPT};` })
    expect((await get({ 'if-none-match': etag })).status).toBe(200)
  })

  it('answers HEAD without a body, and no other method', async () => {
    relay = testRelay({ [option]: SCRIPT })
    const head = await get({}, 'HEAD')
    expect([head.status, await head.text()]).toEqual([200, ''])
    expect((await get({}, 'POST')).status).toBe(405)
  })

  it('is not there without the build', async () => {
    // The other file's build does not stand in for it.
    relay = testRelay({ [option === 'script' ? 'inspector' : 'script']: SCRIPT })
    expect((await get()).status).toBe(404)
  })
})
