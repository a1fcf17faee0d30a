import type { Command } from 'commander'
import type { RunResult } from '../../audience/result.ts'
import { syncAudience } from '../../audience/sync.ts'
import type { Result } from '../output.ts'
import { untilDone } from '../signals.ts'
import { type AudienceFlags, checkFlags, loadAudienceConfig } from './config.ts'
import { progressLine } from './progress.ts'
import { summary, WHERE_TO_FIND } from './summary.ts'

/** `uetkit audience sync` */
export async function sync(flags: AudienceFlags, _: string[], command: Command): Promise<Result> {
  checkFlags(flags)
  const { file, cohortId, full, dryRun, yes, report } = flags
  const progress = progressLine(command)
  const { runs } = await untilDone((signal) =>
    syncAudience({
      ...loadAudienceConfig(flags),
      ...(file === undefined && cohortId !== undefined && { cohortIds: [cohortId] }),
      ...{ full, dryRun, yes, report, signal },
      onProgress: progress.show,
    }),
  ).finally(progress.clear)
  const leftOut = runs.some(({ excluded, failed }) => excluded + failed > 0)
  return { document: { runs }, text: textOf(runs), exitCode: leftOut ? 3 : 0 }
}

function textOf(runs: RunResult[]): string {
  const sent = runs.some(({ listId, dryRun }) => listId !== null && !dryRun)
  return [...runs.map(summary), ...(sent ? [WHERE_TO_FIND] : [])].join('\n')
}
