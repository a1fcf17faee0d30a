import { Command } from 'commander'
import type { RelayConfig } from '../relay/config.ts'
import { openExisting } from './existing-store.ts'
import { action, note, type Result, usageError } from './output.ts'
import { untilSignal } from './signals.ts'

/** `uetkit relay move`: what waits goes from one store into another. */
export const moveCommand = (): Command =>
  new Command('move')
    .description('move waiting events from one store to another, while relays work with both')
    .argument('<from>', '"sqlite:<path>", "postgres://…", or "env:NAME" with such an address')
    .argument('<to>', 'where to, in the same form')
    .option('--retry-dead', 'let the dead letters of the old store wait again first, so that they are moved too')
    .action(action<{ retryDead?: boolean }>(move))

async function readStore(address: string): Promise<RelayConfig['outbox']> {
  const { readOutbox } = await import('../relay/config.ts')
  const { resolveSecret } = await import('../config/secrets.ts')
  if (!/^(sqlite:.|postgres(ql)?:\/\/.|env:.|file:.)/s.test(address)) {
    throw usageError('name the stores as "sqlite:<path>" or "postgres://…", or as "env:NAME" with such an address')
  }
  return readOutbox(address, '.', (found) => {
    const secret = resolveSecret(found, { key: 'the store', baseDir: '.', env: process.env })
    return () => secret.reveal()
  })
}

async function move({ retryDead }: { retryDead?: boolean }, [from, to]: string[], command: Command): Promise<Result> {
  if (from === to) throw usageError('the stores are the same')
  const { moveOutbox, openOutbox } = await import('../relay/node.ts')
  const [old, next] = [await readStore(from!), await readStore(to!)]
  const source = await openExisting(old)
  const target = openOutbox(next)
  const stop = new AbortController()
  void untilSignal().then(() => stop.abort())
  let told = 0
  try {
    const retried = retryDead ? await source.retryDead({}) : 0
    const moved = await moveOutbox(source, target, {
      signal: stop.signal,
      onProgress: ({ moved, left }) => {
        if (Date.now() - told < 5_000 || left === 0) return
        told = Date.now()
        note(
          command,
          `${moved} moved, ${left} left. Those that are being sent or wait for their next attempt come later`,
        )
      },
    })
    const counts = await source.counts()
    const left = counts.reduce((sum, { waiting, leased }) => sum + waiting + leased, 0)
    const dead = counts.reduce((sum, one) => sum + one.dead, 0)
    const rest = left > 0 ? `; ${left} still wait in the old one, run it again` : ''
    const letters = dead > 0 ? `; ${dead} dead letters stayed in the old one, --retry-dead moves them too` : ''
    return {
      document: { moved, left, dead, retried },
      text: `${moved} events moved${rest}${letters}`,
      exitCode: left > 0 ? 3 : 0,
    }
  } finally {
    await Promise.all([source.close(), target.close()])
  }
}
