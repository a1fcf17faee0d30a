import { randomUUID } from 'node:crypto'

export type ListAction = 'Add' | 'Remove' | 'Replace'

export interface FakeAdsList {
  id: string
  name: string
  description: string | null
  scope: 'Account' | 'Customer'
  parentId: string
  membershipDuration: number
  /** Hashes as 64 hex characters. */
  members: Set<string>
  createdAt: number
  /** Used by a campaign, so it cannot be deleted. */
  associated: boolean
}

/** What a request was, whether it was understood, and the text that it carried (zip files unpacked). */
export interface FakeAdsRequest {
  operation: string
  at: number
  url: string
  status: number
  text: string
}

export interface FakeUpload {
  requestId: string
  createdAt: number
  /** The file, once it arrived. */
  arrivedAt?: number
  rows?: Record<string, string>[]
  responseMode: string
  /** Set when it is done. */
  finished?: { status: string; at: number; rows: Record<string, string>[] }
}

export interface FakeCohort {
  csv: string
  /** Large cohorts are answered by a redirect to another place. */
  redirect: boolean
}

/** What the stand-in answers with where Microsoft's documents do not say. */
export interface FakeAdsStatuses {
  /** Error 105. */
  invalidCredentials: number
  /** Errors that concern the whole request. */
  validation: number
}

export interface FakeAdsState {
  now(): number
  options: {
    clientId: string
    clientSecret: string | undefined
    developerToken: string
    customerId: string
    accountId: string
    accountNumber: string
    amplitude: { apiKey: string; secretKey: string }
    /** Customer match terms were accepted in the web interface. */
    termsAccepted: boolean
    /** The signed-in user may only look. */
    viewer: boolean
    /** A refresh gives a new refresh token. */
    rotation: boolean
    /** The person says no at the sign-in page. */
    denyConsent: boolean
    /** How ApplyCustomerListUserData reports what concerns the whole call. */
    callErrors: 'partial' | 'fault'
    statuses: FakeAdsStatuses
    /** Rows a bulk file may have. */
    bulkRows: number
    /** Milliseconds from the arrival of a file to its result. */
    bulkMs: number
    /** Uploads that may wait at one time. */
    bulkAtOnce: number
  }
  lists: Map<string, FakeAdsList>
  nextList: bigint
  uploads: Map<string, FakeUpload>
  results: Map<string, { requestId: string; at: number }>
  accessTokens: Map<string, { expiresAt: number; google: boolean }>
  refreshTokens: Map<string, { google: boolean }>
  codes: Map<string, { challenge: string; redirectUri: string; expiresAt: number; google: boolean }>
  cohorts: Map<string, FakeCohort>
  exports: Map<string, { cohortId: string; readyAt: number }>
  /** What a well-made client never does. */
  violations: string[]
}

export const MINUTE = 60_000
export const HOUR = 60 * MINUTE

export const newId = (): string => randomUUID()

/** Files that have arrived and are not processed yet. */
export const waiting = (state: FakeAdsState): FakeUpload[] =>
  [...state.uploads.values()].filter(({ arrivedAt, finished }) => arrivedAt !== undefined && !finished)

export const isWaiting = (state: FakeAdsState, listId: string): boolean =>
  waiting(state).some(({ rows }) => rows?.some((row) => row.Type === 'Customer List' && row.Id === listId))
