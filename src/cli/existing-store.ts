import { existsSync } from 'node:fs'
import type { RelayConfig } from '../relay/config.ts'
import type { Outbox } from '../relay/outbox/outbox.ts'
import { CliError } from './output.ts'

/** Opens a store that has to be there: one made because of a mistyped path would say that nothing waits. */
export async function openExisting(store: RelayConfig['outbox']): Promise<Outbox> {
  if (store.kind === 'sqlite' && !existsSync(store.path)) {
    throw new CliError('no_store', `there is no store at ${store.path}. A relay makes it at its first start`, 2)
  }
  const { openOutbox } = await import('../relay/node.ts')
  return openOutbox(store)
}
