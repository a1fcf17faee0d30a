import { openAsBlob } from 'node:fs'
import { download } from '../download.ts'
import type { AudienceError } from '../errors.ts'
import { type Runtime, stopped } from '../runtime.ts'
import { type FailedRow, failedRows } from './bulk-result.ts'
import type { JsonObject } from './call.ts'
import { AdsError, faultName, unanswered } from './faults.ts'

export interface BulkUpload {
  requestId: string
  url: string
}

/** What the bulk service made of a file. */
export type BulkOutcome =
  /** Done; `failures` are the rows that had no effect, `refusal` says why none had. */
  | { kind: 'done'; failures: AsyncIterable<FailedRow>; refusal?: AdsError }
  /** It came to nothing and may be sent again. */
  | { kind: 'again' }
  /** Microsoft knows this upload no longer, or never did. */
  | { kind: 'unknown' }

/** The calls below, as the client makes them. */
export interface BulkCalls {
  query(name: string, path: string, body: JsonObject): Promise<JsonObject>
  upload(url: string, file: Blob): Promise<JsonObject>
  accountId: string
}

export interface BulkService {
  start(): Promise<BulkUpload>
  /** Sends the file once; `false` when this address cannot be used any more. */
  send(upload: BulkUpload, path: string): Promise<boolean>
  /** Waits for the end, calling `onPercent` meanwhile. */
  wait(requestId: string, onPercent?: (percent: number) => void): Promise<BulkOutcome>
}

const NAMES = { start: 'GetBulkUploadUrl', status: 'GetBulkUploadStatus' }
/** 3220, 3226: the address is wrong or too old. 3224: the file is there already. */
const NEW_ADDRESS = [3220, 3226]
const ALREADY_THERE = 3224
const UNKNOWN_REQUEST = 4201
const SENDS = 3
const DOWNLOADS = 3
const POLL = { firstMs: 5_000, growth: 1.5, mostMs: 60_000, patienceMs: 3 * 3_600_000 }

/** https://learn.microsoft.com/en-us/advertising/guides/bulk-download-upload */
export function bulkService({ query, upload, accountId }: BulkCalls, runtime: Runtime): BulkService {
  const status = async (requestId: string): Promise<{ status: string; url: string; percent: number } | undefined> => {
    try {
      const answer = await query(NAMES.status, '/BulkUploadStatus/Query', { RequestId: requestId })
      const { RequestStatus, ResultFileUrl, PercentComplete } = answer
      return { status: `${RequestStatus}`, url: `${ResultFileUrl ?? ''}`, percent: Number(PercentComplete) || 0 }
    } catch (error) {
      if (error instanceof AdsError && error.vendorCode === UNKNOWN_REQUEST) return undefined
      throw error
    }
  }

  return {
    start: async () => {
      const { UploadUrl, RequestId } = await query(NAMES.start, '/BulkUploadUrl/Query', {
        ResponseMode: 'ErrorsOnly',
        AccountId: accountId,
      })
      if (typeof UploadUrl === 'string' && typeof RequestId === 'string')
        return { url: UploadUrl, requestId: RequestId }
      throw unanswered(NAMES.start, 'the answer has no upload address.')
    },

    send: async ({ url, requestId }, path) => {
      const file = await openAsBlob(path)
      for (let attempt = 1; ; attempt++) {
        try {
          await upload(url, file)
          return true
        } catch (error) {
          if (!(error instanceof AdsError)) throw error
          if (error.vendorCode === ALREADY_THERE) return true
          if (NEW_ADDRESS.includes(error.vendorCode ?? 0)) return false
          if (!error.ambiguous) throw error
          // The answer was lost, the file perhaps not: an address takes one file only.
          const now = await status(requestId).catch(() => {
            throw error
          })
          if (!now || now.status === 'Expired' || now.status === 'Aborted') return false
          if (now.status !== 'PendingFileUpload') return true
          if (attempt >= SENDS) throw error
        }
      }
    },

    wait: async (requestId, onPercent = () => {}) => {
      const until = runtime.now() + POLL.patienceMs
      for (let ms = POLL.firstMs; ; ms = Math.min(POLL.mostMs, Math.round(ms * POLL.growth))) {
        const now = await status(requestId)
        if (!now) return { kind: 'unknown' }
        switch (now.status) {
          case 'Completed':
            return { kind: 'done', failures: none() }
          case 'CompletedWithErrors':
            return { kind: 'done', failures: results(now.url, () => status(requestId), runtime) }
          case 'Failed':
          case 'Expired':
          case 'Aborted':
            return { kind: 'again' }
          case 'PendingFileUpload':
          case 'FileUploaded':
          case 'InProgress':
            break
          default:
            return { kind: 'done', failures: none(), refusal: refusal(now.status) }
        }
        if (runtime.signal?.aborted) throw stopped()
        if (runtime.now() + ms > until) throw unanswered('Bulk upload', 'Microsoft is still working on the file.')
        onPercent(now.percent)
        await runtime.sleep(ms)
      }
    },
  }
}

/** A status that ends the upload for good, such as `UploadFileRowCountExceeded`. */
function refusal(status: string): AdsError {
  const remedy = 'Set "apply": "items" for this cohort to go without files.'
  return new AdsError(
    'microsoft',
    `Bulk upload: Microsoft refused the file, ${faultName(-1, status)}. ${remedy}`,
    'stop',
  )
}

async function* none(): AsyncGenerator<FailedRow> {}

/**
 * Reads the result file; its address is good for minutes only, so a fresh one is asked for when it is not. Rows can
 * come twice when the connection broke.
 */
async function* results(
  first: string,
  again: () => Promise<{ url: string } | undefined>,
  runtime: Runtime,
): AsyncGenerator<FailedRow> {
  let url = first
  for (let attempt = 1; ; attempt++) {
    try {
      const { status, body } = await download(runtime, { url, code: 'network' })
      if (status === 200) return yield* failedRows(body)
      throw unanswered('Result file', 'it cannot be downloaded.')
    } catch (error) {
      if (attempt >= DOWNLOADS || (error as AudienceError).code !== 'network') throw error
    }
    url = (await again())?.url ?? ''
  }
}
