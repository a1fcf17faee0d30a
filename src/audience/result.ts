import { join } from 'node:path'
import { LIMITS } from './ads/limits.ts'
import { type Refused, sum } from './apply.ts'
import type { Exclusions, ReadCohort } from './cohort.ts'
import type { Cohort } from './config.ts'
import type { ListRecord } from './ledger.ts'
import type { Changes } from './plan.ts'
import type { RowOutcome } from './report.ts'

/** What one run did with the list of one cohort. Numbers are people, but for rows that were left out. */
export interface RunResult {
  cohortId: string
  /** Null while there is no list. */
  listId: string | null
  listName: string
  /** This run made the list. */
  created: boolean
  /** People on the list now, or after the changes of a dry run. */
  members: number
  added: number
  removed: number
  unchanged: number
  /** Rows left out, duplicates not counted. */
  excluded: number
  /** People whom Microsoft refused; the next run tries them again. */
  failed: number
  /** Rows left out, by reason. */
  exclusions: Exclusions
  /** Nothing was sent: the numbers say what would be. */
  dryRun: boolean
  /** Path of the report. */
  report: string | null
  /** Everybody was sent, not only who was missing. */
  full: boolean
  /** What the operator should know: a renamed cohort, a list too small to serve, … */
  notices: string[]
}

export interface Ended {
  list: ListRecord | undefined
  created: boolean
  full: boolean
  dryRun: boolean
  changes: Changes
  refused: Refused
  report: string | null
  notices: string[]
}

export function resultOf(cohort: Cohort, { exclusions }: ReadCohort, ended: Ended): RunResult {
  const { list, changes, refused, dryRun, created, full, report, notices } = ended
  const notRemoved = sum(refused.removals)
  return {
    cohortId: cohort.id,
    listId: list?.listId ?? null,
    listName: list?.name ?? cohort.listName,
    created,
    members: dryRun || !list ? changes.added + changes.kept : list.members,
    added: changes.added - refused.adds,
    removed: changes.removed - notRemoved,
    unchanged: changes.kept - refused.kept,
    excluded: exclusions.unresolvedMapping + exclusions.partnerRequirementUnmet,
    failed: refused.adds + refused.kept + notRemoved,
    exclusions: { ...exclusions },
    dryRun,
    report,
    full,
    notices,
  }
}

/** Writes a row for each source row, and one for each person who was only removed. */
export function writeReport(
  path: string,
  cohort: Cohort,
  { log }: ReadCohort,
  changes: Changes,
  { removals }: Refused,
): void {
  const failed = [...removals].map(([reason, people]): { outcome: RowOutcome; count: number } => ({
    outcome: { status: 'failed', reason },
    count: people,
  }))
  const removed = { outcome: { status: 'removed', reason: '' } as const, count: changes.removed - sum(removals) }
  log.write(path, cohort.id, [removed, ...failed])
}

export const reportPath = (directory: string, cohortId: string, now: number): string =>
  join(
    directory,
    `${cohortId.replace(/[^\w.-]+/g, '_').slice(0, 60)}-${new Date(now).toISOString().replace(/[:.]/g, '-')}.csv`,
  )

/** https://help.ads.microsoft.com/apex/index/3/en/56921 */
export const tooSmall = (members: number): string | undefined =>
  members > 0 && members < LIMITS.servingMinimum
    ? `The list has ${members} people; Microsoft serves no list with fewer than ${LIMITS.servingMinimum} matched active people.`
    : undefined
