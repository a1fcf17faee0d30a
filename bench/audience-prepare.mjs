// One run of the built package, as users have it, in a process whose peak memory is its own.
import { join } from 'node:path'
import { syncAudience } from '../dist/audience.js'

const [folder, owner] = process.argv.slice(2)
const audience = {
  credentials: { clientId: 'x', customerId: owner, accountId: owner },
  store: `sqlite:${join(folder, 'audience.db')}`,
  cohorts: [{ id: 'c', name: 'Bench', source: { file: join(folder, 'members.csv') } }],
}
const start = performance.now()
const { runs } = await syncAudience({ audience, dryRun: true, report: join(folder, 'report.csv') })
const ms = performance.now() - start
const { added, removed } = runs[0]
process.stdout.write(JSON.stringify({ ms, added, removed, peakMb: process.resourceUsage().maxRSS / 1_024 }))
