import type { RunResult } from '../../audience/result.ts'

/** https://help.ads.microsoft.com/apex/index/3/en/56921 */
export const WHERE_TO_FIND =
  'A list can take up to 24 hours (Microsoft says 48) until it is populated. Find it in Microsoft Advertising under Tools > Audiences.'

const number = (value: number): string => value.toLocaleString('en-US')

/** What a run did, for people. Notices are not repeated: they were shown when they came up. */
export function summary(run: RunResult): string {
  const { listName, listId, dryRun, created, full, members, added, removed, unchanged, failed, exclusions, report } =
    run
  const { unresolvedMapping, partnerRequirementUnmet, duplicate } = exclusions
  const head = dryRun ? 'would get' : created ? 'made anew' : full ? 'everybody sent again' : 'up to date'
  const lines = [
    `${listName}${listId ? ` (${listId})` : ''}: ${listId || dryRun ? head : 'no list, as nobody is left to put on it'}`,
    `  ${number(added)} added, ${number(removed)} removed, ${number(unchanged)} unchanged, ${number(failed)} failed; ${number(members)} people on the list`,
  ]
  if (unresolvedMapping || partnerRequirementUnmet || duplicate) {
    lines.push(
      `  rows left out: ${number(unresolvedMapping)} Unresolved Mapping (no e-mail), ${number(partnerRequirementUnmet)} Partner Requirement Unmet (malformed), ${number(duplicate)} Duplicate`,
    )
  }
  if (failed) lines.push('  those who failed are tried again by the next run')
  if (report) lines.push(`  report: ${report}`)
  return lines.join('\n')
}
