import { jsonResponse } from './respond.ts'
import { type FakeAdsState, newId } from './state.ts'

const EXPORT_MS = 30_000
const STORE = /^\/cohort-export\/([^/]+)$/

/** https://amplitude.com/docs/apis/analytics/behavioral-cohorts */
export function amplitude(state: FakeAdsState, url: URL, headers: Headers): Response {
  const stored = STORE.exec(url.pathname)
  if (stored) return file(state, stored[1]!, headers)
  const { apiKey, secretKey } = state.options.amplitude
  const expected = `Basic ${Buffer.from(`${apiKey}:${secretKey}`).toString('base64')}`
  if (headers.get('authorization') !== expected) return new Response('Invalid API key or secret', { status: 401 })
  const [, what, id, tail] = /^\/api\/5\/cohorts\/(request|request-status)\/([^/]+)(\/file)?$/.exec(url.pathname) ?? []
  if (what === 'request' && !tail) return requestExport(state, decodeURIComponent(id!), url)
  const job = state.exports.get(id ?? '')
  if (!job) return new Response('Not found', { status: 404 })
  const ready = state.now() >= job.readyAt
  if (what === 'request-status') {
    const status = { request_id: id, cohort_id: job.cohortId, async_status: ready ? 'JOB COMPLETED' : 'JOB INPROGRESS' }
    return jsonResponse(status, ready ? 200 : 202)
  }
  if (!ready) return new Response('The file is not ready', { status: 400 })
  if (!state.cohorts.get(job.cohortId)!.redirect) return csv(state, job.cohortId)
  return new Response(null, {
    status: 302,
    headers: { Location: `${url.origin}/cohort-export/${id}?X-Amz-Signature=secret` },
  })
}

function requestExport(state: FakeAdsState, cohortId: string, url: URL): Response {
  if (!state.cohorts.has(cohortId)) return jsonResponse({ error: { type: 'not_found' } }, 404)
  if (url.searchParams.get('props') !== '1' || !url.searchParams.get('propKeys')) {
    state.violations.push('a cohort was asked for with all properties of its people, or none')
  }
  const requestId = newId()
  state.exports.set(requestId, { cohortId, readyAt: state.now() + EXPORT_MS })
  return jsonResponse({ request_id: requestId, cohort_id: cohortId }, 202)
}

function file(state: FakeAdsState, requestId: string, headers: Headers): Response {
  if (headers.has('authorization')) state.violations.push('the Amplitude keys were sent to the file store')
  const job = state.exports.get(requestId)
  return job ? csv(state, job.cohortId) : new Response('expired', { status: 403 })
}

const csv = (state: FakeAdsState, cohortId: string): Response =>
  new Response(state.cohorts.get(cohortId)!.csv, { headers: { 'Content-Type': 'text/csv' } })
