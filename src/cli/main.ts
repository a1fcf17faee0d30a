import { Command, CommanderError } from 'commander'
import { VERSION } from '../core/version.ts'
import { audienceCommand } from './audience.ts'
import { demoCommand } from './demo.ts'
import { doctorCommand } from './doctor.ts'
import { mockCommand } from './mock.ts'
import { exitCodeOf, failureOf } from './output.ts'
import { relayCommand } from './relay.ts'

/** Where a run of the command line writes. */
export interface CliOutput {
  writeOut(text: string): void
  writeErr(text: string): void
}

/** Each command is one file that makes a commander `Command`. What is heavy is imported by its action only. */
export type MakeCommand = () => Command

const COMMANDS: MakeCommand[] = [relayCommand, audienceCommand, demoCommand, doctorCommand, mockCommand]

/**
 * Runs one command line and answers its exit code. Results go to standard output, everything else to standard error;
 * with `--json` standard output holds exactly one JSON document, on failure too.
 */
export async function main(
  argv: readonly string[],
  output: CliOutput = {
    writeOut: (text) => process.stdout.write(text),
    writeErr: (text) => process.stderr.write(text),
  },
  commands: readonly MakeCommand[] = COMMANDS,
): Promise<number> {
  const end = argv.indexOf('--')
  const json = argv.slice(0, end < 0 ? undefined : end).includes('--json')
  const program = new Command('uetkit')
    .description('Microsoft Advertising UET: relay, audience sync, demo and stand-ins')
    .version(VERSION)
    .option('--json', 'print one JSON document')
  for (const make of commands) program.addCommand(make())
  const settle = (command: Command): void => {
    command.exitOverride().configureHelp({ showGlobalOptions: true })
    command.configureOutput({ ...output, ...(json && { outputError: () => {} }) })
    command.commands.forEach(settle)
  }
  settle(program)
  try {
    await program.parseAsync(argv, { from: 'user' })
    return exitCodeOf(program)
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0
      const message = error.code === 'commander.help' ? 'no command given' : error.message.replace(/^error: /, '')
      if (json) output.writeOut(`${JSON.stringify({ error: { code: 'usage', message } })}\n`)
      return 2
    }
    const { document, exitCode } = failureOf(error)
    if (json) output.writeOut(`${JSON.stringify(document)}\n`)
    else output.writeErr(`uetkit: ${document.error.message}\n`)
    return exitCode
  }
}
