import { rmSync } from 'node:fs'
import type { BulkOutcome } from './ads/bulk.ts'
import { writeBulkFile } from './ads/bulk-file.ts'
import type { AdsClient } from './ads/client.ts'
import { AdsError, concernsItem, faultError, unanswered } from './ads/faults.ts'
import { type FailedItems, inDoubt } from './ads/items.ts'
import { compareAt, count, HASH_BYTES, type Hashes, hexAt } from './hashes.ts'
import type { Change, ChangeOutcome, Ledger, ListKey, OpenChange } from './ledger.ts'

/** What a change is sent with. */
export interface Sender {
  client: AdsClient
  ledger: Ledger
  key: ListKey
  listId: string
  acceptTerms: boolean
  /** A path for the file of a bulk upload. */
  bulkPath: string
  onBulkPercent(percent: number): void
}

const NONE: Hashes = new Uint8Array(0)
const UPLOADS = 3

type DoneBulk = Extract<BulkOutcome, { kind: 'done' }>

/**
 * Sends one change: written down before, settled after. When it fails, the ledger knows whether the list may have
 * changed: a change that is left open is in doubt for the next run.
 *
 * @param begun called when the change is written down, before it is sent
 */
export async function sendChange(
  sender: Sender,
  change: Change,
  begun: () => Promise<void> = async () => {},
): Promise<FailedItems> {
  const { ledger, key } = sender
  const id = await ledger.begin(key, change)
  await begun()
  try {
    const failed =
      change.by === 'items'
        ? await sender.client.applyItems(sender.listId, change, sender.acceptTerms)
        : await sendFile(sender, id, change)
    await ledger.settle(id, settled(change.hashes, failed))
    return failed
  } catch (error) {
    const withoutEffect = error instanceof AdsError && !error.ambiguous
    if (withoutEffect) await ledger.settle(id, { rejected: change.hashes, doubtful: NONE })
    throw error
  }
}

/**
 * What failed is in doubt rather than surely undone: an attempt before, whose answer was lost, may have done it. It is
 * tried again as long as it should be there, and removed when it should not.
 */
const settled = (hashes: Hashes, failed: FailedItems): ChangeOutcome => ({
  rejected: NONE,
  doubtful: pick(hashes, failed),
})

/** The hashes at these places, in their order. */
function pick(hashes: Hashes, places: ReadonlyMap<number, string>): Hashes {
  const sorted = [...places.keys()].sort((a, b) => a - b)
  const picked = new Uint8Array(sorted.length * HASH_BYTES)
  sorted.forEach((place, index) => {
    picked.set(hashes.subarray(place * HASH_BYTES, (place + 1) * HASH_BYTES), index * HASH_BYTES)
  })
  return picked
}

async function sendFile(sender: Sender, id: number, change: Change): Promise<FailedItems> {
  const { bulkPath, listId, acceptTerms } = sender
  try {
    rmSync(bulkPath, { force: true })
    writeBulkFile(bulkPath, listId, change, acceptTerms)
    const outcome = await uploaded(sender, id)
    if (outcome) return await readOutcome(change.hashes, outcome)
  } finally {
    rmSync(bulkPath, { force: true })
  }
  throw unanswered('Bulk upload', `Microsoft took the file ${UPLOADS} times and did nothing with it.`)
}

/** Uploads the file until Microsoft is done with it. From the first try on, no error says that nothing happened. */
async function uploaded(
  { client, ledger, bulkPath, onBulkPercent }: Sender,
  id: number,
): Promise<DoneBulk | undefined> {
  let tried = false
  try {
    for (let upload = 1; upload <= UPLOADS; upload++) {
      const started = await client.bulk.start()
      await ledger.setRequest(id, started.requestId)
      const arrived = await client.bulk.send(started, bulkPath)
      tried = true
      if (!arrived) continue
      const outcome = await client.bulk.wait(started.requestId, onBulkPercent)
      if (outcome.kind === 'done') return outcome
    }
    return undefined
  } catch (error) {
    throw tried ? inDoubt(error) : error
  }
}

/** Which hashes a file left out, by the client ids of its rows. */
async function readOutcome(hashes: Hashes, { failures, refusal }: DoneBulk): Promise<FailedItems> {
  if (refusal) throw inDoubt(refusal)
  const failed: FailedItems = new Map()
  const items = count(hashes)
  for await (const row of failures) {
    const index = row.index ?? find(hashes, row.text)
    const fault = { code: row.code, name: row.name, index }
    if (!concernsItem(fault, items)) throw inDoubt(faultError('Bulk upload', fault))
    failed.set(index!, row.name)
  }
  return failed
}

/** The place of a hash in hex, for a row that came back without its client id. */
function find(hashes: Hashes, hex: string): number | undefined {
  if (!/^[0-9a-f]{64}$/i.test(hex)) return undefined
  const wanted = Buffer.from(hex, 'hex')
  let [low, high] = [0, count(hashes)]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareAt(hashes, middle * HASH_BYTES, wanted, 0) < 0) low = middle + 1
    else high = middle
  }
  return low < count(hashes) && hexAt(hashes, low * HASH_BYTES) === hex.toLowerCase() ? low : undefined
}

/**
 * Settles what an earlier run left open. A file that is still at work is waited for, as it could undo what comes after
 * it; everything else is in doubt.
 */
export async function settleOpen(
  open: readonly OpenChange[],
  ledger: Ledger,
  client: AdsClient,
  onBulkPercent: (percent: number) => void,
): Promise<void> {
  for (const { id, hashes, requestId } of open) {
    const outcome = requestId === undefined ? undefined : await client.bulk.wait(requestId, onBulkPercent)
    const failed = outcome?.kind === 'done' ? await readOutcome(hashes, outcome).catch(unknownOutcome) : undefined
    await ledger.settle(id, failed ? settled(hashes, failed) : { rejected: NONE, doubtful: hashes })
  }
}

/** The list itself was refused, or the result is lost; the run will find out what there is to know on its own. */
function unknownOutcome(error: unknown): undefined {
  if (!(error instanceof AdsError)) throw error
}
