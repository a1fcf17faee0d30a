/**
 * What preparing a cohort costs: read, normalise, hash, compare, report, without sending. `npm run bench:audience`.
 * Times are shown as a ratio to bare SHA-256 over the same normalised addresses in the same process; memory is the peak
 * of a process of its own. `-- --rows 10000000` for other sizes, `-- --quick` for a small look.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { LIMITS } from '../src/audience/ads/limits.ts'
import { identify } from '../src/audience/identifier.ts'
import { sqliteLedger } from '../src/audience/ledger-sqlite.ts'
import { cohortSpool } from '../src/audience/spool.ts'

const { values } = parseArgs({
  options: {
    rows: { type: 'string' },
    quick: { type: 'boolean' },
    part: { type: 'string' },
    folder: { type: 'string' },
  },
})

const email = (n: number) => `person.${n}@example.com`
const OWNER = '1'

function writeSource(path: string, rows: number, from = 0): void {
  writeFileSync(path, 'user_id,email,plan\n')
  for (let start = 0; start < rows; start += 100_000) {
    let text = ''
    for (let n = from + start; n < from + Math.min(rows, start + 100_000); n++) text += `u${n},${email(n)},gold\n`
    appendFileSync(path, text)
  }
}

/** A store that holds these people, written as a run would leave it. */
async function writeLedger(folder: string, rows: number): Promise<void> {
  const ledger = sqliteLedger(join(folder, 'audience.db'))
  const key = { owner: OWNER, cohortId: 'c' }
  await ledger.save({
    ...key,
    listId: '2',
    name: '[uetkit] Bench: c',
    marker: 'm',
    emailRule: 'basic',
    reset: false,
    members: 0,
    fullAt: Date.now(),
  })
  const spool = cohortSpool(folder)
  for (let n = 0; n < rows; n++) spool.add((identify(email(n), 'basic') as { hash: string }).hash, n + 1)
  const none = new Uint8Array(0)
  for (let bucket = 0; bucket < 256; bucket++) {
    const { hashes } = spool.bucket(bucket)
    for (let start = 0; start < hashes.length; start += LIMITS.bulkRows * 32) {
      const id = await ledger.begin(key, {
        action: 'Add',
        by: 'bulk',
        hashes: hashes.subarray(start, start + LIMITS.bulkRows * 32),
      })
      await ledger.settle(id, { rejected: none, doubtful: none })
    }
    await ledger.fold(key)
  }
  spool.close()
  await ledger.close()
}

function baseline(rows: number): number {
  const addresses = Array.from({ length: Math.min(rows, 1_000_000) }, (_, n) => email(n))
  const start = performance.now()
  for (const address of addresses) createHash('sha256').update(address).digest('hex')
  return (performance.now() - start) * (rows / addresses.length)
}

/** One measurement in a process of its own. */
async function part(name: string, folder: string, rows: number): Promise<object> {
  if (name === 'ledger') return writeLedger(folder, rows).then(() => ({}))
  return { ms: baseline(rows) }
}

function measure(
  name: string,
  folder: string,
  rows: number,
): { ms: number; peakMb: number; added: number; removed: number } {
  const child = spawnSync(
    process.execPath,
    name === 'prepare'
      ? [join(import.meta.dirname, 'audience-prepare.mjs'), folder, OWNER]
      : [import.meta.filename, '--part', name, '--folder', folder, '--rows', `${rows}`],
    {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  if (child.status !== 0) throw new Error(`${name} ended with ${child.status ?? child.signal}`)
  return JSON.parse(child.stdout)
}

if (values.part) {
  process.stdout.write(JSON.stringify(await part(values.part, values.folder!, Number(values.rows))))
} else {
  const sizes = values.rows ? [Number(values.rows)] : values.quick ? [100_000] : [1_000_000, 10_000_000]
  for (const rows of sizes) {
    const folder = mkdtempSync(join(tmpdir(), 'uetkit-bench-'))
    try {
      writeSource(join(folder, 'members.csv'), rows)
      const bare = measure('baseline', folder, rows)
      const first = measure('prepare', folder, rows)
      measure('ledger', folder, rows)
      // Half of the change are people who left, half are new.
      writeSource(join(folder, 'members.csv'), rows, Math.round(rows * 0.005))
      const change = measure('prepare', folder, rows)
      const line = (what: string, { ms, peakMb, added, removed }: typeof first) =>
        `  ${what.padEnd(12)} ${(ms / 1_000).toFixed(1)} s, ${(ms / bare.ms).toFixed(2)} × the baseline, peak ${peakMb.toFixed(0)} MB; ${added} to add, ${removed} to remove`
      console.log(`${rows.toLocaleString('en-US')} rows; bare SHA-256 ${(bare.ms / 1_000).toFixed(1)} s`)
      console.log(line('first run', first))
      console.log(line('1 % changed', change))
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
}
