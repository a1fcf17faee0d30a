import { type CustomerList, createAdsClient } from './ads/client.ts'
import { readAudienceConfig } from './config.ts'
import { type Runtime, systemRuntime } from './runtime.ts'
import { openLedger, type SyncOptions } from './sync.ts'

export interface ListStatus {
  cohortId: string
  /** Null when the run that should have made the list did not get that far. */
  listId: string | null
  listName: string
  /** Matched people, null while Microsoft still counts. */
  searchSize: number | null
  audienceNetworkSize: number | null
  /** People on the list, as far as is known here. */
  members: number
  /** ISO 8601, null before the first run that ended. */
  lastRun: string | null
  /** Microsoft no longer has the list. */
  gone: boolean
}

/** Microsoft's limit for one call. */
const AT_ONCE = 100

/** The lists in the store, and what Microsoft says about their sizes. */
export async function audienceStatus(
  options: Pick<SyncOptions, 'audience' | 'baseDir' | 'env' | 'where' | 'signal'>,
  world: Partial<Runtime> = {},
): Promise<{ lists: ListStatus[] }> {
  const settings = readAudienceConfig(options.audience, options)
  const ledger = openLedger(settings, true)
  const owners = [settings.owner('Customer'), settings.owner('Account')]
  const records = (await ledger.all().finally(() => ledger.close())).filter(({ owner }) => owners.includes(owner))
  const ids = records.flatMap(({ listId }) => listId ?? [])
  const found = new Map<string, CustomerList | undefined>()
  if (ids.length) {
    const runtime = systemRuntime({ ...(options.signal && { signal: options.signal }), ...world })
    const client = createAdsClient({ credentials: settings.credentials(), endpoints: settings.endpoints, runtime })
    for (let start = 0; start < ids.length; start += AT_ONCE) {
      const some = ids.slice(start, start + AT_ONCE)
      const lists = await client.lists(some)
      some.forEach((id, index) => found.set(id, lists[index]))
    }
  }
  const lists = records.map(({ cohortId, listId, name, members, lastRun }): ListStatus => {
    const list = listId === undefined ? undefined : found.get(listId)
    return {
      cohortId,
      listId: listId ?? null,
      listName: name,
      searchSize: list?.searchSize ?? null,
      audienceNetworkSize: list?.audienceNetworkSize ?? null,
      members,
      lastRun: lastRun ? new Date(lastRun.at).toISOString() : null,
      gone: listId !== undefined && !list,
    }
  })
  return { lists }
}
