import { createHash } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { indexOfClientId, writeBulkFile } from '../../../src/audience/ads/bulk-file.ts'
import type { FailedRow } from '../../../src/audience/ads/bulk-result.ts'
import { type AdsClient, createAdsClient } from '../../../src/audience/ads/client.ts'
import { packed, toHex } from '../../../src/audience/hashes.ts'
import { ADS_ERRORS, type FakeAdsFault, type FakeAdsOptions } from '../../../src/testing/fake-ads.ts'
import { type AdsWorld, adsWorld, operations } from '../support/ads-world.ts'
import { scratch } from '../support/scratch.ts'

type World = AdsWorld & { client: AdsClient }

function world(options: FakeAdsOptions = {}): World {
  const made = adsWorld(options)
  const { fake, runtime, credentials } = made
  return { ...made, client: createAdsClient({ credentials, endpoints: fake.endpoints(), runtime }) }
}

const list = {
  name: '[uetkit] A: abc',
  description: 'x marker-1',
  marker: 'marker-1',
  scope: 'Customer',
  membershipDays: -1,
} as const
const hashes = (...texts: string[]) => packed(texts.map((text) => createHash('sha256').update(text).digest()))
const failure = async (promise: Promise<unknown>) => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason as Error & { code: string },
  )
  expect(error).toMatchObject({ name: 'AudienceError' })
  return error!
}

describe('sign-in', () => {
  it('stores a rotated refresh token before the access token is used, and refreshes a minute early', async () => {
    const { client, fake, tokens, runtime } = world()
    await client.lists()
    expect(tokens.written).toHaveLength(1)
    expect(operations(fake)).toEqual(['Token', 'GetAudiencesByIds'])
    await runtime.sleep(58 * 60_000)
    await client.lists()
    await runtime.sleep(61_000)
    await client.lists()
    expect(operations(fake).slice(2)).toEqual(['GetAudiencesByIds', 'Token', 'GetAudiencesByIds'])
    expect(tokens.written).toHaveLength(2)
  })

  it('does not use a token that could not be stored', async () => {
    const made = adsWorld()
    const refreshToken = {
      ...made.tokens,
      write: () => {
        throw new Error('disk full')
      },
    }
    const client = createAdsClient({
      credentials: { ...made.credentials, refreshToken },
      endpoints: made.fake.endpoints(),
      runtime: made.runtime,
    })
    await expect(client.lists()).rejects.toThrow('disk full')
    expect(operations(made.fake)).toEqual(['Token'])
  })

  it('refreshes once for calls at the same time', async () => {
    const { client, fake } = world()
    await Promise.all([client.lists(), client.lists(), client.lists()])
    expect(operations(fake).filter((name) => name === 'Token')).toHaveLength(1)
  })

  it.each<[string, FakeAdsFault]>([
    ['401 with 109', { kind: 'expired' }],
    ['401 with 105', { kind: 'fault', error: ADS_ERRORS.invalidCredentials, status: 401, envelope: 'ad' }],
    ['400 with 105', { kind: 'fault', error: ADS_ERRORS.invalidCredentials, status: 400, envelope: 'ad' }],
    ['500 with 109', { kind: 'fault', error: ADS_ERRORS.tokenExpired, status: 500, envelope: 'ad' }],
  ])('refreshes and repeats once after %s', async (_, fault) => {
    const { client, fake } = world()
    fake.fail('GetAudiencesByIds', fault)
    expect(await client.lists()).toEqual([])
    expect(operations(fake)).toEqual(['Token', 'GetAudiencesByIds', 'Token', 'GetAudiencesByIds'])
    fake.fail('GetAudiencesByIds', fault, 2)
    expect((await failure(client.lists())).code).toBe('sign_in')
  })

  it('repeats a refresh that gets no answer, and gives up in words', async () => {
    const { client, fake } = world()
    fake.fail('Token', { kind: 'reset' })
    fake.fail('Token', { kind: 'lost' })
    fake.fail('Token', { kind: 'html' })
    fake.fail('Token', { kind: 'unavailable' })
    expect(await client.lists()).toEqual([])
    const other = world()
    other.fake.fail('Token', { kind: 'unavailable' }, 5)
    expect(await failure(other.client.lists())).toMatchObject({
      code: 'network',
      message: expect.stringContaining('503'),
    })
  })

  it.each<[string, (world: World) => void, RegExp]>([
    [
      'a revoked token',
      ({ fake }) => fake.revokeRefreshTokens(),
      /expired or was revoked.*"uetkit audience login"\. \(invalid_grant, AADSTS700082\)$/,
    ],
    ['a wrong client id', ({ fake }) => Object.assign(fake.options, { clientId: 'other' }), /client id is unknown/],
    [
      'a wrong secret',
      ({ fake }) => Object.assign(fake.options, { clientSecret: 'other' }),
      /client secret is wrong or has expired/,
    ],
    [
      'a secret for a public app',
      ({ fake }) => Object.assign(fake.options, { clientSecret: undefined }),
      /registered as public/,
    ],
  ])('says what to do about %s, at once', async (_, breakIt, message) => {
    const made = world()
    breakIt(made)
    const error = await failure(made.client.lists())
    expect(error).toMatchObject({ code: 'sign_in', message: expect.stringMatching(message) })
    expect(operations(made.fake)).toEqual(['Token'])
    expect(error.message).not.toContain('client-secret')
  })

  it('says so when nobody has signed in', async () => {
    const made = adsWorld()
    const refreshToken = { ...made.tokens, read: () => undefined }
    const client = createAdsClient({
      credentials: { ...made.credentials, refreshToken },
      endpoints: made.fake.endpoints(),
      runtime: made.runtime,
    })
    expect((await failure(client.lists())).message).toMatch(/no one has signed in yet.*"uetkit audience login"/)
  })
})

describe('wrong settings', () => {
  it.each<[string, FakeAdsOptions, RegExp]>([
    [
      'developer token',
      { developerToken: 'OTHER' },
      /InvalidCredentials \(105\)\. .*developer token.*\(tracking id [\w-]+\)$/,
    ],
    ['customer id', { customerId: '1' }, /CampaignServiceInvalidCustomerId \(1490\)\. .*"cid".*"aid"/],
    ['account id', { accountId: '1' }, /CampaignServiceInvalidAccountId \(1102\)\. .*"aid"/],
    ['rights', { viewer: true }, /UserIsNotAuthorized \(106\)\. .*Viewer/],
  ])('%s: the message says where to look', async (_, options, message) => {
    const made = adsWorld()
    const client = createAdsClient({
      credentials: made.credentials,
      endpoints: made.fake.endpoints(),
      runtime: made.runtime,
    })
    Object.assign(made.fake.options, options)
    expect((await failure(client.createList(list))).message).toMatch(message)
  })

  it('shows the accounts that the user reaches', async () => {
    const { client, fake } = world()
    const { accountId, customerId } = fake.options
    expect(await client.accounts()).toEqual([{ id: accountId, number: 'F1234ABC', name: 'Shop', customerId }])
  })
})

describe('createList', () => {
  it('makes a list that never expires and keeps its id exact', async () => {
    const { client, fake } = world()
    expect(await client.createList(list)).toBe('9007199254740993')
    expect(fake.lists()).toMatchObject([
      { name: list.name, membershipDuration: -1, scope: 'Customer', parentId: fake.options.customerId },
    ])
    expect(await client.createList({ ...list, name: 'B', scope: 'Account', marker: 'b' })).toBe('9007199254740994')
    expect(fake.lists()[1]).toMatchObject({ scope: 'Account', parentId: fake.options.accountId })
  })

  it.each<[string, FakeAdsFault[]]>([
    ['before', [{ kind: 'reset' }]],
    ['after', [{ kind: 'lost' }]],
    ['after, cut off', [{ kind: 'garbled' }]],
    ['after, empty', [{ kind: 'empty' }]],
    ['with an error inside', [{ kind: 'internal' }]],
    ['twice', [{ kind: 'reset' }, { kind: 'html' }]],
  ])('makes one list when the answer is lost %s', async (_, faults) => {
    const { client, fake } = world()
    for (const fault of faults) fake.fail('AddAudiences', fault)
    expect(await client.createList(list)).toBe(fake.lists()[0]!.id)
    expect(fake.lists()).toHaveLength(1)
  })

  it('finds its own list behind a duplicate name, and no other', async () => {
    const { client, fake } = world()
    const id = await client.createList(list)
    expect(await client.createList(list)).toBe(id)
    const error = await failure(client.createList({ ...list, marker: 'another' }))
    expect(error).toMatchObject({ code: 'list_exists', vendorCode: 4853 })
    expect(fake.lists()).toHaveLength(1)
  })
})

describe('lists', () => {
  it('reads one, all, and says which is not there', async () => {
    const { client, fake } = world()
    const id = await client.createList(list)
    expect(await client.lists([id, '7'])).toEqual([
      { id, name: list.name, description: list.description, searchSize: null, audienceNetworkSize: null },
      undefined,
    ])
    await client.applyItems(id, { action: 'Add', hashes: hashes(...'abcdefghij') }, true)
    fake.advance(49 * 3_600_000)
    expect(await client.lists()).toMatchObject([{ searchSize: 6, audienceNetworkSize: 5 }])
  })
})

describe('applyItems', () => {
  const three = hashes('a', 'b', 'c')
  const apply = async (made: World, action: 'Add' | 'Remove' | 'Replace' = 'Add', terms = true) => {
    const id = made.fake.lists()[0]?.id ?? (await made.client.createList(list))
    return { id, outcome: await made.client.applyItems(id, { action, hashes: three }, terms) }
  }
  const clean = new Map()

  it('adds and removes', async () => {
    const made = world()
    const { id, outcome } = await apply(made)
    expect(outcome).toEqual(clean)
    expect([...made.fake.members(id)!].sort()).toEqual(toHex(three))
    await apply(made, 'Remove')
    expect(made.fake.members(id)!.size).toBe(0)
    expect(made.fake.violations).toEqual([])
  })

  it.each<[string, FakeAdsFault[], number]>([
    ['a reset', [{ kind: 'reset' }], 1],
    ['a lost answer', [{ kind: 'lost' }, { kind: 'lost' }], 2],
    ['half an answer', [{ kind: 'garbled' }], 1],
    ['an empty answer', [{ kind: 'empty' }], 1],
    ["a proxy's page", [{ kind: 'html' }], 1],
    ['an internal error', [{ kind: 'internal' }, { kind: 'internal' }], 2],
    ['no PartialErrors, twice', [{ kind: 'no-errors' }, { kind: 'no-errors' }], 2],
    ['PartialErrors null', [{ kind: 'null-errors' }], 0],
    ['an internal error for one item', [{ kind: 'partial', error: ADS_ERRORS.internal, indexes: [1] }], 1],
    ['an internal error for no item', [{ kind: 'partial', error: ADS_ERRORS.internal, indexes: [null] }], 1],
  ])('gets through %s', async (_, faults, again) => {
    for (const action of ['Add', 'Replace'] as const) {
      const made = world()
      for (const fault of faults) made.fake.fail('ApplyCustomerListUserData', fault)
      const { id, outcome } = await apply(made, action)
      expect(outcome).toEqual(clean)
      expect([...made.fake.members(id)!].sort()).toEqual(toHex(three))
      expect(operations(made.fake).filter((name) => name === 'ApplyCustomerListUserData')).toHaveLength(1 + again)
    }
  })

  it.each([
    [undefined, 60_000],
    [7, 7_000],
  ])('waits when throttled (Retry-After %s)', async (retryAfter, ms) => {
    const made = world()
    made.fake.fail('ApplyCustomerListUserData', retryAfter ? { kind: 'throttle', retryAfter } : { kind: 'throttle' }, 2)
    await apply(made)
    expect(made.sleeps).toEqual([ms, ms])
  })

  it('does not wait for ever', async () => {
    const made = world()
    made.fake.fail('ApplyCustomerListUserData', { kind: 'throttle' }, 40)
    expect((await failure(apply(made))).message).toMatch(/CallRateExceeded \(117\)/)
    expect(made.sleeps).toHaveLength(30)
    const other = world()
    other.fake.fail('ApplyCustomerListUserData', { kind: 'reset' }, 9)
    expect(await failure(apply(other))).toMatchObject({ code: 'network', ambiguous: true })
    expect(other.sleeps).toHaveLength(4)
  })

  it('reports items that Microsoft refuses by their place, and sends the rest', async () => {
    const made = world()
    made.fake.fail('ApplyCustomerListUserData', { kind: 'partial', error: ADS_ERRORS.notHashed, indexes: [2, 0] })
    const { id, outcome } = await apply(made)
    expect(outcome).toEqual(
      new Map([
        [2, 'EmailMustBeHashed'],
        [0, 'EmailMustBeHashed'],
      ]),
    )
    expect([...made.fake.members(id)!]).toEqual([toHex(three)[1]])
  })

  it('gives up on items that fail three times without a reason', async () => {
    const made = world()
    for (let round = 0; round < 3; round++)
      made.fake.fail('ApplyCustomerListUserData', { kind: 'partial', error: ADS_ERRORS.internal, indexes: [0] })
    const { outcome } = await apply(made)
    expect(outcome).toEqual(new Map([[0, 'InternalError']]))
  })

  it.each(['partial', 'fault'] as const)(
    'stops for the terms and for a list that is gone, as %s',
    async (callErrors) => {
      const made = world({ callErrors })
      expect(await failure(apply(made, 'Add', false))).toMatchObject({
        code: 'terms',
        message: expect.stringMatching(/acceptCustomerMatchTerms.*true/),
      })
      made.fake.options.termsAccepted = true
      await apply(made, 'Add', false)
      made.fake.deleteList(made.fake.lists()[0]!.id)
      expect(await failure(made.client.applyItems('7', { action: 'Add', hashes: three }, true))).toMatchObject({
        code: 'list_gone',
      })
    },
  )

  it('never repeats what Microsoft says about an item', async () => {
    const made = world()
    const error = [8004, 'user@example.com is bad'] as never
    made.fake.fail('ApplyCustomerListUserData', { kind: 'partial', error, indexes: [0] })
    expect((await apply(made)).outcome).toEqual(new Map([[0, 'Error 8004']]))
  })
})

describe('bulk', () => {
  const many = hashes('a', 'b', 'c', 'd')
  async function upload(
    made: World,
    { action = 'Add' as 'Add' | 'Remove' | 'Replace', listId = '', terms = true } = {},
  ) {
    const id = listId || (made.fake.lists()[0]?.id ?? (await made.client.createList(list)))
    const directory = scratch()
    try {
      const path = join(directory, 'file.zip')
      writeBulkFile(path, id, { action, by: 'bulk', hashes: many }, terms)
      const { bulk } = made.client
      const started = await bulk.start()
      if (!(await bulk.send(started, path))) return { id, kind: 'refused' as const, failures: [] }
      const percents: number[] = []
      const outcome = await bulk.wait(started.requestId, (percent) => percents.push(percent))
      const failures: FailedRow[] = []
      if (outcome.kind === 'done' && outcome.refusal) throw outcome.refusal
      if (outcome.kind === 'done') for await (const row of outcome.failures) failures.push(row)
      return { id, kind: outcome.kind, failures, percents }
    } finally {
      rmSync(directory, { recursive: true })
    }
  }

  it('applies a file, telling how far it is', async () => {
    const made = world()
    const { id, kind, failures, percents } = await upload(made)
    expect({ kind, failures }).toEqual({ kind: 'done', failures: [] })
    expect(percents!.some((percent) => percent > 0)).toBe(true)
    expect([...made.fake.members(id)!].sort()).toEqual(toHex(many))
    await upload(made, { action: 'Remove' })
    expect(made.fake.members(id)!.size).toBe(0)
    await upload(made, { action: 'Replace' })
    expect(made.fake.members(id)!.size).toBe(4)
    expect(made.fake.violations).toEqual([])
  })

  it('reads errors back by client id, and those of the list without one', async () => {
    const made = world()
    const good = await made.client.createList(list)
    made.fake.deleteList(good)
    const { kind, failures } = await upload(made, { listId: good })
    expect(kind).toBe('done')
    expect(failures[0]).toMatchObject({ code: 4835, name: 'InvalidAudienceId', index: undefined })
    expect(failures.slice(1).map(({ code, index, text }) => ({ code, index, text }))).toEqual(
      toHex(many).map((text, index) => ({ code: 8000, index, text })),
    )
    const terms = await upload(world(), { terms: false })
    expect(terms.failures[0]).toMatchObject({ code: 8003, index: undefined })
  })

  it.each<[string, (made: World) => void]>([
    ['too many uploads', ({ fake }) => fake.fail('GetBulkUploadUrl', { kind: 'busy' }, 3)],
    ['an upload whose answer is lost', ({ fake }) => fake.fail('UploadBulkFile', { kind: 'lost' })],
    ['an upload that did not arrive', ({ fake }) => fake.fail('UploadBulkFile', { kind: 'reset' }, 2)],
    ['a token that expires before the upload', ({ fake }) => fake.fail('UploadBulkFile', { kind: 'expired' })],
    ['a poll without an answer', ({ fake }) => fake.fail('GetBulkUploadStatus', { kind: 'html' }, 3)],
    ['a throttled poll', ({ fake }) => fake.fail('GetBulkUploadStatus', { kind: 'throttle' }, 3)],
    ['no address', ({ fake }) => fake.fail('GetBulkUploadUrl', { kind: 'empty' })],
  ])('gets through %s', async (_, breakIt) => {
    const made = world()
    breakIt(made)
    const { id, kind } = await upload(made)
    expect(kind).toBe('done')
    expect(made.fake.members(id)!.size).toBe(4)
    expect(made.fake.violations).toEqual([])
  })

  it('asks for a fresh address when that of the result is too old, and sends no token there', async () => {
    const made = world()
    const good = await made.client.createList(list)
    made.fake.deleteList(good)
    made.fake.fail('ResultFile', { kind: 'fault', error: ADS_ERRORS.urlExpired, status: 403 })
    made.fake.fail('ResultFile', { kind: 'garbled' })
    expect((await upload(made, { listId: good })).failures).toHaveLength(5)
    made.fake.fail('ResultFile', { kind: 'garbled' }, 3)
    expect(await failure(upload(made, { listId: good }))).toMatchObject({ code: 'network' })
    made.fake.fail('ResultFile', { kind: 'reset' }, 3)
    expect(await failure(upload(made, { listId: good }))).toMatchObject({ code: 'network' })
    expect(made.fake.violations).toEqual([])
  })

  it('knows an address that is too old, a file that failed, one that is too long, and an upload that nobody knows', async () => {
    const old = world()
    const id = await old.client.createList(list)
    const started = await old.client.bulk.start()
    await old.runtime.sleep(16 * 60_000)
    const directory = scratch()
    const path = join(directory, 'file.zip')
    writeBulkFile(path, id, { action: 'Add', by: 'bulk', hashes: many }, true)
    expect(await old.client.bulk.send(started, path)).toBe(false)
    expect(await old.client.bulk.wait(started.requestId)).toEqual({ kind: 'again' })
    expect(await old.client.bulk.wait('00000000-0000-0000-0000-000000000000')).toEqual({ kind: 'unknown' })
    rmSync(directory, { recursive: true })
    expect((await failure(upload(world({ bulkRows: 3 })))).message).toMatch(/UploadFileRowCountExceeded/)
    expect((await failure(upload(world({ bulkMs: 10 ** 9 })))).message).toMatch(/still working/)
  })
})

describe('client ids', () => {
  it.each([
    ['r0', 0],
    ['r799999', 799_999],
    ['', undefined],
    ['x1', undefined],
    [undefined, undefined],
  ])('%s is row %s', (id, index) => {
    expect(indexOfClientId(id)).toBe(index)
  })
})
