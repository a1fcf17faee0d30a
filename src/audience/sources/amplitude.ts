import { HttpError } from '../../http/errors.ts'
import { type HttpAnswer, request } from '../../http/request.ts'
import { backoffMs, throttleMs } from '../../http/retry.ts'
import { download } from '../download.ts'
import { AudienceError } from '../errors.ts'
import { type Runtime, stopped } from '../runtime.ts'
import type { Bytes } from './rows.ts'

export interface AmplitudeOptions {
  cohortId: string
  keys: { apiKey: string; secretKey: string }
  region: 'us' | 'eu'
  /** The user property with the e-mail address; no other leaves Amplitude. */
  email: string
  /** Overrides the region's address. */
  endpoint?: string | undefined
}

const REGIONS = { us: 'https://amplitude.com', eu: 'https://analytics.eu.amplitude.com' }
const TIMEOUT_MS = 60_000
const FAILURES = 5
const POLL = { firstMs: 5_000, growth: 1.5, mostMs: 30_000, patienceMs: 3_600_000 }

/**
 * A cohort as CSV, straight from Amplitude: ask for the export, wait for it, download it.
 * https://amplitude.com/docs/apis/analytics/behavioral-cohorts
 */
export async function amplitudeCohort(options: AmplitudeOptions, runtime: Runtime): Promise<Bytes> {
  const { cohortId, keys, region, email, endpoint = REGIONS[region] } = options
  const basic = Buffer.from(`${keys.apiKey}:${keys.secretKey}`).toString('base64')
  const headers = { Authorization: `Basic ${basic}` }
  const get = (path: string) => patiently(`${endpoint}/api/5/cohorts/${path}`, headers, region, runtime)

  const wanted = new URLSearchParams({ props: '1', propKeys: email })
  const job = readJson(await get(`request/${encodeURIComponent(cohortId)}?${wanted}`))
  const id = job.request_id
  if (typeof id !== 'string' || !id) throw problem('the answer names no export. Try again later.')

  const until = runtime.now() + POLL.patienceMs
  for (let ms = POLL.firstMs; ; ms = Math.min(POLL.mostMs, Math.round(ms * POLL.growth))) {
    const answer = await get(`request-status/${encodeURIComponent(id)}`)
    const status = readJson(answer).async_status
    if (answer.status === 200 && (status === undefined || status === 'JOB COMPLETED')) break
    if (typeof status === 'string' && !/^JOB (?:INPROGRESS|COMPLETED)$/.test(status))
      throw problem('the export failed there. Try again later.')
    if (runtime.now() + ms > until) throw problem('the export is not ready after an hour. Try again later.')
    await runtime.sleep(ms)
  }

  const url = `${endpoint}/api/5/cohorts/request/${encodeURIComponent(id)}/file`
  const { status, body } = await download(runtime, { url, headers, code: 'amplitude' })
  if (status !== 200) throw problem(`the download answered with status ${status}. Try again later.`)
  return body
}

const problem = (text: string): AudienceError => new AudienceError('amplitude', `Amplitude: ${text}`)

async function patiently(
  url: string,
  headers: Record<string, string>,
  region: 'us' | 'eu',
  runtime: Runtime,
): Promise<HttpAnswer> {
  for (let failures = 1; ; failures++) {
    const answer = await request(runtime.fetch, {
      method: 'GET',
      url,
      headers,
      timeoutMs: TIMEOUT_MS,
      signal: runtime.signal,
    }).catch((error: unknown) => {
      if (runtime.signal?.aborted) throw stopped()
      if (error instanceof HttpError) return error
      throw error
    })
    if (!(answer instanceof HttpError)) {
      if (answer.status === 200 || answer.status === 202) return answer
      const final = finalProblem(answer.status, region)
      if (final) throw problem(final)
    }
    if (failures >= FAILURES) {
      throw problem(
        answer instanceof HttpError ? answer.message : `answered with status ${answer.status}. Try again later.`,
      )
    }
    const throttled = !(answer instanceof HttpError) && answer.status === 429
    await runtime.sleep(
      throttled
        ? throttleMs(answer.headers.get('retry-after'), runtime.now())
        : backoffMs(failures - 1, runtime.random()),
    )
  }
}

function finalProblem(status: number, region: 'us' | 'eu'): string | undefined {
  if (status === 401 || status === 403) {
    return `the keys were refused (${status}). Check apiKey, secretKey and the region, which is "${region}".`
  }
  if (status === 404)
    return `there is no such cohort for these keys in the region "${region}". Check the id of the cohort.`
  if (status === 429 || status === 408 || status >= 500) return undefined
  return `the request was refused with status ${status}. A cohort may have two million people at most.`
}

function readJson({ text }: HttpAnswer): Record<string, unknown> {
  try {
    const value = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value
  } catch {
    // Said below, without the text.
  }
  throw problem('the answer is not JSON. Check the address and any proxy in between.')
}
