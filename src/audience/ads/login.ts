import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as oauth from 'openid-client'
import { AudienceError } from '../errors.ts'
import type { Runtime } from '../runtime.ts'
import { type AppCredentials, oauthClient, oauthProblem } from './auth.ts'
import type { Endpoints } from './endpoints.ts'
import type { TokenStore } from './token-store.ts'

export interface LoginOptions {
  app: AppCredentials
  endpoints: Endpoints
  store: TokenStore
  runtime: Runtime
  /** A fixed port, where the app registration names one. Any free port by default. */
  port?: number | undefined
  /** The address that the person has to open. */
  onAddress(url: string): void
  /** How long to wait for the person, in milliseconds. 5 minutes by default. */
  patienceMs?: number
}

const PATIENCE_MS = 300_000

const page = (text: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>uetkit</title><p>${text} You can close this window.`

/**
 * Signs a person in: authorization code with PKCE, the answer caught on a loopback port, the refresh token stored.
 * https://learn.microsoft.com/en-us/advertising/guides/authentication-oauth-get-tokens and RFC 8252, 7.3
 */
export async function signInByBrowser(options: LoginOptions): Promise<void> {
  const { app, endpoints, store, runtime, onAddress, port = 0, patienceMs = PATIENCE_MS } = options
  const config = oauthClient(app, endpoints, runtime)
  const pkceCodeVerifier = oauth.randomPKCECodeVerifier()
  const expectedState = oauth.randomState()
  const challenge = await oauth.calculatePKCECodeChallenge(pkceCodeVerifier)

  const exchange = async (callback: URL): Promise<void> => {
    const tokens = await oauth.authorizationCodeGrant(config, callback, { pkceCodeVerifier, expectedState })
    if (!tokens.refresh_token)
      throw new AudienceError(
        'sign_in',
        'Sign-in: the answer has no refresh token. Allow the app to act while you are away, and try again.',
      )
    store.write(tokens.refresh_token)
  }

  let finish: (error?: unknown) => void = () => {}
  const finished = new Promise<void>((resolve, reject) => {
    finish = (error) => (error === undefined ? resolve() : reject(error))
  })
  const listener: RequestListener = async (request, response) => {
    const url = new URL(request.url ?? '/', redirectUri)
    const answer = (status: number, text: string) =>
      response
        .writeHead(status, {
          'Content-Type': 'text/html; charset=utf-8',
          'Content-Security-Policy': "default-src 'none'",
          Connection: 'close',
        })
        .end(page(text))
    // Browsers ask for an icon, and other programs may knock; only an answer to our own question counts.
    if (url.pathname !== '/' || url.searchParams.get('state') !== expectedState) return answer(404, 'Nothing here.')
    try {
      await exchange(url)
      answer(200, 'Signed in.')
      finish()
    } catch (error) {
      answer(400, 'The sign-in failed; the terminal says why.')
      finish(error)
    }
  }

  const servers = await listen(listener, port)
  const redirectUri = `http://localhost:${(servers[0]!.address() as AddressInfo).port}/`
  const tooLate = () =>
    finish(
      new AudienceError('sign_in', 'Sign-in: nobody signed in within five minutes. Run "uetkit audience login" again.'),
    )
  const timer = setTimeout(tooLate, patienceMs)
  const stop = () => finish(new AudienceError('aborted', 'Sign-in: stopped.'))
  runtime.signal?.addEventListener('abort', stop)
  try {
    const address = oauth.buildAuthorizationUrl(config, {
      redirect_uri: redirectUri,
      scope: endpoints.scope,
      state: expectedState,
      code_challenge: challenge,
      code_challenge_method: 'S256',
      ...(app.identityProvider === 'Google'
        ? { access_type: 'offline', prompt: 'consent' }
        : { response_mode: 'query', prompt: 'select_account' }),
    })
    onAddress(address.href)
    await finished
  } catch (error) {
    throw error instanceof AudienceError ? error : (oauthProblem(error) ?? unexpected(error))
  } finally {
    clearTimeout(timer)
    runtime.signal?.removeEventListener('abort', stop)
    for (const server of servers) server.close()
  }
}

const unexpected = (error: unknown): AudienceError =>
  new AudienceError(
    'network',
    'Sign-in: the sign-in service cannot be reached, or gave an answer that is none. Try again.',
    { cause: error },
  )

/** On both loopback addresses where there are two, as `localhost` can mean either. */
async function listen(listener: RequestListener, port: number): Promise<Server[]> {
  const first = await listenOn('127.0.0.1', port, listener)
  const taken = (first.address() as AddressInfo).port
  const second = await listenOn('::1', taken, listener).catch(() => undefined)
  return second ? [first, second] : [first]
}

function listenOn(host: string, port: number, listener: RequestListener): Promise<Server> {
  const server = createServer(listener)
  return new Promise((resolve, reject) => {
    server.once('error', ({ code }: NodeJS.ErrnoException) =>
      reject(
        new AudienceError(
          'usage',
          `Sign-in: cannot listen on ${host}, port ${port} (${code}). Choose another with --port.`,
        ),
      ),
    )
    server.listen(port, host, () => resolve(server))
  })
}
