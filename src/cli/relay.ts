import { Command, InvalidArgumentError, Option } from 'commander'
import type { DeadLetter, DeadSelection, Outbox } from '../relay/outbox/outbox.ts'
import { openExisting } from './existing-store.ts'
import { action, CliError, note, print, type Result, usageError } from './output.ts'
import { moveCommand } from './relay-move.ts'
import { untilSignal } from './signals.ts'

interface ConfigFlag {
  config?: string
}

interface SelectionFlags extends ConfigFlag {
  tag?: string
  all?: boolean
}

/** `uetkit relay`, its dead letters, and its doctor. */
export function relayCommand(): Command {
  return new Command('relay')
    .description('run the relay: events in, Conversions API out, none lost')
    .option('--config <file>', 'configuration (default: uetkit.config.json, else the environment)')
    .action(action<ConfigFlag>(run))
    .addCommand(deadCommand())
    .addCommand(moveCommand())
    .addCommand(
      new Command('doctor')
        .description('check configuration, store, token and clock, and say what to do')
        .option('--offline', 'do not ask the Conversions API')
        .action(action<ConfigFlag & { offline?: boolean }>(examine)),
    )
}

async function run(
  { config: file, json }: ConfigFlag & { json?: boolean },
  _: string[],
  command: Command,
): Promise<undefined> {
  const { loadConfig, startRelay } = await import('../relay/node.ts')
  const config = loadConfig(file)
  const stopped = untilSignal()
  const { url, adminUrl, relay, close } = await startRelay(config).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE' && error.code !== 'EACCES') throw error
    throw new CliError('port', `cannot listen: ${error.message}. Choose other values of "port" and "adminPort"`)
  })
  const tags = config.tags.map(({ id }) => id)
  if (json) print(command, JSON.stringify({ url, adminUrl, tags }))
  // The log says it too, in JSON, and whoever reads the log from a file expects nothing else there.
  else if (process.stderr.isTTY)
    note(command, `uetkit relay listens on ${url}, for operators on ${adminUrl}; tags ${tags.join(', ')}`)
  // A new token is read at the next sending; no need to wait for it.
  const resume = () => relay.courier.resume()
  process.on('SIGHUP', resume)
  await stopped
  await close()
  process.off('SIGHUP', resume)
  return undefined
}

function deadCommand(): Command {
  const selection = (command: Command, verb: string) =>
    command
      .argument('[refs...]', `dead letters to ${verb}`)
      .option('--tag <id>', `${verb} those of one tag`)
      .option('--all', `${verb} all of them`)
  return new Command('dead')
    .description('dead letters: events that Microsoft will not take')
    .addCommand(
      new Command('list')
        .description('list dead letters, oldest first')
        .option('--tag <id>', 'of one tag only')
        .option('--after <ref>', 'go on after this one')
        .addOption(new Option('--limit <n>', 'at most so many').default(50).argParser(toCount))
        .action(action<ConfigFlag & { tag?: string; after?: string; limit: number }>(list)),
    )
    .addCommand(
      new Command('show')
        .description('show one dead letter with what would have been sent')
        .argument('<ref>')
        .option('--user-data', 'with hashed identifiers and address')
        .action(action<ConfigFlag & { userData?: boolean }>(show)),
    )
    .addCommand(
      selection(new Command('retry').description('send dead letters again, with the same event ids'), 'retry').action(
        action<SelectionFlags>((flags, refs) =>
          change(flags, refs, async (outbox, chosen) => ({ retried: await outbox.retryDead(chosen) })),
        ),
      ),
    )
    .addCommand(
      selection(new Command('purge').description('delete dead letters for good'), 'delete').action(
        action<SelectionFlags>((flags, refs) =>
          change(flags, refs, async (outbox, chosen) => ({ purged: await outbox.purgeDead(chosen) })),
        ),
      ),
    )
}

function toCount(text: string): number {
  const count = Number(text)
  if (!Number.isInteger(count) || count < 1 || count > 10_000) throw new InvalidArgumentError('a number, 1 to 10000')
  return count
}

async function withOutbox<T>({ config: file }: ConfigFlag, use: (outbox: Outbox) => Promise<T>): Promise<T> {
  const { loadConfig } = await import('../relay/node.ts')
  const outbox = await openExisting(loadConfig(file).outbox)
  try {
    return await use(outbox)
  } finally {
    await outbox.close()
  }
}

function list({
  tag,
  after,
  limit,
  ...flags
}: ConfigFlag & { tag?: string; after?: string; limit: number }): Promise<Result> {
  return withOutbox(flags, async (outbox) => {
    const found = await outbox.deadLetters({ limit, ...(tag && { tagId: tag }), ...(after && { after }) })
    const lines = found.map((letter) =>
      [letter.ref, letter.tagId, new Date(letter.diedAt).toISOString(), plain(letter.reason), plain(letter.id)].join(
        '\t',
      ),
    )
    return {
      document: { deadLetters: found.map(describeLetter) },
      text: lines.length ? ['ref\ttag\tdied\treason\tevent', ...lines].join('\n') : 'no dead letters',
    }
  })
}

function show({ userData, ...flags }: ConfigFlag & { userData?: boolean }, [ref]: string[]): Promise<Result> {
  return withOutbox(flags, async (outbox) => {
    const letter = await outbox.deadLetter(ref!)
    if (!letter) throw new CliError('not_found', `there is no dead letter ${ref}. See uetkit relay dead list`)
    const event = JSON.parse(letter.body) as { userData?: object }
    if (!userData && event.userData) {
      event.userData = Object.fromEntries(Object.keys(event.userData).map((key) => [key, '[withheld]']))
    }
    return { document: { deadLetter: { ...describeLetter(letter), event } } }
  })
}

function change(
  { tag, all, ...flags }: SelectionFlags,
  refs: string[],
  act: (outbox: Outbox, selection: DeadSelection) => Promise<Record<string, number>>,
): Promise<Result> {
  if (Number(refs.length > 0) + Number(tag !== undefined) + Number(all === true) !== 1) {
    throw usageError('say which: refs, --tag <id>, or --all')
  }
  return withOutbox(flags, async (outbox) => {
    const document = await act(outbox, { ...(refs.length && { refs }), ...(tag && { tagId: tag }) })
    const [[verb, count]] = Object.entries(document) as [[string, number]]
    const missing = refs.length - count
    return {
      document,
      text: `${verb} ${count}${missing > 0 ? `; ${missing} of those named are no dead letters` : ''}`,
      exitCode: missing > 0 ? 3 : 0,
    }
  })
}

const describeLetter = ({ ref, tagId, id, name, reason, attempts, eventTime, receivedAt, diedAt }: DeadLetter) => ({
  ref,
  tagId,
  eventId: id,
  eventName: name,
  reason,
  attempts,
  eventTime: new Date(eventTime).toISOString(),
  receivedAt: new Date(receivedAt).toISOString(),
  diedAt: new Date(diedAt).toISOString(),
})

/** For a terminal, which obeys control characters. */
const plain = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]/gu, '?')

async function examine({ config: file, offline }: ConfigFlag & { offline?: boolean }): Promise<Result> {
  const { loadConfig } = await import('../relay/node.ts')
  const { examineRelay } = await import('../relay/doctor.ts')
  const checks = await examineRelay(loadConfig(file), { offline: offline ?? false })
  const signs = { ok: 'ok  ', warning: 'warn', failed: 'FAIL' }
  const failed = checks.some(({ status }) => status === 'failed')
  return {
    document: { ok: !failed, checks },
    text: checks
      .map(
        ({ status, name, detail, remedy }) =>
          `${signs[status]}  ${name}: ${detail}${remedy ? `\n      ${remedy}` : ''}`,
      )
      .join('\n'),
    exitCode: failed ? 1 : 0,
  }
}
