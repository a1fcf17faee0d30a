import { Command, InvalidArgumentError, Option } from 'commander'
import type { AudienceFlags } from './audience/config.ts'
import type { LoginFlags } from './audience/login.ts'
import { action } from './output.ts'

const config = () => new Option('--config <file>', 'configuration (default: uetkit.config.json, else the environment)')

const sandbox = () => new Option('--sandbox', "Microsoft's sandbox instead of production")

/** `uetkit audience`: cohorts become customer lists. What is heavy is imported when it runs. */
export function audienceCommand(): Command {
  return new Command('audience')
    .description('keep customer lists in Microsoft Advertising equal to cohorts')
    .addCommand(
      new Command('login')
        .description('sign in to Microsoft Advertising in the browser and store the refresh token')
        .addOption(config())
        .addOption(sandbox())
        .addOption(new Option('--port <n>', 'fixed port for the answer of the sign-in').argParser(toPort))
        .option('--no-browser', 'print the address instead of opening it')
        .action(action<LoginFlags>(async (...args) => (await import('./audience/login.ts')).login(...args))),
    )
    .addCommand(
      new Command('sync')
        .description('one run: send what changed since the last one')
        .addOption(config())
        .addOption(sandbox())
        .option(
          '--file <path>',
          'one cohort from this file, "-" for standard input, instead of those in the configuration',
        )
        .addOption(new Option('--format <name>', 'format of the file').choices(['csv', 'ndjson']))
        .option('--cohort-id <id>', 'id of the cohort; without --file: only this one of the configuration')
        .option('--cohort-name <name>', 'name of the cohort, with --file')
        .option('--email-column <name>', 'column with the e-mail address, plain or hashed (default: email)')
        .option(
          '--user-id-column <name>',
          'column that names people in the report (default: user_id where there is one)',
        )
        .option('--accept-customer-match-terms', 'accept the terms of customer match for what is sent')
        .option('--full', 'send everybody again; make a list anew that is gone')
        .option('--dry-run', 'show what would be sent, and send nothing')
        .option('--yes', 'allow a run that more than halves or empties a list')
        .option('--report <path>', 'where to write the report (default: reports/ beside the store)')
        .action(action<AudienceFlags>(async (...args) => (await import('./audience/sync.ts')).sync(...args))),
    )
    .addCommand(
      new Command('watch')
        .description('run the cohorts of the configuration on their cadence until stopped')
        .addOption(config())
        .addOption(sandbox())
        .option('--cohort-id <id>', 'only this cohort')
        .action(action<AudienceFlags>(async (...args) => (await import('./audience/watch.ts')).watch(...args))),
    )
    .addCommand(
      new Command('status')
        .description('lists, their sizes, and last runs')
        .addOption(config())
        .addOption(sandbox())
        .action(action<AudienceFlags>(async (flags) => (await import('./audience/status.ts')).status(flags))),
    )
}

function toPort(text: string): number {
  const port = Number(text)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new InvalidArgumentError('a port, 0 to 65535')
  return port
}
