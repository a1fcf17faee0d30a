import type { EmailRule } from '../core/normalize.ts'
import { identify } from './identifier.ts'
import { type RowLog, type RowOutcome, rowLog } from './report.ts'
import type { SourceRows } from './sources/rows.ts'
import { type CohortSpool, cohortSpool } from './spool.ts'

/** Rows that take no part, by reason. */
export interface Exclusions {
  unresolvedMapping: number
  partnerRequirementUnmet: number
  /** Rows that repeat a person. */
  duplicate: number
}

/** The cohort as it was read: hashes in the spool, one outcome for each row in the log. */
export interface ReadCohort {
  spool: CohortSpool
  log: RowLog
  exclusions: Exclusions
  close(): void
}

const UNRESOLVED: RowOutcome = { status: 'excluded', reason: 'Unresolved Mapping' }
const UNMET: RowOutcome = { status: 'excluded', reason: 'Partner Requirement Unmet' }

/** Reads all rows, hashes them and forgets every address on the way. Nothing is compared or sent yet. */
export async function readCohort(
  rows: SourceRows,
  rule: EmailRule,
  scratch: string,
  onRows: (rows: number) => void,
): Promise<ReadCohort> {
  const spool = cohortSpool(scratch)
  const log = rowLog(scratch)
  const exclusions: Exclusions = { unresolvedMapping: 0, partnerRequirementUnmet: 0, duplicate: 0 }
  const close = () => {
    spool.close()
    log.close()
  }
  try {
    for await (const batch of rows) {
      for (const { email, userId } of batch) {
        const row = log.append(userId)
        const identified = identify(email, rule)
        if ('hash' in identified) spool.add(identified.hash, row)
        else if (identified.excluded === 'Unresolved Mapping') {
          exclusions.unresolvedMapping++
          log.set(row, UNRESOLVED)
        } else {
          exclusions.partnerRequirementUnmet++
          log.set(row, UNMET)
        }
      }
      onRows(log.rows)
    }
  } catch (error) {
    close()
    throw error
  }
  return { spool, log, exclusions, close }
}
