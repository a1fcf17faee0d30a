import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { ConfigError } from '../../src/config/errors.ts'
import { loadConfig, readConfig } from '../../src/relay/config.ts'
import { reveal } from '../../src/relay/settings.ts'

const folder = mkdtempSync(join(tmpdir(), 'uetkit-config-'))
afterAll(() => rmSync(folder, { recursive: true }))

const CANARY = 'c4nary-token'
const env = { TOKEN: CANARY, SERVER: 'c4nary-server', DATABASE: 'postgres://u:c4nary@db/relay' }
const tag = { id: '97247724', token: 'env:TOKEN' }

const messageOf = (act: () => unknown): string => {
  try {
    act()
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    return (error as Error).message
  }
  throw new Error('was accepted')
}
const faultOf = (input: unknown) =>
  messageOf(() => readConfig(input, { env, where: 'x.json' })).replace(/^x\.json cannot be used:\n {2}/, '')

describe('readConfig', () => {
  it('fills in the defaults and resolves secrets', () => {
    const config = readConfig({ tags: [{ ...tag, serverKey: 'env:SERVER' }] }, { env, baseDir: folder })
    expect(config).toMatchObject({
      port: 8787,
      adminPort: 8788,
      adminHost: '127.0.0.1',
      outbox: { kind: 'sqlite', path: join(folder, 'data/relay.db') },
      trustProxy: 0,
      capi: { url: 'https://capi.uet.microsoft.com' },
      limits: { perAddress: 100, perKey: 5_000 },
      tags: [{ id: '97247724', action: 'track', origins: [], consent: { gpc: 'deny' }, stream: {} }],
    })
    const { token, serverKey } = config.tags[0]!
    expect([reveal(token), reveal(serverKey!)]).toEqual([CANARY, 'c4nary-server'])
    expect(JSON.stringify(config)).not.toContain('c4nary')
  })

  it('takes every documented key', () => {
    const config = readConfig(
      {
        port: 1,
        host: '0.0.0.0',
        adminPort: 2,
        adminHost: '::1',
        outbox: 'env:DATABASE',
        trustProxy: ['10.0.0.0/8'],
        capi: { url: 'http://127.0.0.1:9999' },
        limits: { perAddress: false, perKey: 10 },
        drainDelay: 5_000,
        logLevel: 'warn',
        audience: { anything: true },
        tags: [
          {
            ...tag,
            key: 'pk_shop',
            serverKey: 'env:SERVER',
            origins: ['https://shop.example', 'http://localhost:8080'],
            action: 'conversion',
            defaultCountry: 'US',
            consent: {
              category: ['Ads', 'Measurement'],
              property: 'properties.ads',
              assume: 'granted',
              gpc: 'consent-wins',
            },
            stream: {
              enabled: true,
              rules: [
                {
                  event: ['Order Completed'],
                  as: 'custom',
                  map: { 'customData.transactionId': 'properties.order_id', eventName: { const: 'buy' } },
                },
                { event: '*' },
              ],
            },
            browser: {
              events: ['Order Completed'],
              maxValue: 5_000,
              currencies: ['EUR'],
              ticketFor: ['Order Completed'],
            },
            clickCookie: { name: 'click', domain: 'shop.example' },
          },
          { ...tag, id: '111111', clickCookie: false },
        ],
      },
      { env },
    )
    expect(config.outbox).toMatchObject({ kind: 'postgres' })
    expect(config.outbox.kind === 'postgres' && config.outbox.url()).toBe(env.DATABASE)
    expect(config.tags.map(({ clickCookie }) => clickCookie)).toEqual([
      { name: 'click', domain: 'shop.example' },
      false,
    ])
  })

  it.each(['1', '187', '97247724', '12345678901234567890'])('takes the tag id %s, as the website does', (id) => {
    expect(readConfig({ tags: [{ ...tag, id }] }, { env }).tags[0]?.id).toBe(id)
  })

  it.each<[string, unknown, string | RegExp]>([
    ['no object', 'x', 'the whole: found "x", allowed is an object'],
    ['no tags', {}, 'tags: found nothing, allowed is a list of tags'],
    ['an empty list', { tags: [] }, 'tags: found [], allowed is at least one tag'],
    ['a tag twice', { tags: [tag, tag] }, /^tags: found .*, allowed is each tag id once$/],
    [
      'tickets that nobody signs',
      { tags: [{ ...tag, browser: { ticketFor: ['Order'] } }] },
      /allowed is a "serverKey" wherever/,
    ],
    ['a misspelt key', { tags: [tag], prot: 1 }, /^prot: unknown key; allowed here: .*port, /],
    [
      'a misspelt key of a tag',
      { tags: [{ ...tag, tokne: 1 }] },
      /^tags\.0\.tokne: unknown key; allowed here: id, token, /,
    ],
    [
      'a numeric tag id',
      { tags: [{ ...tag, id: 97247724 }] },
      'tags.0.id: found 97247724, allowed is the id of a UET tag, digits in quotes',
    ],
    [
      'a missing token',
      { tags: [{ id: '97247724' }] },
      'tags.0.token: found nothing, allowed is a reference to a secret, "env:NAME" or "file:path"',
    ],
    [
      'a token in the clear',
      { tags: [{ ...tag, token: CANARY }] },
      'tags.0.token: found something else, allowed is a reference to a secret, "env:NAME" or "file:path"',
    ],
    [
      'an unset variable',
      { tags: [{ ...tag, token: 'env:NOPE' }] },
      'x.json: tags.0.token: the environment variable NOPE is not set',
    ],
    ['a port beyond', { tags: [tag], port: 65_536 }, 'port: found 65536, allowed is a whole number, 0 to 65535'],
    ['a port in quotes', { tags: [tag], port: '80' }, 'port: found "80", allowed is a whole number, 0 to 65535'],
    [
      'a path in an origin',
      { tags: [{ ...tag, origins: ['https://shop.example/'] }] },
      /^tags\.0\.origins\.0: found "https:\/\/shop\.example\/", allowed is an origin such as/,
    ],
    [
      'a wildcard origin',
      { tags: [{ ...tag, origins: ['*'] }] },
      /^tags\.0\.origins\.0: found "\*", .*wildcards are not supported$/,
    ],
    [
      'an unknown consent word',
      { tags: [{ ...tag, consent: { assume: 'yes' } }] },
      'tags.0.consent.assume: found "yes", allowed is "granted", "denied"',
    ],
    [
      'an unknown type',
      { tags: [{ ...tag, stream: { rules: [{ event: '*', as: 'page' }] } }] },
      'tags.0.stream.rules.0.as: found "page", allowed is "custom", "pageLoad"',
    ],
    [
      'an unknown CAPI field',
      { tags: [{ ...tag, stream: { rules: [{ event: '*', map: { 'customData.revenue': 'x' } }] } }] },
      /^tags\.0\.stream\.rules\.0\.map\.customData\.revenue: found "customData\.revenue", allowed is one of eventId, /,
    ],
    [
      'http to elsewhere',
      { tags: [tag], capi: { url: 'http://capi.example' } },
      /^capi\.url: found "http:\/\/capi\.example", allowed is an https URL/,
    ],
    ['credentials in the upstream', { tags: [tag], capi: { url: 'https://u:p@capi.example' } }, /^capi\.url: found /],
    [
      'another store',
      { tags: [tag], outbox: 'redis://c4nary@x' },
      /^outbox: found something else, allowed is "sqlite:<path>"/,
    ],
    [
      'a bad network',
      { tags: [tag], trustProxy: ['proxy'] },
      'trustProxy: found ["proxy"], allowed is a number of proxies, or a list of addresses and CIDR blocks',
    ],
    [
      'a click cookie that is true',
      { tags: [{ ...tag, clickCookie: true }] },
      'tags.0.clickCookie: found true, allowed is false, or an object with name and domain',
    ],
  ])('refuses %s', (_, input, expected) => {
    const message = faultOf(input)
    if (typeof expected === 'string') expect(message).toBe(expected)
    else expect(message).toMatch(expected)
    expect(message).not.toContain('c4nary')
  })

  it('names every fault at once', () => {
    expect(faultOf({ port: -1, tags: [{ ...tag, id: 'x' }] }).split('\n')).toHaveLength(2)
  })
})

describe('loadConfig', () => {
  it('reads the file it is given, with paths relative to it', () => {
    mkdirSync(join(folder, 'conf'))
    writeFileSync(join(folder, 'conf/relay.json'), JSON.stringify({ tags: [tag], outbox: 'sqlite:./r.db' }))
    expect(loadConfig('conf/relay.json', env, folder).outbox).toEqual({
      kind: 'sqlite',
      path: join(folder, 'conf/r.db'),
    })
  })

  it.each([
    ['a missing file', 'nope.json', undefined, /nope\.json cannot be read \(ENOENT\)\. Check --config$/],
    ['no JSON', 'bad.json', '{\n "token": c4nary }', /bad\.json is not JSON(, line 2)?$/],
    ['an empty file', 'empty.json', '', /empty\.json is not JSON/],
  ])('refuses %s', (_, name, content, expected) => {
    if (content !== undefined) writeFileSync(join(folder, name), content)
    const message = messageOf(() => loadConfig(name, env, folder))
    expect(message).toMatch(expected)
    expect(message).not.toContain('c4nary')
  })

  const short = { UET_TAG_ID: '97247724', UET_CAPI_TOKEN: CANARY }
  const load = (variables: Record<string, string>) => loadConfig(undefined, { ...short, ...variables }, folder)

  it('reads the short form', () => {
    writeFileSync(join(folder, 'mounted'), 'from-a-file\n')
    const config = load({
      UETKIT_KEY: 'pk_shop',
      UETKIT_ORIGINS: 'https://shop.example, https://www.shop.example',
      UETKIT_ASSUME_CONSENT: 'granted',
      UETKIT_SERVER_KEY: `file:${join(folder, 'mounted')}`,
      UETKIT_OUTBOX: 'sqlite:./other.db',
      UETKIT_CAPI_URL: 'http://localhost:1234',
      UETKIT_ADMIN_PORT: '0',
      UETKIT_TRUST_PROXY: '1',
      PORT: '80',
    })
    expect(config).toMatchObject({
      port: 80,
      adminPort: 0,
      trustProxy: 1,
      capi: { url: 'http://localhost:1234' },
      outbox: { kind: 'sqlite', path: join(folder, 'other.db') },
      tags: [
        {
          id: '97247724',
          key: 'pk_shop',
          origins: ['https://shop.example', 'https://www.shop.example'],
          consent: { assume: 'granted' },
        },
      ],
    })
    const { token, serverKey } = config.tags[0]!
    expect([reveal(token), reveal(serverKey!)]).toEqual([CANARY, 'from-a-file'])
  })

  it('has the same defaults', () => {
    expect(load({ UETKIT_KEY: ' ' })).toMatchObject({ port: 8787, outbox: { path: join(folder, 'data/relay.db') } })
  })

  it.each([
    [
      { PORT: 'eighty' },
      'the environment cannot be used:\n  PORT: found "eighty", allowed is a whole number, 0 to 65535',
    ],
    [
      { UET_TAG_ID: 'x' },
      'the environment cannot be used:\n  UET_TAG_ID: found "x", allowed is the id of a UET tag, digits in quotes',
    ],
    [
      { UETKIT_ASSUME_CONSENT: 'yes' },
      'the environment cannot be used:\n  UETKIT_ASSUME_CONSENT: found "yes", allowed is "granted", "denied"',
    ],
    [
      { UETKIT_OUTBOX: 'redis://c4nary' },
      'outbox: what env:UETKIT_OUTBOX names is neither "sqlite:<path>" nor "postgres://…"',
    ],
    [{ UET_CAPI_TOKEN: '' }, 'UET_CAPI_TOKEN is not set: the Conversions API token of the tag'],
    [
      { UET_TAG_ID: '' },
      'no configuration: write uetkit.config.json, name one with --config, or set UET_TAG_ID and UET_CAPI_TOKEN',
    ],
  ])('names the variable that is wrong: %j', (variables, expected) => {
    expect(messageOf(() => load(variables as Record<string, string>))).toBe(expected)
  })

  it('prefers the file in the working directory', () => {
    const cwd = mkdtempSync(join(folder, 'cwd-'))
    writeFileSync(join(cwd, 'uetkit.config.json'), JSON.stringify({ port: 1, tags: [tag] }))
    expect(loadConfig(undefined, { ...env, ...short }, cwd).port).toBe(1)
  })
})
