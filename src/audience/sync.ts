import { existsSync } from 'node:fs'
import { createAdsClient } from './ads/client.ts'
import { type AudienceConfig, type AudienceSettings, type Cohort, readAudienceConfig } from './config.ts'
import { AudienceError } from './errors.ts'
import type { Ledger } from './ledger.ts'
import { postgresLedger } from './ledger-postgres.ts'
import { sqliteLedger } from './ledger-sqlite.ts'
import type { AudienceProgress } from './progress.ts'
import type { RunResult } from './result.ts'
import { runCohort } from './run.ts'
import { type Runtime, systemRuntime } from './runtime.ts'

/** Which cohorts to bring to Microsoft, and how. */
export interface SyncOptions {
  /** As under `audience` in `uetkit.config.json`, secrets by reference. */
  audience: AudienceConfig
  /** These cohorts of the configuration only. */
  cohortIds?: readonly string[] | undefined
  /** Send everybody again; makes a list anew that Microsoft no longer has. */
  full?: boolean | undefined
  /** Read, compare and report; ask nothing of Microsoft and change nothing in the store. */
  dryRun?: boolean | undefined
  /** Allow a run that more than halves or empties a list. */
  yes?: boolean | undefined
  /** Told of each step of each run. */
  onProgress?: ((progress: AudienceProgress) => void) | undefined
  /** Path of the report, for one cohort. By default a file in `reports/` beside the store. */
  report?: string | undefined
  /** Relative paths start here. The working directory by default. */
  baseDir?: string | undefined
  /** Where `env:` references are looked up. `process.env` by default. */
  env?: Record<string, string | undefined> | undefined
  /** What messages call the configuration. */
  where?: string | undefined
  /** Stops the run after the call that is under way. */
  signal?: AbortSignal | undefined
}

/** What came of it. */
export interface SyncResult {
  /** One for each cohort, in the order of the configuration. */
  runs: RunResult[]
}

/** The runs that ended well beside the one that failed. */
export type FailedSync = AudienceError & { runs?: RunResult[] }

/**
 * Brings the lists of Microsoft Advertising in line with the cohorts, one after the other. One that fails does not keep
 * the others back.
 *
 * @throws ConfigError for a configuration that cannot be used, before anything happens.
 * @throws AudienceError when a cohort failed; its `runs` are the results of the others.
 */
export async function syncAudience(options: SyncOptions, world: Partial<Runtime> = {}): Promise<SyncResult> {
  const {
    audience,
    cohortIds,
    full = false,
    dryRun = false,
    yes = false,
    report,
    onProgress = () => {},
    signal,
  } = options
  const settings = readAudienceConfig(audience, options)
  const cohorts = chosen(settings, cohortIds)
  if (report !== undefined && cohorts.length > 1) {
    throw new AudienceError('usage', 'One report is for one cohort. Choose it with --cohort-id.')
  }
  const runtime = systemRuntime({ ...(signal && { signal }), ...world })
  const client = dryRun
    ? undefined
    : createAdsClient({ credentials: settings.credentials(), endpoints: settings.endpoints, runtime })
  const ledger = openLedger(settings, dryRun)
  const runs: RunResult[] = []
  const failures: { cohort: Cohort; error: AudienceError }[] = []
  try {
    for (const cohort of cohorts) {
      try {
        runs.push(
          await runCohort({ settings, ledger, client, runtime, onProgress }, cohort, { full, dryRun, yes, report }),
        )
      } catch (error) {
        if (!(error instanceof AudienceError)) throw error
        failures.push({ cohort, error })
        if (error.code === 'aborted') break
      }
    }
  } finally {
    await ledger.close()
  }
  if (failures.length) throw Object.assign(together(failures), { runs })
  return { runs }
}

function chosen({ cohorts }: AudienceSettings, ids: readonly string[] | undefined): Cohort[] {
  if (!cohorts.length)
    throw new AudienceError(
      'usage',
      'The configuration has no cohorts. List them under "audience", or name one with --file, --cohort-id and --cohort-name.',
    )
  if (!ids) return cohorts
  return ids.map((id) => {
    const found = cohorts.find((cohort) => cohort.id === id)
    if (found) return found
    const known = cohorts.map((cohort) => JSON.stringify(cohort.id)).join(', ')
    throw new AudienceError('usage', `There is no cohort ${JSON.stringify(id)}; the configuration has ${known}.`)
  })
}

/** A dry run must not leave a store behind where there was none. */
export function openLedger({ store }: Pick<AudienceSettings, 'store'>, dryRun = false): Ledger {
  if (store.kind === 'postgres') return postgresLedger(store.url)
  return sqliteLedger(dryRun && !existsSync(store.path) ? ':memory:' : store.path)
}

function together(failures: { cohort: Cohort; error: AudienceError }[]): AudienceError {
  const [first] = failures
  if (failures.length === 1) return first!.error
  const lines = failures.map(({ cohort, error }) => `${cohort.id}: ${error.message}`)
  return new AudienceError(first!.error.code, lines.join('\n'))
}
