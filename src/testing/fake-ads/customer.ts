import { apiFault, ERRORS, jsonResponse } from './respond.ts'
import type { FakeAdsState } from './state.ts'

const USER_ID = '71000001'

export const getUser = (): Response => jsonResponse({ User: { Id: USER_ID, UserName: 'operator' }, CustomerRoles: [] })

export function searchAccounts(state: FakeAdsState, body: Record<string, unknown>): Response {
  const [predicate] = (body.Predicates ?? []) as { Field?: string; Operator?: string; Value?: string }[]
  const page = body.PageInfo as { Index?: number; Size?: number } | undefined
  if (predicate?.Field !== 'UserId' || predicate.Operator !== 'Equals' || page?.Index === undefined || !page.Size) {
    return apiFault(ERRORS.validation, state.options.statuses.validation)
  }
  const { accountId, accountNumber, customerId } = state.options
  const account = { Id: accountId, Number: accountNumber, Name: 'Shop', ParentCustomerId: customerId }
  return jsonResponse({ Accounts: predicate.Value === USER_ID && page.Index === 0 ? [account] : [] })
}
