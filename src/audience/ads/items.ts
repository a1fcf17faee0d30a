import { toHex } from '../hashes.ts'
import type { Change } from '../ledger.ts'
import type { JsonObject } from './call.ts'
import { AdsError, actionOf, concernsItem, faultError, readFaults } from './faults.ts'

/** The places of the items that failed, with Microsoft's error name; all others took effect. */
export type FailedItems = Map<number, string>

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
): Promise<FailedItems> {
  const items = toHex(hashes)
  const failed: FailedItems = new Map()
  let places = items.map((_, index) => index)
  let now = action
  for (let round = 1; places.length; round++) {
    const body = await call(NAME, '/CustomerListUserData/Apply', {
      CustomerListUserData: {
        AudienceId: listId,
        ActionType: now,
        CustomerListItemSubType: 'Email',
        CustomerListItems: places.map((place) => items[place]),
        ...(acceptTerms && { AcceptCustomerMatchTerm: true }),
      },
    }).catch((error: unknown) => {
      throw round > 1 ? inDoubt(error) : error
    })
    const last = round >= ROUNDS
    // An answer without the list of errors confirms nothing; sending the same again does no harm.
    if (body.PartialErrors === undefined && !last) continue
    const again = new Map<number, string>()
    for (const fault of readFaults({ PartialErrors: body.PartialErrors })) {
      if (!concernsItem(fault, places.length)) {
        if (actionOf(fault) !== 'retry' || last) throw inDoubt(faultError(NAME, fault))
        places.forEach((place) => again.set(place, fault.name))
        continue
      }
      const place = places[fault.index!]!
      if (actionOf(fault) === 'retry') again.set(place, fault.name)
      else failed.set(place, fault.name)
    }
    // What a Replace left out must not wipe the rest.
    if (again.size < places.length && now === 'Replace') now = 'Add'
    failed.forEach((_, place) => again.delete(place))
    if (last) again.forEach((name, place) => failed.set(place, name))
    places = last ? [] : [...again.keys()]
  }
  return failed
}

/** What earlier attempts did stays done, whatever a later one meets. */
export function inDoubt(error: unknown): unknown {
  if (error instanceof AdsError) error.ambiguous = true
  return error
}
