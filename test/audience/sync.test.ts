import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { AudienceConfig } from '../../src/audience/config.ts'
import type { FakeAdsOptions } from '../../src/testing/fake-ads.ts'
import { hashesOf, person, persons, type SyncWorld, sha256, syncWorld, writes } from './support/sync-world.ts'

const worlds: SyncWorld[] = []
const world = (over?: Partial<AudienceConfig>, options?: FakeAdsOptions) => {
  const made = syncWorld(over, options)
  worlds.push(made)
  return made
}
afterEach(() => {
  for (const made of worlds.splice(0)) {
    expect(made.fake.violations).toEqual([])
    made.remove()
  }
})

const failure = async (promise: Promise<unknown>) => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason as Error & { code: string },
  )
  expect(error).toBeInstanceOf(Error)
  return error!
}
const upTo = (last: number, first = 1) =>
  persons(...Array.from({ length: last - first + 1 }, (_, index) => first + index))

describe('the first run', () => {
  it('puts A on a list, leaves out B and C, and says so', async () => {
    const made = world()
    made.people([
      ['A', 'user@example.com'],
      ['B', ''],
      ['C', 'invalid'],
    ])
    const result = await made.run()
    expect(made.fake.lists()).toMatchObject([
      { name: '[uetkit] High Value Users: abc123', scope: 'Customer', membershipDuration: -1 },
    ])
    expect(made.listed()).toEqual(['b4c9a289323b21a01c3e940f150eb9b8c542587f1abfd8f0e1cc1ffc5e475514'])
    expect(result).toEqual({
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
      report: expect.stringContaining(join(made.directory, 'data', 'reports', 'abc123-')),
      full: false,
      notices: [expect.stringMatching(/1 people; .* fewer than 300/)],
    })
    expect(made.report(result.report)).toEqual([
      'cohort_id,row,user_id,status,reason',
      'abc123,1,A,added,',
      'abc123,2,B,excluded,Unresolved Mapping',
      'abc123,3,C,excluded,Partner Requirement Unmet',
    ])
  })

  it('counts a person once and takes hashes as they are', async () => {
    const made = world()
    made.people([['a', 'User@Example.com '], ['b', sha256('user@example.com').toUpperCase()], person(1)])
    const result = await made.run()
    expect(result).toMatchObject({ added: 2, excluded: 0, exclusions: { duplicate: 1 } })
    expect(made.listed()).toEqual(hashesOf('user@example.com', 'person1@example.com'))
    expect(made.report(result.report)[2]).toBe('abc123,2,b,excluded,Duplicate')
  })

  it('makes no list when nobody is left', async () => {
    const made = world()
    made.people([['B', '']])
    expect(await made.run()).toMatchObject({ listId: null, created: false, members: 0, excluded: 1 })
    expect(writes(made.fake)).toEqual([])
  })

  it.each([
    ['Account', 30, '176543210'],
    ['Customer', 390, '187654321'],
  ] as const)('makes a list of the scope %s for %i days', async (scope, membershipDays, parentId) => {
    const source = { file: './members.csv' }
    const made = world({ cohorts: [{ id: 'c', name: 'N', namePrefix: 'Mine', source, scope, membershipDays }] })
    made.people(upTo(1))
    await made.run()
    expect(made.fake.lists()).toMatchObject([
      { name: '[Mine] N: c', scope, membershipDuration: membershipDays, parentId },
    ])
  })

  it('normalises as Microsoft does where that is chosen', async () => {
    const made = world({ emailNormalization: 'microsoft' })
    made.people([['a', 'Jo.Hn+news@Example.com']])
    await made.run()
    expect(made.listed()).toEqual(hashesOf('john@example.com'))
  })
})

describe('later runs', () => {
  it('send only who came and who went, removals first', async () => {
    const made = world()
    made.people(upTo(5))
    await made.run()
    made.fake.requests.length = 0
    made.people([...upTo(5, 2), person(9)])
    const result = await made.run()
    expect(result).toMatchObject({ created: false, added: 1, removed: 1, unchanged: 4, members: 5 })
    expect(made.listed()).toEqual(hashesOf(...[2, 3, 4, 5, 9].map((n) => `person${n}@example.com`)))
    const sent = made.fake.requests.filter(({ operation }) => operation === 'ApplyCustomerListUserData')
    expect(sent.map(({ text }) => JSON.parse(text).CustomerListUserData)).toEqual([
      {
        AudienceId: '9007199254740993',
        ActionType: 'Remove',
        CustomerListItemSubType: 'Email',
        CustomerListItems: hashesOf('person1@example.com'),
        AcceptCustomerMatchTerm: true,
      },
      expect.objectContaining({ ActionType: 'Add', CustomerListItems: hashesOf('person9@example.com') }),
    ])
    expect(made.report(result.report).at(-1)).toBe('abc123,,,removed,')
  })

  it('send nothing when nothing changed', async () => {
    const made = world()
    made.people(upTo(3))
    await made.run()
    made.fake.requests.length = 0
    expect(await made.run()).toMatchObject({ added: 0, removed: 0, unchanged: 3 })
    expect(writes(made.fake)).toEqual([])
  })

  it('keep a person who is in two rows until both are gone', async () => {
    const made = world()
    made.people([['a', 'x@example.com'], ['b', 'X@example.com'], person(1)])
    await made.run()
    made.people([['b', 'X@example.com'], person(1)])
    expect(await made.run()).toMatchObject({ removed: 0, unchanged: 2 })
  })

  it('send everybody with --full, and by themselves after 90 days', async () => {
    const made = world()
    made.people(upTo(3))
    await made.run()
    for (const days of [0, 89, 91]) {
      await made.runtime.sleep(days * 86_400_000)
      made.fake.lists()[0]!.members.clear()
      const result = await made.run({ full: days === 0 })
      const healed = days !== 89
      expect(result).toMatchObject({ full: healed, added: 0, unchanged: 3, members: 3 })
      expect(made.listed()).toHaveLength(healed ? 3 : 0)
    }
    expect(await made.run()).toMatchObject({ full: false })
  })

  it('keep the list of a renamed cohort, and say so', async () => {
    const made = world()
    made.people(upTo(2))
    await made.run()
    const [cohort] = made.config.cohorts!
    made.config.cohorts = [{ ...cohort!, name: 'Best Users' }]
    made.people(upTo(3))
    const result = await made.run()
    expect(result).toMatchObject({ listName: '[uetkit] High Value Users: abc123', added: 1, created: false })
    expect(result.notices[0]).toMatch(/"Best Users" now; its list keeps the name "\[uetkit\] High Value Users: abc123"/)
    expect(made.fake.lists()).toHaveLength(1)
  })

  it('keep the normalisation of the list until --full changes it', async () => {
    const made = world()
    made.people([['a', 'a.b@example.com']])
    await made.run()
    made.config.emailNormalization = 'microsoft'
    const kept = await made.run()
    expect(kept.notices[0]).toMatch(/"basic" and keeps it/)
    expect(made.listed()).toEqual(hashesOf('a.b@example.com'))
    await made.run({ full: true })
    expect(made.listed()).toEqual(hashesOf('ab@example.com'))
    expect(await made.run()).toMatchObject({ added: 0, removed: 0, notices: [expect.stringContaining('300')] })
  })

  it('try again only those who failed', async () => {
    const made = world()
    made.people(upTo(4))
    made.fake.fail('ApplyCustomerListUserData', { kind: 'partial', error: [8004, 'EmailMustBeHashed'], indexes: [1] })
    const first = await made.run()
    expect(first).toMatchObject({ added: 3, failed: 1, members: 3 })
    expect(made.report(first.report).filter((line) => line.includes('failed'))).toEqual([
      expect.stringMatching(/^abc123,\d,u\d,failed,EmailMustBeHashed$/),
    ])
    made.fake.requests.length = 0
    expect(await made.run()).toMatchObject({ added: 1, unchanged: 3, failed: 0, members: 4 })
    const [sent] = made.fake.requests.filter(({ operation }) => operation === 'ApplyCustomerListUserData')
    expect(JSON.parse(sent!.text).CustomerListUserData.CustomerListItems).toHaveLength(1)
  })

  it('report people who could not be removed, and try again', async () => {
    const made = world()
    made.people(upTo(4))
    await made.run()
    made.people(upTo(3))
    made.fake.fail('ApplyCustomerListUserData', { kind: 'partial', error: [9999, 'NotThisOne'], indexes: [0] })
    const result = await made.run()
    expect(result).toMatchObject({ removed: 0, failed: 1, members: 4 })
    expect(made.report(result.report).at(-1)).toBe('abc123,,,failed,NotThisOne')
    expect(await made.run()).toMatchObject({ removed: 1, members: 3 })
    expect(made.listed()).toHaveLength(3)
  })
})

describe('large changes', () => {
  it('go by file and come back by client id', async () => {
    const made = world()
    made.people(upTo(20_001))
    expect(await made.run()).toMatchObject({ added: 20_001, members: 20_001 })
    expect(writes(made.fake)).toEqual(['AddAudiences', 'GetBulkUploadUrl', 'UploadBulkFile'])
    expect(made.listed()).toHaveLength(20_001)
    made.fake.requests.length = 0
    made.people(upTo(19_990, 0))
    expect(await made.run()).toMatchObject({ added: 1, removed: 11, members: 19_991 })
    expect(writes(made.fake)).toEqual(['ApplyCustomerListUserData', 'ApplyCustomerListUserData'])
    expect(made.listed()).toHaveLength(19_991)
  })

  it.each([
    ['bulk', 3, ['GetBulkUploadUrl', 'UploadBulkFile']],
    ['items', 2_500, ['ApplyCustomerListUserData', 'ApplyCustomerListUserData', 'ApplyCustomerListUserData']],
  ] as const)('and small ones go as %s where that is chosen', async (apply, people, operations) => {
    const made = world({ cohorts: [{ id: 'c', name: 'N', source: { file: './members.csv' }, apply }] })
    made.people(upTo(people))
    await made.run()
    expect(writes(made.fake)).toEqual(['AddAudiences', ...operations])
    expect(made.listed()).toHaveLength(people)
  })
})

describe('terms of customer match', () => {
  const refused = { acceptCustomerMatchTerms: false }

  it.each(['items', 'bulk'] as const)('are never accepted silently (%s)', async (apply) => {
    const made = world({ ...refused, cohorts: [{ id: 'c', name: 'N', source: { file: './members.csv' }, apply }] })
    made.people(upTo(2))
    expect(await failure(made.run())).toMatchObject({
      code: 'terms',
      message: expect.stringMatching(/Tools > Audiences.*"acceptCustomerMatchTerms": true/),
    })
    expect(made.listed()).toEqual([])
    for (const { text } of made.fake.requests) expect(text).not.toMatch(/AcceptCustomerMatchTerm"|,True,/)
    made.fake.options.termsAccepted = true
    expect(await made.run()).toMatchObject({ added: 2, created: false })
    expect(made.fake.lists()).toHaveLength(1)
  })
})

describe('the guard', () => {
  it.each([
    [100, 49, 'would remove 51 of the 100'],
    [5, 0, 'would remove all 5'],
  ])('asks before a list of %i becomes %i', async (before, after, reason) => {
    const made = world()
    made.people(upTo(before))
    await made.run()
    made.people([...upTo(after), ['x', '']])
    made.fake.requests.length = 0
    expect(await failure(made.run())).toMatchObject({ code: 'guard', message: expect.stringMatching(reason) })
    expect((await failure(made.run())).message).toMatch(/--yes/)
    expect(writes(made.fake)).toEqual([])
    const dry = await made.run({ dryRun: true })
    expect(dry.notices[0]).toMatch(/would stop and ask for --yes/)
    expect(await made.run({ yes: true })).toMatchObject({ removed: before - after, members: after })
    expect(made.listed()).toHaveLength(after)
  })

  it('asks before a header without rows empties a list', async () => {
    const made = world()
    made.source('user_id,email\n')
    expect(await failure(made.run({ yes: true }))).toMatchObject({
      code: 'source',
      message: expect.stringMatching(/no rows/),
    })
    made.people(upTo(2))
    await made.run()
    made.source('user_id,email\n')
    expect((await failure(made.run())).message).toMatch(/--yes/)
    expect(await made.run({ yes: true })).toMatchObject({ removed: 2, members: 0 })
    expect(made.listed()).toEqual([])
  })
})

describe('a dry run', () => {
  it('shows what would be sent, speaks to nobody and writes nothing', async () => {
    const made = world()
    made.people([person(1), ['B', '']])
    expect(await made.run({ dryRun: true })).toMatchObject({
      dryRun: true,
      added: 1,
      members: 1,
      excluded: 1,
      report: null,
      listId: null,
    })
    expect(made.fake.requests).toEqual([])
    expect(made.everythingWritten()).not.toContain('audience.db')
    await made.run()
    made.people([person(2)])
    made.fake.requests.length = 0
    const report = join(made.directory, 'dry.csv')
    expect(await made.run({ dryRun: true, report })).toMatchObject({ added: 1, removed: 1, listId: '9007199254740993' })
    expect(made.report(report)).toEqual([
      'cohort_id,row,user_id,status,reason',
      'abc123,1,u2,added,',
      'abc123,,,removed,',
    ])
    expect(made.fake.requests).toEqual([])
    expect(made.listed()).toEqual(hashesOf('person1@example.com'))
  })

  it('needs no credentials', async () => {
    const made = world()
    made.people(upTo(1))
    const { credentials: _, ...audience } = made.config
    expect(await made.run({ audience, dryRun: true })).toMatchObject({ added: 1 })
    expect(await failure(made.run({ audience }))).toMatchObject({
      name: 'ConfigError',
      message: expect.stringMatching(/credentials are missing/),
    })
  })
})

describe('a list that is gone', () => {
  it('is noticed, and made anew on the operator’s word', async () => {
    const made = world()
    made.people(upTo(3))
    await made.run()
    made.fake.deleteList(made.fake.lists()[0]!.id)
    expect(await failure(made.run())).toMatchObject({ code: 'list_gone', message: expect.stringMatching(/--full/) })
    expect(made.fake.lists()).toEqual([])
    const result = await made.run({ full: true })
    expect(result).toMatchObject({ created: true, added: 3, unchanged: 0, listId: '9007199254740994' })
    expect(made.listed()).toHaveLength(3)
  })

  it('in the middle of a run ends it', async () => {
    const made = world()
    made.people(upTo(3))
    await made.run()
    made.people(upTo(4))
    made.fake.fail('ApplyCustomerListUserData', { kind: 'fault', error: [4835, 'InvalidAudienceId'] })
    expect(await failure(made.run())).toMatchObject({ code: 'list_gone' })
    expect(await made.run()).toMatchObject({ added: 1 })
  })
})

describe('a store that is lost', () => {
  it('stops at the list that is there, and takes it over with --full', async () => {
    const made = world()
    made.people(upTo(1_500))
    await made.run()
    made.config.store = 'sqlite:./other/audience.db'
    made.people(upTo(2_200, 10))
    expect(await failure(made.run())).toMatchObject({ code: 'list_exists', message: expect.stringMatching(/--full/) })
    expect(made.listed()).toHaveLength(1_500)
    const result = await made.run({ full: true })
    expect(result).toMatchObject({ created: false, added: 2_191, members: 2_191 })
    expect(made.listed()).toEqual(hashesOf(...upTo(2_200, 10).map(([, email]) => email)))
    expect(made.fake.lists()).toHaveLength(1)
    expect(await made.run()).toMatchObject({ added: 0, removed: 0 })
  })

  it('leaves a list alone that somebody else made', async () => {
    const made = world()
    made.people(upTo(2))
    await made.run()
    made.fake.lists()[0]!.description = 'made by hand'
    made.config.store = 'sqlite:./other/audience.db'
    expect(await failure(made.run({ full: true }))).toMatchObject({
      code: 'list_exists',
      message: expect.stringMatching(/did not make/),
    })
    expect(made.listed()).toHaveLength(2)
  })
})

describe('several cohorts', () => {
  it('go one after the other, and one that fails does not keep the others back', async () => {
    const cohort = (id: string, file: string) => ({ id, name: id, source: { file } })
    const made = world({
      cohorts: [cohort('a', './none.csv'), cohort('b', './members.csv'), cohort('c', './nothing.csv')],
    })
    made.people(upTo(2))
    const error = await failure(made.run())
    expect(error).toMatchObject({ code: 'source', runs: [{ cohortId: 'b', added: 2 }] })
    expect(error.message).toMatch(/^a: .*none\.csv.*ENOENT.*\nc: .*nothing\.csv/)
    expect(await made.run({ cohortIds: ['b'] })).toMatchObject({ unchanged: 2 })
    expect(await failure(made.run({ cohortIds: ['x'] }))).toMatchObject({
      code: 'usage',
      exitCode: 2,
      message: expect.stringMatching(/"a", "b", "c"/),
    })
    expect(await failure(made.run({ report: 'r.csv' }))).toMatchObject({ code: 'usage' })
  })

  it('have one lock each: a second run on the same waits for the first', async () => {
    const made = world()
    made.people(upTo(3))
    const [one, two] = await Promise.all([made.run(), made.run()])
    expect([one.added, two.added].sort()).toEqual([0, 3])
    expect(made.fake.lists()).toHaveLength(1)
    expect(made.progress.some(({ phase }) => phase === 'lock')).toBe(true)
  })
})

describe('sources', () => {
  it('take a cohort straight from Amplitude', async () => {
    for (const redirect of [false, true]) {
      const amplitude = { apiKey: 'env:AMP_KEY', secretKey: 'env:AMP_SECRET', region: 'eu', email: 'email' } as const
      const made = world({ cohorts: [{ id: 'co1', name: 'Best', source: { amplitude } }] })
      Object.assign(made.env, { AMP_KEY: 'amplitude-key', AMP_SECRET: 'amplitude-secret' })
      made.fake.setCohort('co1', '"amplitude_id","user_id","email"\n"1","u1","user@example.com"\n"2","",""\n', {
        redirect,
      })
      made.fake.fail('Amplitude', { kind: 'unavailable' })
      made.fake.fail('Amplitude', { kind: 'throttle', retryAfter: 3 })
      made.fake.fail('Amplitude', { kind: 'reset' })
      expect(await made.run()).toMatchObject({ added: 1, excluded: 1, listName: '[Amplitude] Best: co1' })
      expect(made.listed()).toEqual(hashesOf('user@example.com'))
      const [request] = made.fake.requests
      expect(request!.url).toMatch(/\/api\/5\/cohorts\/request\/co1\?props=1&propKeys=email$/)
    }
  })

  it.each([
    ['wrong keys', { AMP_SECRET: 'no' }, 'co1', /keys were refused \(401\).*region, which is "us"/],
    ['no such cohort', {}, 'co2', /no such cohort/],
  ])('Amplitude with %s', async (_, env, id, message) => {
    const amplitude = { apiKey: 'env:AMP_KEY', secretKey: 'env:AMP_SECRET', email: 'email' }
    const made = world({ cohorts: [{ id, name: 'Best', source: { amplitude } }] })
    Object.assign(made.env, { AMP_KEY: 'amplitude-key', AMP_SECRET: 'amplitude-secret' }, env)
    made.fake.setCohort('co1', 'email\na@b.co\n')
    expect(await failure(made.run())).toMatchObject({ code: 'amplitude', message: expect.stringMatching(message) })
    expect(writes(made.fake)).toEqual([])
  })

  it('that break half-way send nothing', async () => {
    const made = world()
    made.source(`user_id,email\n${'a,person@example.com\n'.repeat(5_000)}b,"never closed\n`)
    expect(await failure(made.run())).toMatchObject({ code: 'source' })
    expect(made.fake.requests).toEqual([])
  })
})

describe('the refresh token', () => {
  it('is replaced in its file, readable by its owner only', async () => {
    const made = world()
    made.people(upTo(1))
    const before = readFileSync(join(made.directory, 'token.json'), 'utf8')
    await made.run()
    const after = readFileSync(join(made.directory, 'token.json'), 'utf8')
    expect(after).not.toBe(before)
    made.fake.revokeRefreshTokens()
    expect(await failure(made.run())).toMatchObject({
      code: 'sign_in',
      message: expect.stringMatching(/uetkit audience login/),
    })
  })

  it('from the environment is kept beside the store and wins, until the environment brings another', async () => {
    const made = world()
    made.config.credentials!.refreshToken = 'env:MSADS_REFRESH_TOKEN'
    made.env.MSADS_REFRESH_TOKEN = made.fake.credentials.refreshToken
    made.people(upTo(1))
    await made.run()
    const used = () =>
      made.fake.requests
        .filter(({ operation }) => operation === 'Token')
        .map(({ text }) => new URLSearchParams(text).get('refresh_token'))
    await made.run()
    expect(used()[0]).toBe(made.fake.credentials.refreshToken)
    expect(used()[1]).not.toBe(made.fake.credentials.refreshToken)
    const another = made.fake.issueRefreshToken()
    made.env.MSADS_REFRESH_TOKEN = another
    await made.run()
    expect(used()[2]).toBe(another)
  })

  it('in a file that is none stops with a clear message', async () => {
    const made = world()
    made.people(upTo(1))
    writeFileSync(join(made.directory, 'token.json'), 'secret-as-plain-text')
    const error = await failure(made.run())
    expect(error.message).toMatch(/token\.json: this file has to hold/)
    expect(error.message).not.toContain('secret-as')
  })
})

describe('no e-mail address', () => {
  it('leaves the process or reaches a file, whatever happens', async () => {
    const made = world({}, { callErrors: 'fault' })
    const addresses = ['Secret.Person@example.com', 'broken@address', 'secret.person@example.com;x@y.zz']
    made.people([
      ['id-1', addresses[0]!],
      ['secret.person@example.com', addresses[1]!],
      ['id-3', addresses[2]!],
      ...upTo(30),
    ])
    const said: unknown[] = []
    made.fake.fail('ApplyCustomerListUserData', {
      kind: 'partial',
      error: [8004, 'EmailMustBeHashed'],
      indexes: [0, 3],
    })
    said.push(await made.run())
    made.fake.fail('ApplyCustomerListUserData', { kind: 'fault', error: [201, 'secret.person@example.com'] })
    said.push(await failure(made.run()))
    made.source('secret.person@example.com\nx')
    said.push(await failure(made.run()))
    said.push(made.progress)
    const sent = made.fake.requests.map(({ url, text }) => `${url} ${text}`).join('\n')
    const texts = said.map((one) =>
      one instanceof Error ? `${one.message}\n${one.stack}\n${JSON.stringify(one)}` : JSON.stringify(one),
    )
    for (const text of [sent, made.everythingWritten(), ...texts]) {
      expect(text.toLowerCase()).not.toMatch(/secret\.person|broken@|person\d+@/)
    }
    expect(sent).toContain(sha256('person1@example.com'))
  })
})
