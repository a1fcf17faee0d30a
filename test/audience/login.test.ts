import { readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { defaultEndpoints } from '../../src/audience/ads/endpoints.ts'
import { type LoginOptions, signInByBrowser } from '../../src/audience/ads/login.ts'
import { fileTokenStore } from '../../src/audience/ads/token-store.ts'
import { systemRuntime } from '../../src/audience/runtime.ts'
import { type FakeServer, fakeServer } from './support/fake-server.ts'
import { scratch } from './support/scratch.ts'

let server: FakeServer
const directories: string[] = []
beforeAll(async () => {
  server = await fakeServer()
})
afterAll(() => server.close())
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true })
  Object.assign(server.fake.options, { denyConsent: false, clientSecret: 'client-secret' })
})

/** What a browser does with the address: it follows every redirect and shows the last page. */
const browse = (url: string) =>
  fetch(url).then(async (response) => ({ status: response.status, text: await response.text() }))

function options(over: Partial<LoginOptions> = {}): LoginOptions & { path: string } {
  const directory = scratch()
  directories.push(directory)
  const path = join(directory, 'data', 'token.json')
  const { clientId, clientSecret } = server.fake.credentials
  return {
    path,
    app: { clientId, clientSecret, identityProvider: 'Microsoft' },
    endpoints: { ...defaultEndpoints(false, 'Microsoft'), ...server.fake.endpoints(server.origin) },
    store: fileTokenStore(path),
    runtime: systemRuntime(),
    onAddress: () => {},
    ...over,
  }
}

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (reason: unknown) => reason as Error & { code: string },
  )

describe('signInByBrowser', () => {
  it('signs in with PKCE over a loopback port and stores the token for its owner only', async () => {
    let page: Promise<{ status: number; text: string }> | undefined
    let address = ''
    const given = options({
      onAddress: (url) => {
        address = url
        page = browse(url)
      },
    })
    await signInByBrowser(given)
    expect(await page).toMatchObject({ status: 200, text: expect.stringContaining('Signed in.') })
    const query = new URL(address).searchParams
    expect(Object.fromEntries(query)).toMatchObject({
      scope: 'https://ads.microsoft.com/msads.manage offline_access',
      code_challenge_method: 'S256',
      response_mode: 'query',
      redirect_uri: expect.stringMatching(/^http:\/\/localhost:\d+\/$/),
    })
    expect(JSON.parse(readFileSync(given.path, 'utf8'))).toEqual({ refreshToken: expect.stringMatching(/^0\.AX_/) })
    if (process.platform !== 'win32') expect(statSync(given.path).mode & 0o777).toBe(0o600)
    await expect(fetch(query.get('redirect_uri')!)).rejects.toThrow()
  })

  it('signs in with Google', async () => {
    const given = options({ onAddress: browse })
    given.app = { ...given.app, identityProvider: 'Google' }
    given.endpoints = {
      ...defaultEndpoints(false, 'Google'),
      authorize: `${server.origin}/o/oauth2/v2/auth`,
      token: `${server.origin}/token`,
    }
    await signInByBrowser(given)
    expect(given.store.read()).toMatch(/^0\.AX_/)
  })

  it('ignores whoever else knocks', async () => {
    const answers: number[] = []
    const given = options({
      onAddress: async (url) => {
        const local = new URL(url).searchParams.get('redirect_uri')!
        for (const path of ['favicon.ico', '?code=x&state=forged', '?error=access_denied&state=forged', '']) {
          answers.push((await fetch(`${local}${path}`)).status)
        }
        await browse(url)
      },
    })
    await signInByBrowser(given)
    expect(answers).toEqual([404, 404, 404, 404])
    expect(given.store.read()).toMatch(/^0\.AX_/)
  })

  it.each<[string, object, RegExp]>([
    ['the person declines', { denyConsent: true }, /the person declined\. Run "uetkit audience login"/],
    ['the secret is wrong', { clientSecret: 'another' }, /client secret is wrong/],
  ])('says so when %s', async (_, change, message) => {
    Object.assign(server.fake.options, change)
    let page: Promise<{ status: number; text: string }> | undefined
    const given = options({
      onAddress: (url) => {
        page = browse(url)
      },
    })
    expect(await failure(signInByBrowser(given))).toMatchObject({
      code: 'sign_in',
      message: expect.stringMatching(message),
    })
    expect(await page).toMatchObject({ status: 400, text: expect.stringContaining('The sign-in failed') })
    expect(given.store.read()).toBeUndefined()
  })

  it('stops when nobody comes, when told to, and when the port is taken', async () => {
    expect(await failure(signInByBrowser(options({ patienceMs: 1 })))).toMatchObject({
      code: 'sign_in',
      message: expect.stringMatching(/nobody signed in/),
    })
    const abort = new AbortController()
    const stopped = signInByBrowser(
      options({ runtime: systemRuntime({ signal: abort.signal }), onAddress: () => abort.abort() }),
    )
    expect(await failure(stopped)).toMatchObject({ code: 'aborted' })
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const { port } = taken.address() as AddressInfo
    expect(await failure(signInByBrowser(options({ port })))).toMatchObject({
      code: 'usage',
      message: expect.stringMatching(/EADDRINUSE.*--port/),
    })
    taken.close()
  })
})
