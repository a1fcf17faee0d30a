import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { sqliteOutbox } from '../../src/relay/outbox/sqlite.ts'
import { createFakeCapi } from '../../src/testing/fake-capi.ts'
import { type CliProcess, spawnCli } from '../support/cli.ts'
import { browserBody, browserEvent, ORIGIN } from '../support/relay.ts'
import { type Served, serveFetch } from '../support/serve.ts'

const TOKEN = '3f0c2b1e-0000-4000-8000-c4nary000001'
const folder = mkdtempSync(join(tmpdir(), 'uetkit-cli-'))
const config = join(folder, 'relay.json')
const path = join(folder, 'relay.db')
const capi = createFakeCapi({ tags: { '97247724': TOKEN } })
let upstream: Served
let running: CliProcess | undefined

const writeConfig = (more: object = {}, tag: object = {}) =>
  writeFileSync(
    config,
    JSON.stringify({
      port: 0,
      host: '127.0.0.1',
      adminPort: 0,
      outbox: `sqlite:${path}`,
      capi: { url: upstream.url },
      tags: [{ id: '97247724', token: 'env:TOKEN', key: 'pk_shop', origins: [ORIGIN], ...tag }],
      ...more,
    }),
  )

beforeAll(async () => {
  upstream = await serveFetch(capi.fetch)
  writeConfig()
})
afterEach(async () => {
  running?.child.kill('SIGKILL')
  await running?.ended
  running = undefined
})
afterAll(() => {
  upstream.close()
  rmSync(folder, { recursive: true })
})

async function run(...args: string[]) {
  let out = ''
  let err = ''
  process.env.TOKEN = TOKEN
  const code = await main([...args, '--config', config], {
    writeOut: (text) => void (out += text),
    writeErr: (text) => void (err += text),
  })
  return { code, out, err }
}
const json = async (...args: string[]) => {
  const { code, out } = await run(...args, '--json')
  return { code, document: JSON.parse(out) }
}

describe('uetkit relay', () => {
  it('runs until it is asked to stop, and says one JSON document where it listens', async () => {
    running = spawnCli(['relay', '--config', config, '--json'], { TOKEN })
    const { url, adminUrl, tags } = JSON.parse(await running.firstOutput())
    expect(tags).toEqual(['97247724'])
    const answer = await fetch(`${url}/v1/e`, {
      method: 'POST',
      headers: { origin: ORIGIN, 'content-type': 'text/plain' },
      body: JSON.stringify({ ...browserBody(browserEvent({ id: 'cli-1', time: Date.now() })), sentAt: Date.now() }),
    })
    expect(answer.status).toBe(202)
    expect((await fetch(`${adminUrl}/readyz`)).status).toBe(200)
    await expect.poll(() => capi.oracle.ids(), { timeout: 5_000 }).toEqual(['cli-1'])
    running.child.kill('SIGTERM')
    const { code, out, err } = await running.ended
    expect([code, out.trim().split('\n').length]).toEqual([0, 1])
    for (const line of err.trim().split('\n')) expect(JSON.parse(line)).toMatchObject({ level: expect.any(Number) })
    expect(err).not.toContain('c4nary')
  })

  it('writes nothing but JSON lines where its log goes', async () => {
    running = spawnCli(['relay', '--config', config], { TOKEN })
    const { child, ended } = running
    await new Promise<void>((resolve) => child.stderr!.on('data', (data) => /listening/.test(`${data}`) && resolve()))
    child.kill('SIGTERM')
    const { code, out, err } = await ended
    expect([code, out]).toEqual([0, ''])
    for (const line of err.trim().split('\n')) expect(JSON.parse(line)).toMatchObject({ level: expect.any(Number) })
  })

  it.each([
    ['a port that is taken', () => ({ port: Number(new URL(upstream.url).port) }), 1, 'port'],
    ['an unknown key', () => ({ prot: 1 }), 2, 'config'],
  ])('ends at once with %s', async (_, more, code, name) => {
    writeConfig(more())
    const answer = await json('relay')
    writeConfig()
    expect([answer.code, answer.document.error.code]).toEqual([code, name])
  })
})

describe('uetkit relay dead', () => {
  const dead = async (count: number, reason = 'InvalidUrl: eventSourceUrl\u001b[2J') => {
    const outbox = sqliteOutbox(path)
    const body = JSON.stringify({ eventType: 'custom', userData: { em: 'c4nary-hash', anonymousId: 'c4nary-visitor' } })
    const make = (index: number) => ({
      tagId: '97247724',
      id: `dead-${index}`,
      name: 'track',
      eventTime: Date.now(),
      subjects: [],
      body,
    })
    await outbox.append(Array.from({ length: count }, (_, index) => make(index)))
    const claim = await outbox.claim('97247724', { limit: 10, leaseMs: 1_000 })
    await outbox.settle(
      claim.id,
      claim.events.map(({ ref }) => ({ ref, kind: 'dead', reason })),
    )
    await outbox.close()
  }

  it('makes no store where there is none', async () => {
    const missing = join(folder, 'mistyped.db')
    writeConfig({ outbox: `sqlite:${missing}` })
    const answer = await json('relay', 'dead', 'list')
    writeConfig()
    expect(answer).toMatchObject({ code: 2, document: { error: { code: 'no_store' } } })
    expect(existsSync(missing)).toBe(false)
  })

  it('lists, shows, retries and deletes', async () => {
    await dead(3)
    const { document } = await json('relay', 'dead', 'list')
    const refs = document.deadLetters.map(({ ref }: { ref: string }) => ref)
    expect(document.deadLetters).toHaveLength(3)
    expect(document.deadLetters[0]).toMatchObject({ tagId: '97247724', eventId: 'dead-0', eventName: 'track' })
    expect(
      (await json('relay', 'dead', 'list', '--limit', '1', '--after', refs[0])).document.deadLetters,
    ).toMatchObject([{ eventId: 'dead-1' }])
    const text = (await run('relay', 'dead', 'list')).out
    expect(text).toContain('InvalidUrl: eventSourceUrl')
    expect(text).not.toContain('\u001b')

    const shown = await json('relay', 'dead', 'show', refs[0])
    expect(shown.document.deadLetter.event.userData).toEqual({ em: '[withheld]', anonymousId: '[withheld]' })
    const whole = await json('relay', 'dead', 'show', refs[0], '--user-data')
    expect(whole.document.deadLetter.event.userData.em).toBe('c4nary-hash')
    expect(await json('relay', 'dead', 'show', '999999')).toMatchObject({
      code: 1,
      document: { error: { code: 'not_found' } },
    })

    expect(await json('relay', 'dead', 'retry', refs[0])).toEqual({ code: 0, document: { retried: 1 } })
    expect(await json('relay', 'dead', 'retry', refs[0])).toEqual({ code: 3, document: { retried: 0 } })
    expect(await json('relay', 'dead', 'purge', '--tag', '97247724')).toEqual({ code: 0, document: { purged: 2 } })
    expect((await run('relay', 'dead', 'list')).out).toBe('no dead letters\n')
  })

  it.each([[[]], [['1', '--all']], [['--tag', '1', '--all']]])('asks which ones: %j', async (args) => {
    expect(await json('relay', 'dead', 'purge', ...args)).toMatchObject({
      code: 2,
      document: { error: { code: 'usage' } },
    })
  })
})

describe('uetkit relay doctor', () => {
  const checksOf = async (...args: string[]) => {
    const { code, document } = await json('relay', 'doctor', ...args)
    return { code, checks: document.checks.map(({ name, status }: Record<string, string>) => `${name}: ${status}`) }
  }

  it('finds nothing wrong with what is right', async () => {
    expect(await checksOf()).toEqual({
      code: 0,
      checks: [
        'configuration: ok',
        'tag 97247724: ok',
        'store: ok',
        'events of tag 97247724: ok',
        'token of tag 97247724: ok',
        'clock: ok',
      ],
    })
    expect(capi.oracle.total).toBe(1)
    expect((await run('relay', 'doctor')).out).toContain('ok    token of tag 97247724: Microsoft knows it\n')
  })

  it('says what is wrong and what to do', async () => {
    process.env.OTHER = 'wrong-c4nary'
    process.env.SHORT = 'c4nary'
    writeConfig({}, { token: 'env:OTHER', key: undefined, serverKey: 'env:SHORT', stream: { enabled: false } })
    const { code, out } = await run('relay', 'doctor')
    writeConfig()
    expect(code).toBe(1)
    expect(out).toContain('FAIL  token of tag 97247724: Microsoft refuses it (401)\n      Copy it anew: Conversions,')
    expect(out).toContain('warn  tag 97247724: browsers need no key')
    expect(out).toContain('warn  tag 97247724: the server key is shorter than 16 characters')
    expect(out).toContain('warn  tag 97247724: events of backends must each carry "consent"')
    expect(out).toContain('warn  tag 97247724: its stream is off')
    expect(out).not.toContain('c4nary')
  })

  it('makes no store and asks nobody when told so', async () => {
    writeConfig({ outbox: `sqlite:${join(folder, 'new/relay.db')}` })
    const before = capi.requests.length
    const { code, checks } = await checksOf('--offline')
    writeConfig()
    expect([code, checks.at(-1), capi.requests.length]).toEqual([0, 'store: ok', before])
    expect(existsSync(join(folder, 'new'))).toBe(false)
  })

  it('fails where Microsoft cannot be reached', async () => {
    writeConfig({ capi: { url: 'http://127.0.0.1:1' } })
    const { code, out } = await run('relay', 'doctor')
    writeConfig()
    expect(code).toBe(1)
    expect(out).toMatch(/FAIL {2}token of tag 97247724: POST 127\.0\.0\.1:1\/v1\/97247724\/events: no connection/)
  })
})

describe('uetkit mock', () => {
  it('stands in for the Conversions API and the Ads API on one port', async () => {
    running = spawnCli(['mock', '--port', '0', '--tag', '111111=t1', '--tag', '222222=t2', '--json'])
    const { url, capi: side, ads } = JSON.parse(await running.firstOutput())
    expect(side).toEqual({ url, tags: { '111111': 't1', '222222': 't2' } })
    expect(ads.endpoints.campaign).toContain(url)
    const post = (token: string) =>
      fetch(`${url}/v1/222222/events`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({
          data: [
            {
              eventType: 'custom',
              eventTime: Math.floor(Date.now() / 1000),
              adStorageConsent: 'G',
              userData: { anonymousId: 'a' },
            },
          ],
        }),
      })
    expect((await post('t1')).status).toBe(401)
    expect((await post('t2')).status).toBe(200)
    expect((await (await fetch(url)).json()).capi).toMatchObject({ eventsReceived: 1 })
    running.child.kill('SIGINT')
    expect((await running.ended).code).toBe(0)
  })

  it('says what the audience sync needs in a form that it takes', async () => {
    running = spawnCli(['mock', '--port', '0'])
    let said = ''
    await new Promise<void>((resolve) =>
      running!.child.stderr!.on('data', (data) => {
        said += data
        if (/MSADS_ACCOUNT_ID=\d+\n/.test(said)) resolve()
      }),
    )
    const cwd = join(folder, 'audience')
    mkdirSync(cwd)
    writeFileSync(join(cwd, 'members.csv'), 'email,user_id\njane@example.com,1\n')
    const endpoints = JSON.parse(/"endpoints": (.*)/.exec(said)![1]!)
    writeFileSync(join(cwd, 'uetkit.config.json'), JSON.stringify({ audience: { endpoints } }))
    const env = Object.fromEntries([...said.matchAll(/export (\w+)=(.*)/g)].map(([, name, value]) => [name!, value!]))
    const flags = ['--file', 'members.csv', '--cohort-id', '1', '--cohort-name', 'All', '--accept-customer-match-terms']
    const sync = spawnCli(['audience', 'sync', ...flags, '--json'], env, cwd)
    const { code, out, err } = await sync.ended
    expect([code, err]).toEqual([0, expect.any(String)])
    expect(JSON.parse(out).runs).toMatchObject([{ added: 1 }])
  })
})
