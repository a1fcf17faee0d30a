import type { AdsClient } from './ads/client.ts'
import { REFRESH_AFTER_MS } from './ads/limits.ts'
import { applyChanges, nothingRefused, type Refused, sum } from './apply.ts'
import { type ReadCohort, readCohort } from './cohort.ts'
import { type Comparison, compare } from './compare.ts'
import type { AudienceSettings, Cohort } from './config.ts'
import { AudienceError } from './errors.ts'
import { BUCKETS } from './hashes.ts'
import type { Ledger, ListKey, ListRecord } from './ledger.ts'
import { ensureList, listExists, listGone, newRecord } from './list.ts'
import { type Changes, guardReason } from './plan.ts'
import type { AudienceProgress, Tell } from './progress.ts'
import { type RunResult, reportPath, resultOf, tooSmall, writeReport } from './result.ts'
import { type Runtime, stopped } from './runtime.ts'
import { settleOpen } from './send.ts'
import { openSource } from './sources/open.ts'

export interface RunOptions {
  full: boolean
  dryRun: boolean
  /** The operator's word for a run that the guard would stop. */
  yes: boolean
  /** Where the report goes; undefined = beside the store, and nowhere for a dry run. */
  report: string | undefined
}

export interface RunContext {
  settings: AudienceSettings
  ledger: Ledger
  /** Undefined for a dry run, which speaks to nobody. */
  client: AdsClient | undefined
  runtime: Runtime
  onProgress: (progress: AudienceProgress) => void
}

/** One run for one cohort, alone on its list: read, compare, send, report. */
export async function runCohort(context: RunContext, cohort: Cohort, options: RunOptions): Promise<RunResult> {
  const { settings, ledger, onProgress, runtime, client } = context
  const key: ListKey = { owner: settings.owner(cohort.scope) ?? '', cohortId: cohort.id }
  const progress: Tell = (now) => onProgress({ cohortId: cohort.id, ...now })
  if (!client) return run(context, cohort, key, options, progress)
  const message = 'Another run works on this cohort; waiting for it.'
  const onWait = () => progress({ phase: 'lock', done: 0, message })
  const release = await ledger.lock(key, { signal: runtime.signal, onWait })
  try {
    return await run(context, cohort, key, options, progress)
  } finally {
    await release()
  }
}

async function run(
  context: RunContext,
  cohort: Cohort,
  key: ListKey,
  options: RunOptions,
  progress: Tell,
): Promise<RunResult> {
  const { settings, ledger, client, runtime } = context
  const { dryRun } = options
  const notices: string[] = []
  const notice = (message: string | undefined) => {
    if (message === undefined) return
    notices.push(message)
    progress({ phase: 'notice', done: 0, message })
  }

  let record = await ledger.find(key)
  if (record) record = await recover(context, record, notice, progress)
  const { full, emailRule } = demands(record, cohort, settings, options, runtime.now(), notice)
  const read = await readRows(context, cohort, emailRule, progress)
  let comparison: Comparison | undefined
  try {
    if (!read.log.rows && !(options.yes && record)) throw noRows(cohort, record)
    if (client && record?.listId && !(await listExists(client, record.listId))) {
      if (!options.full) throw listGone(record)
      notice(`The list "${record.name}" was gone and is made anew.`)
      await ledger.forget(key)
      record = undefined
    }
    const everybody = full || record?.reset === true
    comparison = await compare(
      read,
      (bucket) => ledger.known(key, bucket),
      everybody,
      settings.scratch,
      (bucket) => progress({ phase: 'compare', done: bucket, total: BUCKETS }),
    )
    const { changes } = comparison
    notice(guard(cohort, changes, options))

    let refused = nothingRefused()
    let created = false
    if (client && changes.added + changes.removed + changes.kept > 0) {
      const wanted = record ?? newRecord(key.owner, cohort, emailRule, runtime.now())
      const list = await ensureList(wanted, cohort, client, ledger, options.full)
      created = wanted.listId === undefined && !list.reset
      if (list.reset) notice(`The list "${list.name}" was there already; its content is replaced.`)
      refused = await applyChanges({ ...context, client, progress }, cohort, list, comparison, read.log, full)
      record = await finish(context, key, changes, refused, { emailRule, full })
    }
    const report = options.report ?? (dryRun ? null : reportPath(settings.reports, cohort.id, runtime.now()))
    if (report !== null) writeReport(report, cohort, read, changes, refused)
    const result = resultOf(cohort, read, { list: record, created, full, dryRun, changes, refused, report, notices })
    notice(tooSmall(result.members))
    return result
  } finally {
    comparison?.close()
    read.close()
  }
}

/** Takes in what an earlier run left behind. */
async function recover(
  { ledger, client }: RunContext,
  record: ListRecord,
  notice: (message: string) => void,
  progress: Tell,
): Promise<ListRecord> {
  const open = await ledger.open(record)
  if (!client) {
    if (open.length) notice('An earlier run stopped half-way; what it sent last is not counted here.')
    return record
  }
  // A Replace without an answer may have wiped the list or not.
  if (open.some(({ action }) => action === 'Replace')) await ledger.save({ ...record, reset: true })
  await settleOpen(open, ledger, client, (percent) => progress({ phase: 'wait', done: percent, total: 100 }))
  await ledger.fold(record)
  return (await ledger.find(record))!
}

/** What the list's past demands of this run. */
function demands(
  record: ListRecord | undefined,
  cohort: Cohort,
  settings: AudienceSettings,
  { full }: RunOptions,
  now: number,
  notice: (message: string) => void,
): { full: boolean; emailRule: ListRecord['emailRule'] } {
  if (!record) return { full, emailRule: settings.emailRule }
  if (record.name !== cohort.listName) {
    notice(`The cohort is called "${cohort.name}" now; its list keeps the name "${record.name}".`)
  }
  const due = now - (record.fullAt ?? 0) >= REFRESH_AFTER_MS
  if (due && !full) notice('90 days have passed since everybody was sent, so everybody is sent again.')
  // Hashes of the other rule cannot be compared; a full run removes the old ones and adds the new.
  const emailRule = full ? settings.emailRule : record.emailRule
  if (emailRule !== settings.emailRule) {
    notice(`This list was made with emailNormalization "${emailRule}" and keeps it. To change it, run with --full.`)
  }
  return { full: full || due, emailRule }
}

async function readRows(
  { settings, runtime }: RunContext,
  cohort: Cohort,
  emailRule: ListRecord['emailRule'],
  progress: Tell,
): Promise<ReadCohort> {
  const rows = await openSource(cohort.source, cohort.id, settings.endpoints.amplitude, runtime)
  return readCohort(rows, emailRule, settings.scratch, (done) => {
    progress({ phase: 'read', done })
    if (runtime.signal?.aborted) throw stopped()
  })
}

function noRows(cohort: Cohort, record: ListRecord | undefined): AudienceError {
  const remedy = record?.members ? ' If the cohort is empty and its list should be too, run again with --yes.' : ''
  return new AudienceError('source', `${cohort.id}: the source has a header and no rows. Nothing was sent.${remedy}`)
}

/** Stops a run that the operator has to allow; answers what a dry run says about it. */
function guard(cohort: Cohort, changes: Changes, { yes, dryRun }: RunOptions): string | undefined {
  const reason = guardReason(changes)
  if (!reason || yes) return undefined
  if (dryRun) return `A run would stop and ask for --yes, because ${reason}.`
  throw new AudienceError(
    'guard',
    `${cohort.id}: nothing was sent, because ${reason}. If the cohort is right, run again with --yes.`,
  )
}

async function finish(
  { ledger, runtime }: RunContext,
  key: ListKey,
  changes: Changes,
  refused: Refused,
  { emailRule, full }: { emailRule: ListRecord['emailRule']; full: boolean },
): Promise<ListRecord> {
  await ledger.fold(key)
  const at = runtime.now()
  const record = (await ledger.find(key))!
  const notRemoved = sum(refused.removals)
  const lastRun = {
    at,
    added: changes.added - refused.adds,
    removed: changes.removed - notRemoved,
    failed: refused.adds + refused.kept + notRemoved,
  }
  const saved = { ...record, emailRule, lastRun, ...(full && { fullAt: at }) }
  await ledger.save(saved)
  return saved
}
