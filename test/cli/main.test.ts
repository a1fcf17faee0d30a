import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { action, CliError, note, print, type Result, usageError } from '../../src/cli/output.ts'
import { ConfigError } from '../../src/config/errors.ts'
import { VERSION } from '../../src/core/version.ts'

const results: Record<string, () => Result | undefined> = {
  done: () => ({ document: { rows: 2 }, text: 'two rows' }),
  partly: () => ({ document: { rows: 1 }, exitCode: 3 }),
  endless: () => undefined,
  crash: () => {
    throw new Error('the disk said no')
  },
  config: () => {
    throw new ConfigError('tags.0.id: found "x"')
  },
  usage: () => {
    throw usageError('--file is missing')
  },
  own: () => {
    throw new CliError('sign_in', 'sign in first')
  },
}

const job = () =>
  new Command('job')
    .option('--config <file>')
    .argument('[what]')
    .addCommand(
      new Command('step').argument('<what>').action(
        action<{ config?: string }>(async ({ config }, [what], command) => {
          note(command, 'working')
          return { document: { what, config } }
        }),
      ),
    )
    .action(
      action(async (_, [what], command) => {
        if (what === 'endless') print(command, 'listening')
        return results[what ?? 'done']!()
      }),
    )

async function run(...argv: string[]) {
  let out = ''
  let err = ''
  const output = { writeOut: (text: string) => void (out += text), writeErr: (text: string) => void (err += text) }
  const code = await main(argv, output, [job])
  return { code, out, err }
}

describe('main', () => {
  it.each([
    ['job done', { code: 0, out: 'two rows\n', err: '' }],
    ['job done --json', { code: 0, out: '{\n  "rows": 2\n}\n', err: '' }],
    ['--json job', { code: 0, out: '{\n  "rows": 2\n}\n', err: '' }],
    ['job partly', { code: 3, out: '{\n  "rows": 1\n}\n', err: '' }],
    ['job endless', { code: 0, out: 'listening\n', err: '' }],
    ['job crash', { code: 1, out: '', err: 'uetkit: the disk said no\n' }],
    ['job crash --json', { code: 1, out: '{"error":{"code":"failed","message":"the disk said no"}}\n', err: '' }],
    ['job config', { code: 2, out: '', err: 'uetkit: tags.0.id: found "x"\n' }],
    [
      'job config --json',
      { code: 2, out: '{"error":{"code":"config","message":"tags.0.id: found \\"x\\""}}\n', err: '' },
    ],
    ['job usage', { code: 2, out: '', err: 'uetkit: --file is missing\n' }],
    ['job own --json', { code: 1, out: '{"error":{"code":"sign_in","message":"sign in first"}}\n', err: '' }],
    [
      'job step one --config x.json',
      { code: 0, out: '{\n  "what": "one",\n  "config": "x.json"\n}\n', err: 'working\n' },
    ],
    ['job step', { code: 2, out: '', err: "error: missing required argument 'what'\n" }],
    [
      'job step --json',
      { code: 2, out: '{"error":{"code":"usage","message":"missing required argument \'what\'"}}\n', err: '' },
    ],
    ['jbo', { code: 2, out: '', err: "error: unknown command 'jbo'\n(Did you mean job?)\n" }],
    [
      'job --nonsense --json',
      { code: 2, out: `{"error":{"code":"usage","message":"unknown option '--nonsense'"}}\n`, err: '' },
    ],
    ['--version', { code: 0, out: `${VERSION}\n`, err: '' }],
  ])('uetkit %s', async (line, expected) => {
    expect(await run(...line.split(' '))).toEqual(expected)
  })

  it('shows the help and calls it wrong usage when no command is given', async () => {
    const { code, out, err } = await run()
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain('Usage: uetkit')
  })

  it('lists the global option in the help of a command', async () => {
    const { code, out } = await run('job', 'step', '--help')
    expect(code).toBe(0)
    expect(out).toContain('--json')
    expect(out).toContain('--config')
  })

  it('states the version of the package', () => {
    expect(JSON.parse(readFileSync('package.json', 'utf8')).version).toBe(VERSION)
  })
})
