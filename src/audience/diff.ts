import { compareAt, HASH_BYTES, type Hashes } from './hashes.ts'

/** What is known of the list, for one bucket. */
export interface Known {
  /** Microsoft acknowledged these. */
  members: Hashes
  /** Sent without a clear answer: these may be on the list or not. */
  doubtful: Hashes
}

/** Called once for each hash, in ascending order. */
export interface DiffVisitor {
  /** To add: not on the list, or not surely. `index` counts the cohort's hashes. */
  add(index: number): void
  /** On the list and in the cohort. */
  keep(index: number): void
  /** To remove: on the list, or perhaps, and not in the cohort. Which set holds it, and at which byte offset. */
  remove(from: Hashes, offset: number): void
}

/**
 * Compares the cohort with what is known of the list. What is in doubt counts as absent when it should be there, and
 * as present when it should not: adding twice and removing what is absent do no harm, leaving a person on a list does.
 */
export function diff(cohort: Hashes, { members, doubtful }: Known, visit: DiffVisitor): void {
  let [c, m, d] = [0, 0, 0]
  while (c < cohort.length || m < members.length || d < doubtful.length) {
    // The smallest hash at hand decides which of the three hold it.
    let [from, at] = [cohort, c]
    if (at >= from.length || (m < members.length && compareAt(members, m, from, at) < 0)) [from, at] = [members, m]
    if (at >= from.length || (d < doubtful.length && compareAt(doubtful, d, from, at) < 0)) [from, at] = [doubtful, d]
    const inCohort = c < cohort.length && !compareAt(cohort, c, from, at)
    const isMember = m < members.length && !compareAt(members, m, from, at)
    const inDoubt = d < doubtful.length && !compareAt(doubtful, d, from, at)
    if (!inCohort) visit.remove(from, at)
    else if (isMember && !inDoubt) visit.keep(c / HASH_BYTES)
    else visit.add(c / HASH_BYTES)
    if (inCohort) c += HASH_BYTES
    if (isMember) m += HASH_BYTES
    if (inDoubt) d += HASH_BYTES
  }
}
