import { parse } from 'csv-parse/sync'
import { stringify } from 'csv-stringify/sync'
import { strToU8, unzipSync, zipSync } from 'fflate'
import { refuseIds, refuseToken } from './access.ts'
import { change, isHash, listProblem } from './campaign.ts'
import { apiFault, ERRORS, jsonResponse, type VendorError } from './respond.ts'
import { type FakeAdsState, type ListAction, MINUTE, newId, waiting } from './state.ts'

type Row = Record<string, string>

const BOM = '\ufeff'
const URL_LIFE = 15 * MINUTE
const RESULT_URL_LIFE = 5 * MINUTE

export function uploadUrl(
  state: FakeAdsState,
  headers: Headers,
  body: Record<string, unknown>,
  origin: string,
): Response {
  const { validation } = state.options.statuses
  const { AccountId, ResponseMode = 'ErrorsOnly' } = body
  if (`${AccountId}` !== headers.get('customeraccountid')) return apiFault(ERRORS.invalidAccount, validation)
  if (ResponseMode !== 'ErrorsOnly' && ResponseMode !== 'ErrorsAndResults')
    return apiFault(ERRORS.validation, validation)
  if (waiting(state).length >= state.options.bulkAtOnce) return apiFault(ERRORS.uploadsAtOnce, validation)
  const requestId = newId()
  state.uploads.set(requestId, { requestId, createdAt: state.now(), responseMode: ResponseMode })
  const path = `/Api/Advertiser/CampaignManagement/FileUpload/File/UploadBulkFile/${requestId}?Ver=13`
  return jsonResponse({ UploadUrl: `${origin}${path}`, RequestId: requestId })
}

export async function upload(state: FakeAdsState, requestId: string, request: Request): Promise<Response> {
  const { headers } = request
  const token = headers.get('authenticationtoken') ?? /^Bearer (.+)$/.exec(headers.get('authorization') ?? '')?.[1]
  const refusal = refuseToken(state, token, headers)
  if (refusal) return new Response('', { status: 401 })
  const accountId = headers.get('accountid') ?? headers.get('customeraccountid')
  const wrongIds = refuseIds(state, headers.get('customerid'), accountId)
  if (wrongIds || headers.get('developertoken') !== state.options.developerToken)
    return new Response('', { status: 401 })
  const known = state.uploads.get(requestId)
  const reject = ([Code, ErrorCode]: VendorError) =>
    jsonResponse(
      { TrackingId: newId(), RequestId: requestId, Code, ErrorCode, Message: `Upload refused: ${ErrorCode}` },
      400,
    )
  if (!known) return reject(ERRORS.uploadUrl)
  if (known.arrivedAt !== undefined) return reject(ERRORS.urlUsed)
  if (state.now() - known.createdAt > URL_LIFE) return reject(ERRORS.urlExpired)
  const form = await request.formData().catch(() => undefined)
  const files = form ? [...form.values()].filter((value) => value instanceof File) : []
  if (!files.length) return reject(ERRORS.noFile)
  if (files.length > 1) return reject(ERRORS.manyFiles)
  const file = files[0]!
  if (!/\.(?:csv|tsv|zip)$/i.test(file.name)) return reject(ERRORS.fileExtension)
  known.arrivedAt = state.now()
  const rows = rowsOf(new Uint8Array(await file.arrayBuffer()), /\.zip$/i.test(file.name))
  if (typeof rows === 'string') known.finished = { status: rows, at: state.now(), rows: [] }
  else if (rows.length > state.options.bulkRows) {
    known.finished = { status: 'UploadFileRowCountExceeded', at: state.now(), rows: [] }
  } else {
    known.rows = rows
    const lists = rows.filter(({ Type }) => Type === 'Customer List').map(({ Id }) => Id)
    const busy = waiting(state).some(
      (other) => other !== known && other.rows?.some(({ Id }) => Id && lists.includes(Id)),
    )
    if (busy) state.violations.push('two files at work on one list')
  }
  return jsonResponse({ TrackingId: newId(), RequestId: requestId })
}

/** Rows by column, or the status that a file gets that is none. */
function rowsOf(bytes: Uint8Array, zipped: boolean): Row[] | string {
  try {
    const entries = zipped ? Object.entries(unzipSync(bytes)) : [['upload.csv', bytes] as const]
    if (entries.length !== 1) return 'UploadFileFormatNotSupported'
    const [name, content] = entries[0]!
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content)
    if (!/\.(?:csv|tsv)$/i.test(name) || !text.startsWith(BOM)) return 'UploadFileFormatNotSupported'
    const rows = parse(text, { bom: true, columns: true, delimiter: /\.tsv$/i.test(name) ? '\t' : ',' }) as Row[]
    const [version, ...rest] = rows
    if (Object.keys(version ?? {})[0] !== 'Type') return 'UploadFileFormatNotSupported'
    if (version?.Type !== 'Format Version' || version.Name !== '6.0') return 'UploadFileFormatNotSupported'
    return rest
  } catch {
    return 'UploadFileFormatNotSupported'
  }
}

/** Does the work of files whose time has come. */
export function finishUploads(state: FakeAdsState): void {
  for (const upload of waiting(state)) {
    if (state.now() - upload.arrivedAt! < state.options.bulkMs) continue
    const failed = work(state, upload.rows!)
    upload.finished = { status: failed.length ? 'CompletedWithErrors' : 'Completed', at: state.now(), rows: failed }
    delete upload.rows
  }
}

const failedRow = (row: Row, [number, name]: VendorError): Row[] => [
  row,
  {
    ...row,
    Type: `${row.Type} Error`,
    Error: name,
    'Error Number': `${number}`,
    'Error Detail': `${name}: ${row.Text ?? ''}`,
  },
]

/** Applies the rows and answers those that failed, each followed by its error row. */
function work(state: FakeAdsState, rows: Row[]): Row[] {
  const failed: Row[] = []
  const parents = new Map<string, { error?: VendorError; action: ListAction; hashes: string[] }>()
  for (const row of rows) {
    if (row.Type === 'Customer List') {
      const terms = { '': undefined, True: true, False: false }[row['Accept Customer Match Term'] ?? '']
      const list = state.lists.get(row.Id ?? '')
      const problem = listProblem(state, { list, action: row['Action Type'], terms })
      const error = problem && !list ? ERRORS.listId : problem
      if (error) failed.push(...failedRow({ ...row, 'Client Id': '' }, error))
      parents.set(row.Id ?? '', { action: row['Action Type'] as ListAction, hashes: [], ...(error && { error }) })
      continue
    }
    const parent = parents.get(row['Parent Id'] ?? '')
    const error = itemProblem(row, parent)
    if (error) failed.push(...failedRow(row, error))
    else parent!.hashes.push(row.Text!)
  }
  for (const [id, { error, action, hashes }] of parents) {
    const list = state.lists.get(id)
    if (list && !error) change(list, action, hashes)
  }
  return failed
}

function itemProblem(row: Row, parent: { error?: VendorError } | undefined): VendorError | undefined {
  if (row.Type !== 'Customer List Item') return ERRORS.unknownRow
  if (!parent || parent.error) return parent?.error === ERRORS.terms ? ERRORS.terms : ERRORS.customerListId
  if (row['Sub Type'] !== 'Email') return ERRORS.subType
  return isHash(row.Text ?? '') ? undefined : ERRORS.notHashed
}

export function uploadStatus(state: FakeAdsState, body: Record<string, unknown>, origin: string): Response {
  finishUploads(state)
  const upload = state.uploads.get(`${body.RequestId}`)
  const gone = upload?.finished && state.now() - upload.finished.at > URL_LIFE
  if (!upload || gone) return apiFault(ERRORS.requestId, state.options.statuses.validation)
  const { finished, arrivedAt } = upload
  const answer = (RequestStatus: string, PercentComplete: number, ResultFileUrl: string | null = null) =>
    jsonResponse({ RequestStatus, ResultFileUrl, PercentComplete, ForwardCompatibilityMap: [], Errors: null })
  if (finished) {
    const withFile = finished.status.startsWith('Completed')
    return answer(finished.status, 100, withFile ? resultUrl(state, upload.requestId, origin) : null)
  }
  if (arrivedAt === undefined) {
    return answer(state.now() - upload.createdAt > URL_LIFE ? 'Expired' : 'PendingFileUpload', 0)
  }
  const percent = Math.floor(((state.now() - arrivedAt) / state.options.bulkMs) * 100)
  return percent < 20 ? answer('FileUploaded', 0) : answer('InProgress', percent)
}

function resultUrl(state: FakeAdsState, requestId: string, origin: string): string {
  const id = newId()
  state.results.set(id, { requestId, at: state.now() })
  return `${origin}/results/${id}?sig=secret`
}

/** Many columns that nobody asked for, in an order of their own. */
const COLUMNS = ['Error Number', 'Text', 'Keyword', 'Type', 'Error', 'Parent Id', 'Client Id', 'Bid', 'Sub Type', 'Id']

export function resultFile(state: FakeAdsState, id: string, headers: Headers): Response {
  if (headers.has('authorization') || headers.has('authenticationtoken')) {
    state.violations.push('the token was sent to the place of the result file')
  }
  const result = state.results.get(id)
  if (!result || state.now() - result.at > RESULT_URL_LIFE)
    return new Response('<Error>expired</Error>', { status: 403 })
  const { finished } = state.uploads.get(result.requestId)!
  const columns = [...COLUMNS, 'Field Path', 'Error Detail', ...Array.from({ length: 40 }, (_, n) => `Column ${n}`)]
  const rows: Row[] = [{ Type: 'Format Version', Name: '6.0' }, ...finished!.rows]
  const csv = stringify(rows, { header: true, columns, record_delimiter: '\r\n' })
  const day = new Date(finished!.at).toISOString().slice(0, 10).split('-')
  const name = `BulkUpload-${day[1]}-${day[2]}-${day[0]}-${result.requestId}-Results.csv`
  const zip = zipSync({ [name]: strToU8(`${BOM}${csv}`) })
  return new Response(Uint8Array.from(zip), { headers: { 'Content-Type': 'application/octet-stream' } })
}
