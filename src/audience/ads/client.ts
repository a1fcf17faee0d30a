import type { Change } from '../ledger.ts'
import { type Runtime, systemRuntime } from '../runtime.ts'
import { tokenSource } from './auth.ts'
import { type BulkService, bulkService } from './bulk.ts'
import { type Attempt, call, type JsonObject, type Operation } from './call.ts'
import type { Endpoints, IdentityProvider } from './endpoints.ts'
import { defaultEndpoints } from './endpoints.ts'
import { AdsError, actionOf, faultError, readFaults, unanswered } from './faults.ts'
import { applyItems, type FailedItems } from './items.ts'
import type { TokenStore } from './token-store.ts'

/** Who signs in, and for which account. */
export interface AdsCredentials {
  /** Application (client) id of the app registration. */
  clientId: string
  /** Left out for an app registered as public. */
  clientSecret?: string | undefined
  /** Where the refresh token is read, and its successors are written. */
  refreshToken: TokenStore
  /** Of Microsoft Advertising: https://ads.microsoft.com/cc/Settings/DevSettings */
  developerToken: string
  /** `cid` in the address of ads.microsoft.com: digits. */
  customerId: string
  /** `aid` in the address of ads.microsoft.com: digits, not the account number of eight characters. */
  accountId: string
  /** Whose account signs in. `Microsoft` by default. */
  identityProvider?: IdentityProvider | undefined
}

/** What a client of the Ads API needs. */
export interface AdsClientOptions {
  credentials: AdsCredentials
  /** Production by default; `sandbox`, or single addresses. */
  endpoints?: 'sandbox' | Partial<Endpoints>
  /** `fetch`, clock and the like; the system's own by default. */
  runtime?: Partial<Runtime>
}

/** A customer list as Microsoft has it. */
export interface CustomerList {
  id: string
  name: string
  description: string
  /** People that Microsoft matched for search. Null while it still counts, up to 48 hours. */
  searchSize: number | null
  /** The same for the audience network. */
  audienceNetworkSize: number | null
}

export interface NewList {
  name: string
  /** Holds the marker that finds the list again when the answer is lost. */
  description: string
  marker: string
  scope: 'Customer' | 'Account'
  /** -1 = for ever, or 1 to 390. */
  membershipDays: number
}

export interface Account {
  id: string
  number: string
  name: string
  customerId: string
}

/** Customer lists of Microsoft Advertising. Every method throws `AdsError`. */
export interface AdsClient {
  /** All lists, or these, at most 100; undefined in the place of one that is not there. */
  lists(): Promise<CustomerList[]>
  lists(ids: readonly string[]): Promise<(CustomerList | undefined)[]>
  /** The id of a new list. An answer that was lost does not make two of it. */
  createList(list: NewList): Promise<string>
  /** Up to 1,000 hashes in one call; answers those that failed. */
  applyItems(listId: string, change: Pick<Change, 'action' | 'hashes'>, acceptTerms: boolean): Promise<FailedItems>
  readonly bulk: BulkService
  /** The accounts that the signed-in user reaches. */
  accounts(): Promise<Account[]>
}

const CREATE_ATTEMPTS = 3
const UPLOAD_TIMEOUT_MS = 15 * 60_000
const ACCOUNTS_PAGE = 100

/**
 * A client for the REST services of version 13.
 * https://learn.microsoft.com/en-us/advertising/guides/services-protocol
 */
export function createAdsClient({ credentials, endpoints: over = {}, runtime: world }: AdsClientOptions): AdsClient {
  const runtime = systemRuntime(world)
  const { identityProvider = 'Microsoft', customerId, accountId, developerToken } = credentials
  const endpoints: Endpoints = {
    ...defaultEndpoints(over === 'sandbox' || over.sandbox === true, identityProvider),
    ...(over !== 'sandbox' && over),
  }
  const tokens = tokenSource({ ...credentials, identityProvider }, endpoints, credentials.refreshToken, runtime)
  const provider: Record<string, string> = identityProvider === 'Google' ? { IdentityProvider: 'Google' } : {}
  const ids = { CustomerId: customerId, CustomerAccountId: accountId }

  const json =
    (body: JsonObject, more: Record<string, string>): Attempt =>
    (accessToken) => ({
      headers: {
        Authorization: `Bearer ${accessToken}`,
        DeveloperToken: developerToken,
        'Content-Type': 'application/json',
        ...provider,
        ...more,
      },
      body: JSON.stringify(body),
    })
  const run = (operation: Operation, attempt: Attempt) => call(operation, attempt, tokens, runtime)
  const campaign = (name: string, path: string, body: JsonObject, over: Partial<Operation> = {}) =>
    run({ name, url: `${endpoints.campaign}${path}`, ...over }, json(body, ids))

  const query = async (listIds?: readonly string[]): Promise<(CustomerList | undefined)[]> => {
    // An explicit empty array is refused, so the key is left out for "all".
    const body = await campaign('GetAudiencesByIds', '/Audiences/QueryByIds', {
      Type: 'CustomerList',
      ...(listIds && { AudienceIds: listIds }),
    })
    const lists = Array.isArray(body.Audiences) ? body.Audiences : []
    // Errors for ids that are not there only say so again.
    const fault = readFaults({ PartialErrors: body.PartialErrors }).find((one) => actionOf(one) !== 'gone')
    if (fault) throw faultError('GetAudiencesByIds', fault)
    if (listIds && lists.length !== listIds.length) {
      const missing = readFaults({ PartialErrors: body.PartialErrors }).length === listIds.length
      if (!missing) throw unanswered('GetAudiencesByIds', 'the answer has another number of lists than were asked for.')
      return listIds.map(() => undefined)
    }
    return lists.map(listOf)
  }

  return {
    lists: query as AdsClient['lists'],

    createList: async (list) => {
      const audience = {
        Type: 'CustomerList',
        Name: list.name,
        Description: list.description,
        Scope: list.scope,
        ParentId: list.scope === 'Customer' ? customerId : accountId,
        MembershipDuration: list.membershipDays,
      }
      const marked = async () => (await query()).find((known) => known?.description.includes(list.marker))?.id
      for (let attempt = 1; ; attempt++) {
        const made = await addAudience(() =>
          campaign('AddAudiences', '/Audiences', { Audiences: [audience] }, { repeatable: false }),
        )
        if (typeof made === 'string') return made
        // The list may be there all the same: of this call, or of one before it.
        if (!made.ambiguous && made.action !== 'duplicate_name') throw made
        const id = await marked()
        if (id) return id
        if (made.action === 'duplicate_name' || attempt >= CREATE_ATTEMPTS) throw made
      }
    },

    applyItems: (listId, change, acceptTerms) => applyItems(campaign, listId, change, acceptTerms),

    bulk: bulkService(
      {
        accountId,
        query: (name, path, body) => run({ name, url: `${endpoints.bulk}${path}` }, json(body, ids)),
        upload: (url, file) =>
          run({ name: 'UploadBulkFile', url, repeatable: false, timeoutMs: UPLOAD_TIMEOUT_MS }, (accessToken) => {
            const form = new FormData()
            form.append('file', file, 'customer-list.zip')
            const headers = {
              // This one place has a header of its own for the token, and is described with either name of the account's.
              AuthenticationToken: accessToken,
              DeveloperToken: developerToken,
              AccountId: accountId,
              ...ids,
              ...provider,
            }
            return { headers, body: form }
          }),
      },
      runtime,
    ),

    accounts: async () => {
      const customer = (name: string, path: string, body: JsonObject) =>
        run({ name, url: `${endpoints.customer}${path}` }, json(body, {}))
      const { User } = await customer('GetUser', '/User/Query', { UserId: null })
      const userId = `${(User as { Id?: unknown } | undefined)?.Id ?? ''}`
      const { Accounts } = await customer('SearchAccounts', '/Accounts/Search', {
        Predicates: [{ Field: 'UserId', Operator: 'Equals', Value: userId }],
        PageInfo: { Index: 0, Size: ACCOUNTS_PAGE },
      })
      return (Array.isArray(Accounts) ? Accounts : []).map(({ Id, Number: number, Name, ParentCustomerId }) => ({
        id: `${Id}`,
        number: `${number ?? ''}`,
        name: `${Name ?? ''}`,
        customerId: `${ParentCustomerId ?? ''}`,
      }))
    },
  }
}

/** The new id, or why there is none. What goes wrong arrives with status 200, in the answer. */
async function addAudience(add: () => Promise<JsonObject>): Promise<string | AdsError> {
  try {
    const body = await add()
    const id = Array.isArray(body.AudienceIds) ? body.AudienceIds[0] : undefined
    if (typeof id === 'string' || typeof id === 'number') return `${id}`
    const [fault] = readFaults(body)
    return fault ? faultError('AddAudiences', fault) : unanswered('AddAudiences', 'the answer names no list.')
  } catch (error) {
    if (error instanceof AdsError) return error
    throw error
  }
}

function listOf(list: Record<string, unknown> | null): CustomerList | undefined {
  if (!list) return undefined
  const size = (value: unknown) => (value === null || value === undefined ? null : Number(value))
  return {
    id: `${list.Id}`,
    name: `${list.Name ?? ''}`,
    description: `${list.Description ?? ''}`,
    searchSize: size(list.SearchSize),
    audienceNetworkSize: size(list.AudienceNetworkSize),
  }
}
