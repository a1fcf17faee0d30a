import { Cron } from 'croner'
import { type Cohort, readAudienceConfig } from './config.ts'
import { AudienceError } from './errors.ts'
import type { RunResult } from './result.ts'
import { type Runtime, systemRuntime } from './runtime.ts'
import { openLedger, type SyncOptions, syncAudience } from './sync.ts'

export interface WatchOptions extends Omit<SyncOptions, 'dryRun' | 'full' | 'report' | 'yes'> {
  /** Where each cohort stands in time, once at the start. */
  onStart?: (cohorts: { cohortId: string; nextAt: number }[]) => void
  onRun?: (result: RunResult, nextAt: number) => void
  onFailure?: (cohortId: string, error: AudienceError, nextAt: number) => void
}

interface Scheduled {
  cohort: Cohort
  cron: Cron
  nextAt: number
  failures: number
}

/** Failures that pass by themselves. */
const PASSING: readonly string[] = ['network', 'microsoft', 'amplitude', 'ledger']
const RETRY_MS = 15 * 60_000
const MAX_JITTER_MS = 10 * 60_000
const JITTER = 0.1
/** Timers hold no more than 24 days, and a clock can be set. */
const LONGEST_SLEEP_MS = 15 * 60_000

/**
 * Runs each cohort on its cadence until it is stopped, one at a time, as they share an account's call rate. A run that
 * was missed while nobody watched is made up for at the start; a failure that passes is tried again before its time.
 *
 * @throws ConfigError, or AudienceError of code `usage` when no cohort has a cadence.
 */
export async function watchAudience(options: WatchOptions, world: Partial<Runtime> = {}): Promise<void> {
  const { audience, cohortIds, signal, onStart, onRun, onFailure } = options
  const settings = readAudienceConfig(audience, options)
  const runtime = systemRuntime({ ...(signal && { signal }), ...world })
  const wanted = settings.cohorts.filter(({ id, cron }) => cron && (!cohortIds || cohortIds.includes(id)))
  if (!wanted.length)
    throw new AudienceError(
      'usage',
      'No cohort has a cadence. Give one "cadence": "daily", or run "uetkit audience sync".',
    )
  // Secrets that are missing should stop the start, not the first run.
  settings.credentials()
  const lastRuns = await lastRunTimes(options)
  const schedule = wanted.map((cohort): Scheduled => {
    const cron = new Cron(cohort.cron!, { paused: true })
    const last = lastRuns.get(cohort.id)
    const due = last === undefined ? runtime.now() : next(cron, last)
    return { cohort, cron, failures: 0, nextAt: Math.max(due, runtime.now()) }
  })
  onStart?.(schedule.map(({ cohort, nextAt }) => ({ cohortId: cohort.id, nextAt })))

  for (;;) {
    const soonest = schedule.reduce((first, other) => (other.nextAt < first.nextAt ? other : first))
    if (!(await sleepUntil(soonest.nextAt, runtime))) return
    try {
      const { runs } = await syncAudience({ ...options, cohortIds: [soonest.cohort.id] }, world)
      soonest.failures = 0
      soonest.nextAt = withJitter(soonest.cron, runtime)
      onRun?.(runs[0]!, soonest.nextAt)
    } catch (error) {
      if (runtime.signal?.aborted) return
      if (!(error instanceof AudienceError)) throw error
      soonest.nextAt = afterFailure(soonest, error, runtime)
      onFailure?.(soonest.cohort.id, error, soonest.nextAt)
    }
  }
}

async function lastRunTimes(options: WatchOptions): Promise<Map<string, number>> {
  const settings = readAudienceConfig(options.audience, options)
  const ledger = openLedger(settings, true)
  const records = await ledger.all().finally(() => ledger.close())
  const ours = records.filter(({ cohortId, owner }) =>
    settings.cohorts.some(({ id, scope }) => id === cohortId && settings.owner(scope) === owner),
  )
  return new Map(ours.flatMap(({ cohortId, lastRun }) => (lastRun ? [[cohortId, lastRun.at] as const] : [])))
}

const next = (cron: Cron, after: number): number => cron.nextRun(new Date(after))?.getTime() ?? Number.POSITIVE_INFINITY

/** Somewhat later than the cron expression says, so that not everybody comes at the full hour. */
function withJitter(cron: Cron, runtime: Runtime): number {
  const first = next(cron, runtime.now())
  const interval = next(cron, first) - first
  return (
    first + Math.round(runtime.random() * Math.min(MAX_JITTER_MS, Number.isFinite(interval) ? interval * JITTER : 0))
  )
}

function afterFailure(scheduled: Scheduled, { code }: AudienceError, runtime: Runtime): number {
  const regular = withJitter(scheduled.cron, runtime)
  if (!PASSING.includes(code)) return regular
  return Math.min(regular, runtime.now() + RETRY_MS * 2 ** scheduled.failures++)
}

/** False when stopped meanwhile. */
async function sleepUntil(at: number, runtime: Runtime): Promise<boolean> {
  try {
    for (let left = at - runtime.now(); left > 0; left = at - runtime.now()) {
      if (runtime.signal?.aborted) return false
      await runtime.sleep(Math.min(left, LONGEST_SLEEP_MS))
    }
  } catch (error) {
    if (error instanceof AudienceError && error.code === 'aborted') return false
    throw error
  }
  return !runtime.signal?.aborted
}
