import type { Known } from './diff.ts'
import { BUCKETS, ofBucket, subtract, union } from './hashes.ts'
import type { Change, ChangeOutcome } from './ledger.ts'

export type SettledChange = Change & ChangeOutcome

/** The buckets that these changes touch. */
export const touchedBuckets = (changes: readonly SettledChange[]): number[] =>
  Array.from({ length: BUCKETS }, (_, bucket) => bucket).filter((bucket) =>
    changes.some(({ hashes }) => ofBucket(hashes, bucket).length > 0),
  )

/**
 * One bucket after settled changes, oldest first. What took effect is sure from then on; what is in doubt stays on
 * both sheets: it was a member or not, and may be one or not.
 */
export function foldBucket(known: Known, bucket: number, changes: readonly SettledChange[]): Known {
  let { members, doubtful } = known
  for (const change of changes) {
    const [all, rejected, unsure] = [change.hashes, change.rejected, change.doubtful].map((set) =>
      ofBucket(set, bucket),
    )
    const done = subtract(subtract(all!, rejected!), unsure!)
    members = change.action === 'Remove' ? subtract(members, done) : union(members, done)
    doubtful = union(subtract(doubtful, done), unsure!)
  }
  return { members, doubtful }
}
