import type { ReadCohort } from './cohort.ts'
import { diff, type Known } from './diff.ts'
import { BUCKETS, HASH_BYTES } from './hashes.ts'
import type { Changes } from './plan.ts'
import { type RecordFile, recordFile } from './record-file.ts'
import type { RowOutcome } from './report.ts'

/** What the comparison found, in files: whom to send and whom to remove. */
export interface Comparison {
  changes: Changes
  /** To add; with `all`, those too that are on the list already. */
  add: RecordFile
  remove: RecordFile
  close(): void
}

const ADDED: RowOutcome = { status: 'added', reason: '' }
const UNCHANGED: RowOutcome = { status: 'unchanged', reason: '' }
const DUPLICATE: RowOutcome = { status: 'excluded', reason: 'Duplicate' }

/**
 * Compares the cohort with the list, bucket by bucket, and writes into the log what is to become of each row.
 *
 * @param all send everybody again, not only who is missing
 */
export async function compare(
  cohort: ReadCohort,
  knownOf: (bucket: number) => Promise<Known>,
  all: boolean,
  scratch: string,
  onBucket: (bucket: number) => void,
): Promise<Comparison> {
  const { spool, log, exclusions } = cohort
  const changes: Changes = { added: 0, removed: 0, kept: 0 }
  const add = recordFile(scratch)
  const remove = recordFile(scratch)
  const close = () => {
    add.close()
    remove.close()
  }
  try {
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const { hashes, rows, duplicates } = spool.bucket(bucket)
      for (const row of duplicates) log.set(row, DUPLICATE)
      exclusions.duplicate += duplicates.length
      diff(hashes, await knownOf(bucket), {
        add: (index) => {
          changes.added++
          log.set(rows[index]!, ADDED)
          add.append(hashes, index * HASH_BYTES, rows[index]!)
        },
        keep: (index) => {
          changes.kept++
          log.set(rows[index]!, UNCHANGED)
          if (all) add.append(hashes, index * HASH_BYTES, rows[index]!)
        },
        remove: (from, offset) => {
          changes.removed++
          remove.append(from, offset, 0)
        },
      })
      onBucket(bucket + 1)
    }
  } catch (error) {
    close()
    throw error
  }
  return { changes, add, remove, close }
}
