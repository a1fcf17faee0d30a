import type { Command } from 'commander'
import { type WatchOptions, watchAudience } from '../../audience/watch.ts'
import { note, print } from '../output.ts'
import { untilDone } from '../signals.ts'
import { type AudienceFlags, loadAudienceConfig } from './config.ts'
import { progressLine } from './progress.ts'
import { summary } from './summary.ts'

const time = (ms: number): string => new Date(ms).toISOString()

/** `uetkit audience watch`; with `--json` one line for each run. */
export async function watch(flags: AudienceFlags, _: string[], command: Command): Promise<undefined> {
  const { json, cohortId } = flags
  const progress = progressLine(command)
  const say = (document: object, text: string) => {
    progress.clear()
    if (json) print(command, JSON.stringify(document))
    else note(command, `${time(Date.now())} ${text}`)
  }
  const options: WatchOptions = {
    ...loadAudienceConfig(flags),
    ...(cohortId !== undefined && { cohortIds: [cohortId] }),
    onProgress: progress.show,
    onStart: (cohorts) => {
      const next = cohorts.map(({ cohortId: id, nextAt }) => ({ cohortId: id, next: time(nextAt) }))
      say({ watching: next }, `watching ${next.map(({ cohortId: id, next: at }) => `${id} (next ${at})`).join(', ')}`)
    },
    onRun: (run, nextAt) => say({ run, next: time(nextAt) }, `${summary(run)}\n  next run ${time(nextAt)}`),
    onFailure: (id, { code, message }, nextAt) =>
      say(
        { cohortId: id, error: { code, message }, next: time(nextAt) },
        `${id} failed: ${message}\n  next run ${time(nextAt)}`,
      ),
  }
  await untilDone((signal) => watchAudience({ ...options, signal }))
  progress.clear()
}
