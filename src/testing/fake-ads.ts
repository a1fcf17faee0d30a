import { unzipSync } from 'fflate'
import { refuse } from './fake-ads/access.ts'
import { amplitude } from './fake-ads/amplitude.ts'
import { finishUploads, resultFile, upload, uploadStatus, uploadUrl } from './fake-ads/bulk.ts'
import { addAudiences, applyItems, deleteAudiences, queryAudiences, updateAudiences } from './fake-ads/campaign.ts'
import { getUser, searchAccounts } from './fake-ads/customer.ts'
import { type FakeAdsFault, withFault } from './fake-ads/faults.ts'
import { authorize, newRefreshToken, token } from './fake-ads/oauth.ts'
import { apiFault, ERRORS } from './fake-ads/respond.ts'
import type { FakeAdsList, FakeAdsRequest, FakeAdsState, FakeAdsStatuses } from './fake-ads/state.ts'

export { ConnectionBroken, type FakeAdsFault } from './fake-ads/faults.ts'
export { ERRORS as ADS_ERRORS } from './fake-ads/respond.ts'
export type { FakeAdsList, FakeAdsRequest, FakeAdsStatuses } from './fake-ads/state.ts'

/** What can be set from the start; all of it can be changed later through `options`. */
export interface FakeAdsOptions extends Partial<Omit<FakeAdsState['options'], 'statuses' | 'amplitude'>> {
  /** Milliseconds since the epoch. The system's clock by default; `advance` adds to it. */
  now?: () => number
  statuses?: Partial<FakeAdsStatuses>
}

/** Names of operations, as `fail` takes them and `requests` holds them. */
export type FakeAdsOperation =
  | 'Authorize'
  | 'Token'
  | 'AddAudiences'
  | 'GetAudiencesByIds'
  | 'UpdateAudiences'
  | 'DeleteAudiences'
  | 'ApplyCustomerListUserData'
  | 'GetBulkUploadUrl'
  | 'UploadBulkFile'
  | 'GetBulkUploadStatus'
  | 'ResultFile'
  | 'GetUser'
  | 'SearchAccounts'
  | 'Amplitude'
  | 'Unknown'

export interface FakeAdsApi {
  /** Answers one request; throws `ConnectionBroken` where a real connection would break. */
  fetch(request: Request): Promise<Response>
  /** Configuration that points a client here: `endpoints` for a given origin, and credentials that are accepted. */
  endpoints(origin?: string): Record<'campaign' | 'bulk' | 'customer' | 'authorize' | 'token' | 'amplitude', string>
  readonly credentials: {
    clientId: string
    clientSecret: string | undefined
    developerToken: string
    customerId: string
    accountId: string
    refreshToken: string
  }
  readonly options: FakeAdsState['options']
  lists(): FakeAdsList[]
  /** Who is on a list: SHA-256 in hex. Undefined for a list that is not there. */
  members(listId: string): Set<string> | undefined
  /** As a person would in the web interface. */
  deleteList(listId: string): void
  /** A cohort that Amplitude exports, as CSV. */
  setCohort(cohortId: string, csv: string, options?: { redirect?: boolean }): void
  /** The next `times` requests of this operation meet this fault. Faults wait in line. */
  fail(operation: FakeAdsOperation, fault: FakeAdsFault, times?: number): void
  clearFaults(): void
  readonly requests: FakeAdsRequest[]
  /** What a well-made client never does, as it happened. */
  readonly violations: string[]
  /** Moves the clock. */
  advance(ms: number): void
  /** A refresh token that works, and the end of all that there are. */
  issueRefreshToken(): string
  revokeRefreshTokens(): void
}

const WRITES: readonly string[] = [
  'AddAudiences',
  'UpdateAudiences',
  'DeleteAudiences',
  'ApplyCustomerListUserData',
  'GetBulkUploadUrl',
]
const TEXT_KEPT = 1 << 20

/**
 * A stand-in for Microsoft Advertising's campaign, bulk and customer services, for its sign-in, and for Amplitude's
 * cohort export: a fetch handler with a memory. As strict as the documents, and as odd as what was seen of the real
 * services. https://learn.microsoft.com/en-us/advertising/guides/
 */
export function createFakeAdsApi({ now = Date.now, statuses, ...options }: FakeAdsOptions = {}): FakeAdsApi {
  let ahead = 0
  const state: FakeAdsState = {
    now: () => now() + ahead,
    options: {
      clientId: '00000000-0000-4000-8000-000000000001',
      clientSecret: 'client-secret',
      developerToken: 'BBD37VB98',
      customerId: '187654321',
      accountId: '176543210',
      accountNumber: 'F1234ABC',
      termsAccepted: false,
      viewer: false,
      rotation: true,
      denyConsent: false,
      callErrors: 'partial',
      bulkRows: 4_000_000,
      bulkMs: 30_000,
      bulkAtOnce: 5,
      ...options,
      amplitude: { apiKey: 'amplitude-key', secretKey: 'amplitude-secret' },
      statuses: { invalidCredentials: 401, validation: 400, ...statuses },
    },
    lists: new Map(),
    // Larger than a JavaScript number can hold exactly.
    nextList: 9_007_199_254_740_993n,
    uploads: new Map(),
    results: new Map(),
    accessTokens: new Map(),
    refreshTokens: new Map(),
    codes: new Map(),
    cohorts: new Map(),
    exports: new Map(),
    violations: [],
  }
  const requests: FakeAdsRequest[] = []
  const faults = new Map<string, FakeAdsFault[]>()
  const refreshToken = newRefreshToken(state, false)

  const fetch = async (request: Request): Promise<Response> => {
    finishUploads(state)
    const operation = operationOf(request)
    const entry: FakeAdsRequest = { operation, at: state.now(), url: request.url, status: 0, text: '' }
    requests.push(entry)
    const copy = request.clone()
    entry.text = await textOf(copy)
    const fault = faults.get(operation)?.shift()
    const run = (without?: readonly (number | null)[]) => answer(state, operation, request, without)
    const response = fault ? await withFault(fault, run, request) : await run()
    entry.status = response.status
    return response
  }

  return {
    fetch,
    endpoints: (origin = 'https://ads.stand-in.example') => ({
      campaign: `${origin}/CampaignManagement/v13`,
      bulk: `${origin}/Bulk/v13`,
      customer: `${origin}/CustomerManagement/v13`,
      authorize: `${origin}/common/oauth2/v2.0/authorize`,
      token: `${origin}/common/oauth2/v2.0/token`,
      amplitude: origin,
    }),
    credentials: {
      clientId: state.options.clientId,
      clientSecret: state.options.clientSecret,
      developerToken: state.options.developerToken,
      customerId: state.options.customerId,
      accountId: state.options.accountId,
      refreshToken,
    },
    options: state.options,
    lists: () => [...state.lists.values()],
    members: (listId) => state.lists.get(listId)?.members,
    deleteList: (listId) => {
      state.lists.delete(listId)
    },
    setCohort: (cohortId, csv, { redirect = false } = {}) => {
      state.cohorts.set(cohortId, { csv, redirect })
    },
    fail: (operation, fault, times = 1) => {
      const line = faults.get(operation) ?? []
      line.push(...Array.from({ length: times }, () => fault))
      faults.set(operation, line)
    },
    clearFaults: () => faults.clear(),
    requests,
    violations: state.violations,
    advance: (ms) => {
      ahead += ms
    },
    issueRefreshToken: () => newRefreshToken(state, false),
    revokeRefreshTokens: () => state.refreshTokens.clear(),
  }
}

const ROUTES: readonly [method: string, path: RegExp, operation: FakeAdsOperation][] = [
  ['GET', /^\/(?:common\/oauth2\/v2\.0\/authorize|o\/oauth2\/v2\/auth)$/, 'Authorize'],
  ['POST', /^\/(?:common\/oauth2\/v2\.0\/)?token$/, 'Token'],
  ['POST', /^\/CampaignManagement\/v13\/Audiences$/, 'AddAudiences'],
  ['PUT', /^\/CampaignManagement\/v13\/Audiences$/, 'UpdateAudiences'],
  ['DELETE', /^\/CampaignManagement\/v13\/Audiences$/, 'DeleteAudiences'],
  ['POST', /^\/CampaignManagement\/v13\/Audiences\/QueryByIds$/, 'GetAudiencesByIds'],
  ['POST', /^\/CampaignManagement\/v13\/CustomerListUserData\/Apply$/, 'ApplyCustomerListUserData'],
  ['POST', /^\/Bulk\/v13\/BulkUploadUrl\/Query$/, 'GetBulkUploadUrl'],
  ['POST', /^\/Bulk\/v13\/BulkUploadStatus\/Query$/, 'GetBulkUploadStatus'],
  ['POST', /\/UploadBulkFile\/[^/]+$/, 'UploadBulkFile'],
  ['GET', /^\/results\/[^/]+$/, 'ResultFile'],
  ['POST', /^\/CustomerManagement\/v13\/User\/Query$/, 'GetUser'],
  ['POST', /^\/CustomerManagement\/v13\/Accounts\/Search$/, 'SearchAccounts'],
  ['GET', /^\/(?:api\/5\/cohorts|cohort-export)\//, 'Amplitude'],
]

function operationOf({ method, url }: Request): FakeAdsOperation {
  const { pathname } = new URL(url)
  return ROUTES.find(([verb, path]) => verb === method && path.test(pathname))?.[2] ?? 'Unknown'
}

async function answer(
  state: FakeAdsState,
  operation: FakeAdsOperation,
  request: Request,
  without: readonly (number | null)[] | undefined,
): Promise<Response> {
  const url = new URL(request.url)
  const google = !url.pathname.startsWith('/common/')
  const last = url.pathname.split('/').at(-1)!
  if (operation === 'Authorize') return authorize(state, url, google)
  if (operation === 'Token') return token(state, request, google)
  if (operation === 'UploadBulkFile') return upload(state, last, request)
  if (operation === 'ResultFile') return resultFile(state, last, request.headers)
  if (operation === 'Amplitude') return amplitude(state, url, request.headers)
  if (operation === 'Unknown') {
    // The old operation is answered like every path that is not there.
    state.violations.push(`${request.method} ${url.pathname} is no operation`)
    return apiFault(ERRORS.notSupported, 501)
  }
  const ids = operation !== 'GetUser' && operation !== 'SearchAccounts'
  const refusal = refuse(state, request.headers, { ids, write: WRITES.includes(operation) })
  if (refusal) return refusal
  const { validation } = state.options.statuses
  if (!request.headers.get('content-type')?.startsWith('application/json')) return apiFault(ERRORS.validation, 415)
  const body = (await request.json().catch(() => undefined)) as Record<string, unknown> | undefined
  if (typeof body !== 'object' || body === null) return apiFault(ERRORS.nullParameter, validation)
  switch (operation) {
    case 'AddAudiences':
      return addAudiences(state, body)
    case 'UpdateAudiences':
      return updateAudiences(state, body)
    case 'DeleteAudiences':
      return deleteAudiences(state, body)
    case 'GetAudiencesByIds':
      return queryAudiences(state, body)
    case 'ApplyCustomerListUserData':
      return applyItems(state, body, without)
    case 'GetBulkUploadUrl':
      return uploadUrl(state, request.headers, body, url.origin)
    case 'GetBulkUploadStatus':
      return uploadStatus(state, body, url.origin)
    case 'GetUser':
      return getUser()
    default:
      return searchAccounts(state, body)
  }
}

/** The text that a request carries, for tests that look for what must never travel. */
async function textOf(request: Request): Promise<string> {
  if (!request.headers.get('content-type')?.startsWith('multipart/')) return (await request.text()).slice(0, TEXT_KEPT)
  const form = await request.formData().catch(() => undefined)
  const files = form ? [...form.values()].filter((value) => value instanceof File) : []
  const parts = await Promise.all(files.map(async (file) => unpacked(new Uint8Array(await file.arrayBuffer()))))
  return parts.join('\n').slice(0, TEXT_KEPT)
}

function unpacked(bytes: Uint8Array): string {
  const decoder = new TextDecoder()
  try {
    return Object.values(unzipSync(bytes))
      .map((content) => decoder.decode(content))
      .join('\n')
  } catch {
    return decoder.decode(bytes)
  }
}
