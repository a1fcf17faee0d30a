import { Command, InvalidArgumentError, Option } from 'commander'
import { action, print } from './output.ts'
import { untilSignal } from './signals.ts'

/** `uetkit demo`: the QA page with everything behind it on one machine; nothing outside is contacted. */
export function demoCommand(): Command {
  return new Command('demo')
    .description('a shop to try uetkit in: inspector, switches, a guided tour; nothing leaves this machine')
    .addOption(
      new Option('--port <n>', 'port on 127.0.0.1; a free one where it is taken').default(4600).argParser(toPort),
    )
    .action(action<{ port: number }>(run))
}

async function run(
  { port, json }: { port: number; json?: boolean },
  _: string[],
  command: Command,
): Promise<undefined> {
  const { startDemo } = await import('../../demo/server.ts')
  const stopped = untilSignal()
  const { url, adminUrl, close } = await startDemo({ port })
  print(
    command,
    json
      ? JSON.stringify({ url, adminUrl })
      : `The demo is at ${url}  (Ctrl+C ends it)\nThe relay at a glance: ${adminUrl}`,
  )
  await stopped
  await close()
  return undefined
}

function toPort(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError('a port is a number from 0 to 65535.')
  return port
}
