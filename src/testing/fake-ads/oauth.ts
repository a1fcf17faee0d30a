import { createHash } from 'node:crypto'
import { jsonResponse } from './respond.ts'
import { type FakeAdsState, HOUR, MINUTE, newId } from './state.ts'

const SCOPES = {
  microsoft: /^https:\/\/(?:si\.)?ads\.microsoft\.com\/msads\.manage(?: offline_access)(?: openid)?(?: profile)?$/,
  google: /^openid email profile$/,
}

/** RFC 8252, 7.3: a loopback address with any port. */
const REDIRECT = /^http:\/\/(?:localhost|127\.0\.0\.1)(?::\d+)?(?:\/[^?#]*)?$/

const failure = (error: string, description: string, status = 400): Response =>
  jsonResponse({ error, error_description: description, error_codes: [70000], correlation_id: newId() }, status)

/** The sign-in page, which answers for the person at once. */
export function authorize(state: FakeAdsState, url: URL, google: boolean): Response {
  const query = Object.fromEntries(url.searchParams)
  const wrong =
    (query.client_id !== state.options.clientId && 'AADSTS700016: Application was not found in the directory.') ||
    (query.response_type !== 'code' && 'AADSTS900144: response_type must be code.') ||
    (!REDIRECT.test(query.redirect_uri ?? '') && 'AADSTS50011: The redirect URI does not match.') ||
    (!SCOPES[google ? 'google' : 'microsoft'].test(query.scope ?? '') && 'AADSTS70011: The scope is not valid.') ||
    (google && query.access_type !== 'offline' && 'access_type must be offline.') ||
    (query.code_challenge_method !== 'S256' && 'code_challenge_method must be S256.') ||
    (!/^[\w-]{43}$/.test(query.code_challenge ?? '') && 'code_challenge is not a SHA-256.') ||
    (!query.state && 'state is missing.')
  // Errors before the redirect address is known to be good are shown, never redirected.
  if (wrong) return new Response(`<!doctype html><title>Sign in</title><p>${wrong}`, { status: 400 })
  const back = new URL(query.redirect_uri!)
  if (state.options.denyConsent) {
    back.searchParams.set('error', 'access_denied')
    back.searchParams.set('error_description', 'AADSTS65004: User declined to consent.')
  } else {
    const code = `M.C5_${newId()}`
    state.codes.set(code, {
      challenge: query.code_challenge!,
      redirectUri: query.redirect_uri!,
      expiresAt: state.now() + 5 * MINUTE,
      google,
    })
    back.searchParams.set('code', code)
  }
  back.searchParams.set('state', query.state!)
  return new Response(null, { status: 302, headers: { Location: back.href } })
}

export async function token(state: FakeAdsState, request: Request, google: boolean): Promise<Response> {
  if (!request.headers.get('content-type')?.startsWith('application/x-www-form-urlencoded')) {
    return failure('invalid_request', 'AADSTS900144: the body must be form encoded.')
  }
  const form = Object.fromEntries(new URLSearchParams(await request.text()))
  const { clientId, clientSecret } = state.options
  if (form.client_id !== clientId) return failure('unauthorized_client', 'AADSTS700016: Application was not found.')
  if (clientSecret === undefined && form.client_secret !== undefined) {
    return failure('invalid_request', "AADSTS90023: Public clients can't send a client secret.")
  }
  if (form.client_secret !== clientSecret) {
    return failure('invalid_client', 'AADSTS7000215: Invalid client secret is provided.', 401)
  }
  if (form.grant_type === 'authorization_code') return exchange(state, form, google)
  if (form.grant_type === 'refresh_token') return refresh(state, form)
  return failure('unsupported_grant_type', 'AADSTS70003: the grant type is not supported.')
}

function exchange(state: FakeAdsState, form: Record<string, string>, google: boolean): Response {
  const code = state.codes.get(form.code ?? '')
  // A code works once.
  state.codes.delete(form.code ?? '')
  if (!code || code.expiresAt < state.now() || code.google !== google) {
    return failure('invalid_grant', 'AADSTS70008: The code has expired or was used.')
  }
  if (code.redirectUri !== form.redirect_uri)
    return failure('invalid_grant', 'AADSTS500112: The reply address differs.')
  const challenge = createHash('sha256')
    .update(form.code_verifier ?? '')
    .digest('base64url')
  if (challenge !== code.challenge) return failure('invalid_grant', 'AADSTS501481: The code verifier does not match.')
  const refreshToken = newRefreshToken(state, google)
  return tokens(state, google, refreshToken)
}

function refresh(state: FakeAdsState, form: Record<string, string>): Response {
  const known = state.refreshTokens.get(form.refresh_token ?? '')
  if (!known) return failure('invalid_grant', 'AADSTS700082: The refresh token has expired or was revoked.')
  if (!known.google && form.scope !== undefined && !SCOPES.microsoft.test(form.scope)) {
    return failure('invalid_grant', 'AADSTS70000: The scope was not consented.')
  }
  // The old token is not actively revoked, and Google gives no new one.
  const rotated = state.options.rotation && !known.google ? newRefreshToken(state, false) : undefined
  return tokens(state, known.google, rotated)
}

export function newRefreshToken(state: FakeAdsState, google: boolean): string {
  const refreshToken = `0.AX_${newId()}`
  state.refreshTokens.set(refreshToken, { google })
  return refreshToken
}

function tokens(state: FakeAdsState, google: boolean, refreshToken: string | undefined): Response {
  const accessToken = `EwB_${newId()}`
  state.accessTokens.set(accessToken, { expiresAt: state.now() + HOUR, google })
  return jsonResponse({
    token_type: 'Bearer',
    scope: google ? 'openid email profile' : 'https://ads.microsoft.com/msads.manage',
    expires_in: 3600,
    ext_expires_in: 3600,
    access_token: accessToken,
    ...(refreshToken && { refresh_token: refreshToken }),
  })
}
