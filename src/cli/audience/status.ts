import { audienceStatus, type ListStatus } from '../../audience/status.ts'
import type { Result } from '../output.ts'
import { untilDone } from '../signals.ts'
import { type AudienceFlags, loadAudienceConfig } from './config.ts'

/** `uetkit audience status` */
export async function status(flags: AudienceFlags): Promise<Result> {
  const { lists } = await untilDone((signal) => audienceStatus({ ...loadAudienceConfig(flags), signal }))
  const text = lists.length ? lists.map(line).join('\n') : 'No lists yet. Run "uetkit audience sync".'
  return { document: { lists }, text, exitCode: lists.some(({ gone }) => gone) ? 3 : 0 }
}

const size = (people: number | null): string => (people === null ? 'not counted yet' : people.toLocaleString('en-US'))

function line({ listName, listId, searchSize, audienceNetworkSize, members, lastRun, gone }: ListStatus): string {
  const state = gone
    ? 'Microsoft Advertising no longer has this list; run "uetkit audience sync --full" to make it anew'
    : undefined
  const lines = [
    `${listName}${listId ? ` (${listId})` : ''}`,
    `  ${members.toLocaleString('en-US')} people sent; matched: search ${size(searchSize)}, audience network ${size(audienceNetworkSize)}`,
    `  last run ${lastRun ?? 'never ended'}`,
  ]
  return [...lines, ...(state ? [`  ${state}`] : [])].join('\n')
}
