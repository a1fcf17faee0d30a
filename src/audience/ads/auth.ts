import * as oauth from 'openid-client'
import { backoffMs } from '../../http/retry.ts'
import { AudienceError } from '../errors.ts'
import { type Runtime, stopped } from '../runtime.ts'
import type { Endpoints, IdentityProvider } from './endpoints.ts'
import type { TokenStore } from './token-store.ts'

export interface AppCredentials {
  clientId: string
  /** Left out for an app registered as public. */
  clientSecret?: string | undefined
  identityProvider: IdentityProvider
}

export interface TokenSource {
  /** A token that is good for a minute or more. */
  accessToken(): Promise<string>
  /** Microsoft refused the token: the next one is a new one. */
  forget(accessToken: string): void
}

const ISSUER: Record<IdentityProvider, string> = {
  Microsoft: 'https://login.microsoftonline.com/common/v2.0',
  Google: 'https://accounts.google.com',
}
const LOGIN = 'Run "uetkit audience login".'
const TIMEOUT_S = 30
const ATTEMPTS = 5
const EARLY_MS = 60_000
const DEFAULT_LIFE_S = 3_600

/** The app as the OAuth library knows it. Plain HTTP is let through for loopback addresses only. */
export function oauthClient(app: AppCredentials, endpoints: Endpoints, { fetch }: Runtime): oauth.Configuration {
  const server = {
    issuer: ISSUER[app.identityProvider],
    authorization_endpoint: endpoints.authorize,
    token_endpoint: endpoints.token,
  }
  const secret = app.clientSecret
  const config = new oauth.Configuration(
    server,
    app.clientId,
    undefined,
    secret === undefined ? oauth.None() : oauth.ClientSecretPost(secret),
  )
  config.timeout = TIMEOUT_S
  config[oauth.customFetch] = (url, options) => fetch(new Request(url, options as RequestInit))
  if (/^http:\/\/(?:127\.0\.0\.1|localhost|\[::1\])[:/]/.test(endpoints.token)) oauth.allowInsecureRequests(config)
  return config
}

/** Access tokens from the stored refresh token, which is replaced on disk before its successor is used. */
export function tokenSource(
  app: AppCredentials,
  endpoints: Endpoints,
  store: TokenStore,
  runtime: Runtime,
): TokenSource {
  const config = oauthClient(app, endpoints, runtime)
  let current: { value: string; goodUntil: number } | undefined
  let refreshing: Promise<string> | undefined

  const refresh = async (): Promise<string> => {
    const refreshToken = store.read()
    if (!refreshToken) throw signIn(`no one has signed in yet: there is no refresh token in ${store.place}. ${LOGIN}`)
    const scope = app.identityProvider === 'Microsoft' ? { scope: endpoints.scope } : undefined
    const tokens = await withRetries(() => oauth.refreshTokenGrant(config, refreshToken, scope), runtime)
    if (tokens.refresh_token && tokens.refresh_token !== refreshToken) store.write(tokens.refresh_token)
    const life = (tokens.expires_in ?? DEFAULT_LIFE_S) * 1_000
    current = { value: tokens.access_token, goodUntil: runtime.now() + life - EARLY_MS }
    return current.value
  }

  return {
    accessToken: async () => {
      if (current && runtime.now() < current.goodUntil) return current.value
      refreshing ??= refresh().finally(() => {
        refreshing = undefined
      })
      return refreshing
    },
    forget: (accessToken) => {
      if (current?.value === accessToken) current = undefined
    },
  }
}

async function withRetries<T>(run: () => Promise<T>, runtime: Runtime): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await run()
    } catch (error) {
      if (runtime.signal?.aborted) throw stopped()
      const problem = oauthProblem(error)
      if (problem || attempt + 1 >= ATTEMPTS) throw problem ?? unreachable(error)
      await runtime.sleep(backoffMs(attempt, runtime.random()))
    }
  }
}

const signIn = (message: string): AudienceError =>
  new AudienceError('sign_in', `Sign-in to Microsoft Advertising: ${message}`)

const unreachable = (error: unknown): AudienceError => {
  const { status: own, cause } = error as { status?: number; cause?: { status?: number } }
  const status = own ?? cause?.status
  const what = status ? `answered with status ${status}` : 'cannot be reached'
  return new AudienceError('network', `The sign-in service ${what}, ${ATTEMPTS} times. Try again later.`)
}

/** What the OAuth error means to the operator, by its code and Microsoft's AADSTS number. */
const REMEDIES: readonly [match: RegExp, text: string][] = [
  [
    /AADSTS650052/,
    'your Microsoft Entra tenant does not know Microsoft Advertising. An administrator has to consent to it once.',
  ],
  [
    /AADSTS700016|unauthorized_client/,
    'the client id is unknown. Check credentials.clientId against the app registration.',
  ],
  [
    /AADSTS90023|public client/i,
    'this app is registered as public and may not have a client secret. Remove credentials.clientSecret, or register a web app.',
  ],
  [
    /AADSTS7000215|AADSTS7000222|invalid_client/,
    'the client secret is wrong or has expired. Make a new one in the app registration and set credentials.clientSecret.',
  ],
  [
    /AADSTS50011|AADSTS500112|redirect_uri_mismatch/,
    'the app registration does not allow the redirect address http://localhost/. Add it.',
  ],
  [/AADSTS65004|access_denied/, `the person declined. ${LOGIN}`],
  [
    /invalid_grant|interaction_required|AADSTS70000/,
    `the sign-in has expired or was revoked, as happens after a changed password. ${LOGIN}`,
  ],
]

/** Undefined when trying again may help. Vendor texts are not repeated: they can hold names of people. */
export function oauthProblem(error: unknown): AudienceError | undefined {
  const { error: code, error_description: description, status } = error as Record<string, unknown>
  if (typeof code !== 'string' || (typeof status === 'number' && status >= 500)) return undefined
  if (code === 'temporarily_unavailable' || code === 'server_error') return undefined
  const remedy = REMEDIES.find(([match]) => match.test(`${code} ${description}`))?.[1]
  const number = /AADSTS\d+/.exec(`${description}`)?.[0]
  const name = [/^[\w.-]{1,60}$/.test(code) ? code : 'error', number].filter(Boolean).join(', ')
  return signIn(`${remedy ?? 'the request was refused.'} (${name})`)
}
