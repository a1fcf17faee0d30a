import { adFault, apiFault, ERRORS } from './respond.ts'
import type { FakeAdsState } from './state.ts'

/** The fault that a request's headers earn, or undefined. */
export function refuse(
  state: FakeAdsState,
  headers: Headers,
  needs: { ids: boolean; write: boolean },
): Response | undefined {
  const { statuses, developerToken, viewer } = state.options
  const bearer = /^Bearer (.+)$/.exec(headers.get('authorization') ?? '')?.[1]
  const refusal = refuseToken(state, bearer, headers)
  if (refusal) return refusal
  if (headers.get('developertoken') !== developerToken)
    return adFault(ERRORS.invalidCredentials, statuses.invalidCredentials)
  if (needs.ids) {
    const wrong = refuseIds(state, headers.get('customerid'), headers.get('customeraccountid'))
    if (wrong) return wrong
  }
  return viewer && needs.write ? adFault(ERRORS.notAuthorized, 403) : undefined
}

export function refuseToken(
  state: FakeAdsState,
  accessToken: string | undefined,
  headers: Headers,
): Response | undefined {
  const { statuses } = state.options
  const known = state.accessTokens.get(accessToken ?? '')
  if (!known) return adFault(ERRORS.invalidCredentials, statuses.invalidCredentials)
  if (known.expiresAt <= state.now()) return adFault(ERRORS.tokenExpired, 401)
  const provider = headers.get('identityprovider')
  if (known.google ? provider !== 'Google' : provider !== null) {
    return adFault(ERRORS.invalidCredentials, statuses.invalidCredentials)
  }
  return undefined
}

export function refuseIds(
  state: FakeAdsState,
  customerId: string | null,
  accountId: string | null,
): Response | undefined {
  const { options } = state
  if (!customerId || !accountId) return adFault(ERRORS.missingHeaders, options.statuses.validation)
  if (customerId !== options.customerId) return apiFault(ERRORS.invalidCustomer, options.statuses.validation)
  if (accountId !== options.accountId) return apiFault(ERRORS.invalidAccount, options.statuses.validation)
  return undefined
}
