import { toHex } from '../hashes.ts'
import type { Change } from '../ledger.ts'
import type { JsonObject } from './call.ts'
import { AdsError, actionOf, concernsItem, faultError, readFaults } from './faults.ts'

/** What became of the items of one change, by their places; those in neither map took effect. Values: Microsoft's error name. */
export interface ItemOutcome {
  rejected: Map<number, string>
  doubtful: Map<number, string>
}

const NAME = 'ApplyCustomerListUserData'
const ROUNDS = 3

/**
 * Sends up to 1,000 hashes in one call, and again those alone that met an error that passes. A 200 says per item what
 * failed; errors about the whole call can hide there too and are thrown.
 * https://learn.microsoft.com/en-us/advertising/campaign-management-service/applycustomerlistuserdata
 */
export async function applyItems(
  call: (name: string, path: string, body: JsonObject) => Promise<JsonObject>,
  listId: string,
  { action, hashes }: Pick<Change, 'action' | 'hashes'>,
  acceptTerms: boolean,
): Promise<ItemOutcome> {
  const items = toHex(hashes)
  const outcome: ItemOutcome = { rejected: new Map(), doubtful: new Map() }
  let places = items.map((_, index) => index)
  let now = action
  for (let round = 1; places.length; round++) {
    const body = await inDoubtAfter(round > 1, () =>
      call(NAME, '/CustomerListUserData/Apply', {
        CustomerListUserData: {
          AudienceId: listId,
          ActionType: now,
          CustomerListItemSubType: 'Email',
          CustomerListItems: places.map((place) => items[place]),
          ...(acceptTerms && { AcceptCustomerMatchTerm: true }),
        },
      }),
    )
    const last = round >= ROUNDS
    // An answer without the list of errors confirms nothing; sending the same again does no harm.
    if (body.PartialErrors === undefined && !last) continue
    const again = new Map<number, string>()
    for (const fault of readFaults({ PartialErrors: body.PartialErrors })) {
      if (!concernsItem(fault, places.length)) {
        if (actionOf(fault) !== 'retry' || last)
          return await inDoubtAfter(round > 1, () => Promise.reject(faultError(NAME, fault)))
        places.forEach((place) => again.set(place, fault.name))
        continue
      }
      const place = places[fault.index!]!
      if (actionOf(fault) === 'retry') again.set(place, fault.name)
      else outcome.rejected.set(place, fault.name)
    }
    // What a Replace left out must not wipe the rest.
    if (again.size < places.length && now === 'Replace') now = 'Add'
    outcome.rejected.forEach((_, place) => again.delete(place))
    if (last) outcome.doubtful = again
    places = last ? [] : [...again.keys()]
  }
  return outcome
}

/** What earlier rounds did stays done, whatever a later one meets. */
async function inDoubtAfter<T>(earlier: boolean, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (earlier && error instanceof AdsError) error.ambiguous = true
    throw error
  }
}
