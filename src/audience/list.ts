import { randomUUID } from 'node:crypto'
import type { AdsClient } from './ads/client.ts'
import { AdsError } from './ads/faults.ts'
import type { Cohort } from './config.ts'
import { AudienceError } from './errors.ts'
import type { Ledger, ListRecord } from './ledger.ts'

/** Begins the description of every list that we make, so that a list is known as ours without its ledger. */
const signature = (cohortId: string): string => `Kept by uetkit for the cohort ${cohortId}.`

const MAX_DESCRIPTION = 1_024

const description = (cohortId: string, marker: string): string =>
  `${signature(cohortId)} Do not edit. ${marker}`.slice(-MAX_DESCRIPTION)

/** Whether the list is still there. */
export async function listExists(client: AdsClient, listId: string): Promise<boolean> {
  try {
    return (await client.lists([listId]))[0] !== undefined
  } catch (error) {
    if (error instanceof AdsError && error.action === 'gone') return false
    throw error
  }
}

export const listGone = ({ name, listId }: ListRecord): AudienceError =>
  new AudienceError(
    'list_gone',
    `Microsoft Advertising no longer has the list "${name}" (${listId}). Campaigns that used it are without it. To make it anew, run with --full.`,
  )

/**
 * The list of this cohort, made if need be. What is asked for is written down first, with a marker that the list
 * carries, so that a lost answer or a crash never makes two lists.
 *
 * @param takeOver a list of this name that we made and lost the ledger of is taken over, its content to be replaced
 */
export async function ensureList(
  record: ListRecord,
  cohort: Cohort,
  client: AdsClient,
  ledger: Ledger,
  takeOver: boolean,
): Promise<ListRecord & { listId: string }> {
  if (record.listId !== undefined) return { ...record, listId: record.listId }
  await ledger.save(record)
  const { name, marker } = record
  const { scope, membershipDays } = cohort
  let made: ListRecord & { listId: string }
  try {
    const listId = await client.createList({
      name,
      marker,
      scope,
      membershipDays,
      description: description(cohort.id, marker),
    })
    made = { ...record, listId }
  } catch (error) {
    if (!(error instanceof AdsError) || error.action !== 'duplicate_name') throw error
    const other = (await client.lists()).find((list) => list.name === name)
    const ours = other?.description.startsWith(signature(cohort.id))
    if (!ours || !takeOver) throw nameTaken(name, ours === true)
    made = { ...record, listId: other!.id, reset: true }
  }
  await ledger.save(made)
  return made
}

const nameTaken = (name: string, ours: boolean): AudienceError =>
  new AudienceError(
    'list_exists',
    ours
      ? `Microsoft Advertising has a list "${name}" already, and this store does not know who is on it: its file was lost, or another one is in use. Use that store, or take the list over and replace its content with --full.`
      : `Microsoft Advertising has a list "${name}" already, which uetkit did not make. Delete or rename it there, or choose another namePrefix.`,
  )

export const newRecord = (
  owner: string,
  cohort: Cohort,
  emailRule: ListRecord['emailRule'],
  now: number,
): ListRecord => ({
  owner,
  cohortId: cohort.id,
  name: cohort.listName,
  marker: randomUUID(),
  emailRule,
  reset: false,
  members: 0,
  fullAt: now,
})
