import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { AdsClient } from './ads/client.ts'
import { LIMITS } from './ads/limits.ts'
import type { Comparison } from './compare.ts'
import type { AudienceSettings, Cohort } from './config.ts'
import { count } from './hashes.ts'
import type { Ledger, ListKey, ListRecord } from './ledger.ts'
import { type PlannedStep, planSteps } from './plan.ts'
import type { Tell } from './progress.ts'
import type { RowLog } from './report.ts'
import { type Runtime, stopped } from './runtime.ts'
import { type Sender, sendChange } from './send.ts'

/** What Microsoft refused, in people. */
export interface Refused {
  adds: number
  /** Sent again by a full run; these stay on the list. */
  kept: number
  /** Could not be removed, by reason. */
  removals: Map<string, number>
}

export const nothingRefused = (): Refused => ({ adds: 0, kept: 0, removals: new Map() })

export const sum = (people: Map<string, number>): number => [...people.values()].reduce((all, some) => all + some, 0)

export interface ApplyContext {
  settings: Pick<AudienceSettings, 'acceptTerms' | 'endpoints' | 'scratch'>
  ledger: Ledger
  client: AdsClient
  runtime: Runtime
  progress: Tell
}

/** When so many hashes are settled they are taken into the buckets, so that no more are in memory at one time. */
const FOLD_AFTER = 250_000

/** Sends what the comparison found, in calls and files of the size that Microsoft takes, and marks the rows that failed. */
export async function applyChanges(
  context: ApplyContext,
  cohort: Cohort,
  list: ListRecord & { listId: string },
  { changes, add, remove }: Comparison,
  log: RowLog,
  full: boolean,
): Promise<Refused> {
  const { settings, ledger, client, runtime, progress } = context
  const refused = nothingRefused()
  const steps = planSteps(changes, { apply: cohort.apply, full, reset: list.reset })
  const total = steps.reduce((all, step) => all + step.count, 0)
  const bulkRows = settings.endpoints.sandbox ? LIMITS.sandboxBulkRows : LIMITS.bulkRows
  let [done, unfolded] = [0, 0]
  const sender: Sender = {
    ...{ client, ledger, key: list, listId: list.listId, acceptTerms: settings.acceptTerms },
    bulkPath: join(settings.scratch, `.uetkit-${digest(list)}.zip`),
    onBulkPercent: (percent) => progress({ phase: 'send', done, total, message: `file ${percent} %` }),
  }
  const refuse = (step: PlannedStep, row: number, reason: string) => {
    if (step.action === 'Remove') {
      refused.removals.set(reason, (refused.removals.get(reason) ?? 0) + 1)
      return
    }
    if (log.statusOf(row) === 'unchanged') refused.kept++
    else refused.adds++
    log.set(row, { status: 'failed', reason })
  }

  if (total) progress({ phase: 'send', done, total })
  for (const step of steps) {
    let { action } = step
    const records = action === 'Remove' ? remove : add
    for (const { hashes, rows } of records.chunks(step.by === 'bulk' ? bulkRows : LIMITS.itemsPerCall)) {
      if (runtime.signal?.aborted) throw stopped()
      const begun = action === 'Replace' ? () => ledger.save({ ...list, reset: false }) : undefined
      const failed = await sendChange(sender, { action, by: step.by, hashes }, begun)
      for (const [place, reason] of failed) refuse(step, rows[place]!, reason)
      // A Replace wipes what came before, so it is the first of its kind and the last.
      if (action === 'Replace') action = 'Add'
      done += count(hashes)
      unfolded += count(hashes)
      if (unfolded >= FOLD_AFTER) {
        await ledger.fold(list)
        unfolded = 0
      }
      progress({ phase: 'send', done, total })
    }
  }
  return refused
}

const digest = ({ owner, cohortId }: ListKey): string =>
  createHash('sha256')
    .update(JSON.stringify([owner, cohortId]))
    .digest('hex')
    .slice(0, 16)
