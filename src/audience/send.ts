import { rmSync } from 'node:fs'
import type { BulkOutcome } from './ads/bulk.ts'
import { writeBulkFile } from './ads/bulk-file.ts'
import type { AdsClient } from './ads/client.ts'
import { AdsError, concernsItem, faultError, unanswered } from './ads/faults.ts'
import type { ItemOutcome } from './ads/items.ts'
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
): Promise<ItemOutcome> {
  const { ledger, key } = sender
  const id = await ledger.begin(key, change)
  await begun()
  try {
    const outcome =
      change.by === 'items'
        ? await sender.client.applyItems(sender.listId, change, sender.acceptTerms)
        : await sendFile(sender, id, change)
    await ledger.settle(id, settled(change.hashes, outcome))
    return outcome
  } catch (error) {
    if (isCertain(error)) await ledger.settle(id, { rejected: change.hashes, doubtful: NONE })
    throw error
  }
}

/** Surely without effect. */
const isCertain = (error: unknown): boolean => error instanceof AdsError && !error.ambiguous

const settled = (hashes: Hashes, { rejected, doubtful }: ItemOutcome): ChangeOutcome => ({
  rejected: pick(hashes, rejected),
  doubtful: pick(hashes, doubtful),
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

async function sendFile(sender: Sender, id: number, change: Change): Promise<ItemOutcome> {
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
    if (tried && error instanceof AdsError) error.ambiguous = true
    throw error
  }
}

/** Which hashes a file left out, by the client ids of its rows. */
async function readOutcome(hashes: Hashes, { failures, refusal }: DoneBulk): Promise<ItemOutcome> {
  if (refusal) throw refusal
  const rejected = new Map<number, string>()
  const items = count(hashes)
  for await (const row of failures) {
    const index = row.index ?? find(hashes, row.text)
    const fault = { code: row.code, name: row.name, index }
    if (!concernsItem(fault, items)) throw faultError('Bulk upload', fault)
    rejected.set(index!, row.name)
  }
  return { rejected, doubtful: new Map() }
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
    if (outcome?.kind !== 'done') {
      await ledger.settle(id, { rejected: NONE, doubtful: hashes })
      continue
    }
    try {
      await ledger.settle(id, settled(hashes, await readOutcome(hashes, outcome)))
    } catch (error) {
      if (!isCertain(error)) throw error
      // The list itself was refused; the run will find out why on its own.
      await ledger.settle(id, { rejected: hashes, doubtful: NONE })
    }
  }
}
