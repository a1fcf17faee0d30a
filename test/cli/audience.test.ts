import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { type FakeServer, fakeServer } from '../audience/support/fake-server.ts'
import { scratch } from '../audience/support/scratch.ts'
import { type CliProcess, spawnCli } from '../support/cli.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const EXAMPLE = 'user_id,email\nA,user@example.com\nB,\nC,invalid\n'

let folder: string
let server: FakeServer
let env: Record<string, string>
const running = new Set<CliProcess>()

const write = (name: string, content: unknown) =>
  writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content))
const path = (name: string) => join(folder, name)

function writeConfig(more: object = {}, credentials: object = {}) {
  const { clientId, customerId, accountId } = server.fake.credentials
  write('uetkit.config.json', {
    audience: {
      credentials: {
        clientId,
        clientSecret: 'env:MSADS_CLIENT_SECRET',
        refreshToken: 'file:./data/token.json',
        developerToken: 'env:MSADS_DEVELOPER_TOKEN',
        customerId,
        accountId,
        ...credentials,
      },
      endpoints: server.fake.endpoints(server.origin),
      acceptCustomerMatchTerms: true,
      cohorts: [{ id: 'abc123', name: 'High Value Users', cadence: 'daily', source: { file: './members.csv' } }],
      ...more,
    },
  })
}

beforeEach(async () => {
  folder = scratch()
  server = await fakeServer({ bulkMs: 0 })
  const { clientSecret, developerToken, refreshToken } = server.fake.credentials
  env = { MSADS_CLIENT_SECRET: clientSecret!, MSADS_DEVELOPER_TOKEN: developerToken }
  write('members.csv', EXAMPLE)
  writeConfig({}, { refreshToken: 'env:MSADS_REFRESH_TOKEN' })
  env.MSADS_REFRESH_TOKEN = refreshToken
})
afterEach(async () => {
  for (const { child, ended } of running) {
    child.kill('SIGKILL')
    await ended
  }
  running.clear()
  server.close()
  expect(server.fake.violations).toEqual([])
  rmSync(folder, { recursive: true })
})

/** A process of its own, in the folder of the configuration. */
function start(...args: string[]): CliProcess {
  const process = spawnCli(['audience', ...args], env, folder)
  running.add(process)
  return process
}
const run = (...args: string[]) => start(...args).ended

/** The same without the cost of a process; secrets come from this one's environment. */
async function inside(...args: string[]) {
  let [out, err] = ['', '']
  const output = { writeOut: (text: string) => void (out += text), writeErr: (text: string) => void (err += text) }
  const before = { ...process.env }
  Object.assign(process.env, env)
  try {
    const code = await main(['audience', ...args], output)
    return { code, out, err }
  } finally {
    process.env = before
  }
}
const configured = () => ['--config', path('uetkit.config.json')]

describe('uetkit audience sync', () => {
  it('syncs the example: A on the list, B and C left out and reported, exit code 3', async () => {
    const { code, out, err } = await run('sync')
    expect(code).toBe(3)
    expect(out).toMatch(/\[uetkit\] High Value Users: abc123 \(9007199254740993\): made anew/)
    expect(out).toMatch(/1 added, 0 removed, 0 unchanged, 0 failed; 1 people on the list/)
    expect(out).toMatch(/1 Unresolved Mapping .*, 1 Partner Requirement Unmet .*, 0 Duplicate/)
    expect(out).toMatch(/up to 24 hours \(Microsoft says 48\).*Tools > Audiences/)
    expect(err).toMatch(/abc123: The list has 1 people; .* fewer than 300/)
    expect([...server.fake.lists()[0]!.members]).toEqual([sha256('user@example.com')])
    const report = /report: (.*)/.exec(out)![1]!
    expect(readFileSync(report, 'utf8').split('\n')).toHaveLength(5)
    expect(`${out}${err}`).not.toContain('@')
  })

  it('prints one JSON document, and nothing else, with --json', async () => {
    const { code, out, err } = await inside('sync', ...configured(), '--json', '--report', path('out.csv'))
    expect(code).toBe(3)
    expect(JSON.parse(out)).toEqual({
      runs: [
        expect.objectContaining({
          cohortId: 'abc123',
          listId: '9007199254740993',
          listName: '[uetkit] High Value Users: abc123',
          created: true,
          members: 1,
          added: 1,
          removed: 0,
          unchanged: 0,
          excluded: 2,
          failed: 0,
          exclusions: { unresolvedMapping: 1, partnerRequirementUnmet: 1, duplicate: 0 },
          dryRun: false,
          report: path('out.csv'),
        }),
      ],
    })
    expect(err).not.toContain('{')
    write('members.csv', 'user_id,email\nA,user@example.com\na,User@example.com\n')
    expect((await inside('sync', ...configured())).code).toBe(0)
  })

  it('reads a cohort from a file or from standard input, without one in the configuration', async () => {
    writeConfig({ cohorts: [] }, { refreshToken: 'env:MSADS_REFRESH_TOKEN' })
    write('other.csv', 'Mail;Who\nuser@example.com;A\n')
    const given = ['--cohort-id', 'x1', '--cohort-name', 'Best', '--email-column', 'mail', '--user-id-column', 'Who']
    const fromFile = await inside(
      'sync',
      ...configured(),
      '--file',
      path('other.csv'),
      ...given,
      '--report',
      path('r.csv'),
    )
    expect(fromFile.code).toBe(0)
    expect(readFileSync(path('r.csv'), 'utf8')).toMatch(/^x1,1,A,added,$/m)
    const piped = start(
      'sync',
      '--file',
      '-',
      '--format',
      'ndjson',
      '--cohort-id',
      'x1',
      '--cohort-name',
      'Best',
      '--json',
    )
    piped.child.stdin!.end('{"email":"user@example.com"}\n{"email":"other@example.com"}\n')
    const { code, out } = await piped.ended
    expect(code).toBe(0)
    expect(JSON.parse(out).runs[0]).toMatchObject({ added: 1, unchanged: 1, listName: '[uetkit] Best: x1' })
  })

  it('needs no configuration for a dry run, and sends nothing', async () => {
    rmSync(path('uetkit.config.json'))
    env = {}
    const given = ['--file', 'members.csv', '--cohort-id', 'abc123', '--cohort-name', 'High Value Users']
    const { code, out } = await run('sync', ...given, '--dry-run')
    expect(code).toBe(3)
    expect(out).toMatch(/would get\n {2}1 added/)
    expect(server.fake.requests).toEqual([])
    expect(existsSync(path('data'))).toBe(false)
  })

  it('takes credentials from the environment', async () => {
    const { clientId, customerId, accountId } = server.fake.credentials
    Object.assign(env, { MSADS_CLIENT_ID: clientId, MSADS_CUSTOMER_ID: customerId, MSADS_ACCOUNT_ID: accountId })
    write('uetkit.config.json', { audience: { endpoints: server.fake.endpoints(server.origin) } })
    const given = ['--file', path('members.csv'), '--cohort-id', 'abc123', '--cohort-name', 'High Value Users']
    const refused = await inside('sync', ...configured(), ...given, '--json')
    expect(refused.code).toBe(1)
    expect(JSON.parse(refused.out)).toEqual({
      error: { code: 'terms', message: expect.stringMatching(/acceptCustomerMatchTerms/) },
    })
    expect((await inside('sync', ...configured(), ...given, '--accept-customer-match-terms')).code).toBe(3)
    expect(server.fake.lists()[0]!.members.size).toBe(1)
  })

  it.each<[string, string[], object | undefined, number, string, RegExp]>([
    [
      'a file without a name for it',
      ['--file', 'members.csv', '--cohort-id', 'a'],
      undefined,
      2,
      'usage',
      /--cohort-name/,
    ],
    ['a column without a file', ['--email-column', 'x'], undefined, 2, 'usage', /--email-column needs --file/],
    ['an unknown flag', ['--fool'], undefined, 2, 'usage', /--fool/],
    ['nothing to do', [], { cohorts: [] }, 2, 'usage', /no cohorts.*--file/],
    ['an unknown cohort', ['--cohort-id', 'zzz'], undefined, 2, 'usage', /no cohort "zzz".*"abc123"/],
    [
      'an unknown key',
      [],
      { emailNormalisation: 'basic' },
      2,
      'config',
      /audience.*\n.*emailNormalisation: unknown key; allowed here: .*emailNormalization/,
    ],
    [
      'a customer id that is no number',
      [],
      { credentials: { clientId: 'x', customerId: 'F1234ABC', accountId: '1' } },
      2,
      'config',
      /customerId: found "F1234ABC", allowed is digits: "cid"/,
    ],
    [
      'an account number for an id',
      [],
      { credentials: { clientId: 'x', customerId: '1', accountId: 'X1234567' } },
      2,
      'config',
      /accountId: found "X1234567", allowed is digits: "aid" \(not the account number/,
    ],
    [
      'a secret in plain text',
      [],
      { credentials: { clientId: 'x', clientSecret: 'hunter2', customerId: '1', accountId: '1' } },
      2,
      'config',
      /clientSecret: found something else, allowed is a reference/,
    ],
    [
      'a source that is not there',
      [],
      { cohorts: [{ id: 'a', name: 'b', source: { file: 'none.csv' } }] },
      1,
      'source',
      /none\.csv: the file cannot be read \(ENOENT\)\. Nothing was sent/,
    ],
    [
      'a cohort twice',
      [],
      { cohorts: [1, 2].map(() => ({ id: 'a', name: 'b', source: { file: 'x' } })) },
      2,
      'config',
      /"a" is there twice/,
    ],
    [
      'a bad cadence',
      [],
      { cohorts: [{ id: 'a', name: 'b', cadence: 'sometimes', source: { file: 'x' } }] },
      2,
      'config',
      /cadence: found "sometimes", allowed is "hourly"/,
    ],
  ])('ends with one clear message for %s', async (_, args, change, exitCode, errorCode, message) => {
    if (change) writeConfig(change)
    const { code, out, err } = await inside('sync', ...configured(), ...args, '--json')
    expect({ code, err }).toEqual({ code: exitCode, err: '' })
    const { error } = JSON.parse(out)
    expect(error).toEqual({ code: errorCode, message: expect.stringMatching(message) })
    expect(out).not.toContain('hunter2')
    expect(server.fake.requests).toEqual([])
  })

  it('survives being killed at any moment, and two at once', async () => {
    const people = Array.from({ length: 5_500 }, (_, n) => `u${n},person${n}@example.com`)
    write('members.csv', `user_id,email\n${people.join('\n')}\n`)
    const { fetch } = server.fake
    for (const killAt of [2, 5]) {
      let [calls, killed] = [0, false]
      const victim = start('sync')
      // From inside the request, before or after it took effect: the process dies without an answer.
      server.intercept(async (request) => {
        if (request.url.endsWith('/Apply') && ++calls === killAt && !killed) {
          killed = true
          if (killAt === 5) await fetch(request)
          victim.child.kill('SIGKILL')
          await victim.ended
        }
        return fetch(request)
      })
      expect(await victim.ended).toMatchObject({ code: null, out: '' })
    }
    server.intercept(fetch)
    const [one, two] = await Promise.all([run('sync', '--json'), run('sync', '--json')])
    expect([one.code, two.code]).toEqual([0, 0])
    const [first, second] = [one, two].map(({ out }) => JSON.parse(out).runs[0]).sort((a, b) => b.added - a.added)
    expect(first.added + first.unchanged).toBe(5_500)
    expect(second).toMatchObject({ added: 0, removed: 0, unchanged: 5_500 })
    expect(`${one.err}${two.err}`).toMatch(/Another run works on this cohort; waiting/)
    const expected = Array.from({ length: 5_500 }, (_, n) => sha256(`person${n}@example.com`)).sort()
    expect([...server.fake.lists()[0]!.members].sort()).toEqual(expected)
    expect(server.fake.lists()).toHaveLength(1)
  })
})

describe('uetkit audience login', () => {
  it('signs in, stores the token and shows the accounts', async () => {
    writeConfig()
    const { child, ended } = start('login', '--no-browser')
    let seen = ''
    const address = new Promise<string>((resolve) =>
      child.stderr!.on('data', (chunk) => {
        seen += chunk
        const [, url] = /^(http\S+)\s/m.exec(seen) ?? []
        if (url) resolve(url)
      }),
    )
    expect(await (await fetch(await address)).text()).toContain('Signed in.')
    const { code, out } = await ended
    expect(code).toBe(0)
    expect(out).toMatch(
      /stored in .*token\.json\.\n {2}account Shop \(F1234ABC\): "customerId": "187654321", "accountId": "176543210"/,
    )
    expect(JSON.parse(readFileSync(path('data/token.json'), 'utf8')).refreshToken).toMatch(/^0\.AX_/)
    expect((await inside('sync', ...configured())).code).toBe(3)
  })
})

describe('uetkit audience status', () => {
  it('shows lists, sizes and last runs', async () => {
    expect((await inside('status', ...configured())).out).toMatch(/No lists yet/)
    await inside('sync', ...configured())
    const { code, out } = await inside('status', ...configured(), '--json')
    expect(code).toBe(0)
    expect(JSON.parse(out)).toEqual({
      lists: [
        {
          cohortId: 'abc123',
          listId: '9007199254740993',
          listName: '[uetkit] High Value Users: abc123',
          searchSize: null,
          audienceNetworkSize: null,
          members: 1,
          lastRun: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
          gone: false,
        },
      ],
    })
    expect((await inside('status', ...configured())).out).toMatch(/1 people sent; matched: search not counted yet/)
    server.fake.deleteList('9007199254740993')
    const gone = await inside('status', ...configured())
    expect(gone.code).toBe(3)
    expect(gone.out).toMatch(/no longer has this list; .*--full/)
  })
})

describe('uetkit audience watch', () => {
  it('runs what is due, says when the next run is, and stops when told', async () => {
    const watching = start('watch', '--json')
    let seen = ''
    await new Promise<void>((resolve) =>
      watching.child.stdout!.on('data', (chunk) => {
        seen += chunk
        if (seen.includes('"run"')) resolve()
      }),
    )
    watching.child.kill('SIGTERM')
    const { code, out } = await watching.ended
    expect(code).toBe(0)
    const [started, ran] = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(started.watching).toEqual([{ cohortId: 'abc123', next: expect.any(String) }])
    expect(ran).toMatchObject({ run: { added: 1, excluded: 2 }, next: expect.stringMatching(/T/) })
    expect(Date.parse(ran.next)).toBeGreaterThan(Date.now())
  })

  it('needs a cohort with a cadence', async () => {
    writeConfig({ cohorts: [{ id: 'a', name: 'b', source: { file: 'x' } }] })
    const { code, err } = await inside('watch', ...configured())
    expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(/No cohort has a cadence/) })
  })
})
