import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import type { FakeAdsFault, FakeAdsOperation } from '../../src/testing/fake-ads.ts'
import { Crash, Mortality, runMortal } from './support/crash.ts'
import { hashesOf, persons, type SyncWorld, syncWorld } from './support/sync-world.ts'

const worlds: SyncWorld[] = []
const world = (apply: 'auto' | 'items' | 'bulk') => {
  const cohorts = [{ id: 'abc123', name: 'High Value Users', source: { file: './members.csv' }, apply }]
  const made = syncWorld({ cohorts })
  worlds.push(made)
  return made
}
afterEach(() => {
  for (const made of worlds.splice(0)) {
    expect(made.fake.violations).toEqual([])
    made.remove()
  }
})

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index)
const hashes = (ns: readonly number[]) => hashesOf(...ns.map((n) => `person${n}@example.com`))

/** A story of runs; the last one is the one that dies. */
const STORIES: readonly [
  name: string,
  apply: 'items' | 'bulk',
  cohorts: number[][],
  prepare?: (made: SyncWorld) => void,
][] = [
  ['a first run by items', 'items', [range(0, 1_400)]],
  ['a first run by file', 'bulk', [range(0, 20)]],
  ['changes by items', 'items', [range(0, 1_300), [...range(1_100, 1_300), ...range(2_000, 3_100)]]],
  ['changes by file', 'bulk', [range(0, 30), range(10, 50)]],
  [
    'a list that is taken over',
    'items',
    [range(0, 1_300), range(5, 1_400)],
    (made) => {
      made.config.store = 'sqlite:./other/audience.db'
    },
  ],
  [
    'a list that is taken over by file',
    'bulk',
    [range(0, 30), range(5, 40)],
    (made) => {
      made.config.store = 'sqlite:./other/audience.db'
    },
  ],
  [
    'a list that is made anew',
    'items',
    [range(0, 30), range(5, 40)],
    (made) => made.fake.deleteList(made.fake.lists()[0]!.id),
  ],
]

describe('a crash at any moment', () => {
  it.each(STORIES)(
    '%s: the next run makes the list equal to the cohort',
    async (_, apply, cohorts, prepare) => {
      const full = prepare !== undefined
      let survived = false
      for (let moment = 1; !survived; moment++) {
        const made = world(apply)
        for (const [index, cohort] of cohorts.entries()) {
          const last = index === cohorts.length - 1
          made.people(persons(...cohort))
          if (last) prepare?.(made)
          const mortality = new Mortality(last ? moment : undefined)
          survived = await runMortal(made, mortality, { full: last && full }).then(
            () => true,
            (error: unknown) => {
              expect(error).toBeInstanceOf(Crash)
              return false
            },
          )
        }
        const cohort = cohorts.at(-1)!
        // Two days later, with somebody gone and somebody new.
        await made.runtime.sleep(2 * 86_400_000)
        const now = [...cohort.slice(3), 9_999]
        made.people(persons(...now))
        const result = await runMortal(made, new Mortality(), { full })
        expect(made.listed(), `moment ${moment}`).toEqual(hashes(now))
        expect(result, `moment ${moment}`).toMatchObject({ members: now.length, failed: 0 })
        expect(made.fake.lists()).toHaveLength(1)
        expect(await runMortal(made, new Mortality())).toMatchObject({ added: 0, removed: 0, unchanged: now.length })
        made.remove()
        expect(made.fake.violations).toEqual([])
        worlds.pop()
      }
    },
    60_000,
  )
})

const fault: fc.Arbitrary<FakeAdsFault> = fc.oneof(
  fc.constantFrom<FakeAdsFault>(
    { kind: 'throttle', retryAfter: 2 },
    { kind: 'internal' },
    { kind: 'html' },
    { kind: 'unavailable' },
    { kind: 'expired' },
    { kind: 'reset' },
    { kind: 'lost' },
    { kind: 'garbled' },
    { kind: 'empty' },
  ),
)
const itemFault: fc.Arbitrary<FakeAdsFault> = fc.oneof(
  fault,
  fc.constantFrom<FakeAdsFault>({ kind: 'null-errors' }, { kind: 'no-errors' }),
  fc.record({
    kind: fc.constant('partial' as const),
    error: fc.constantFrom(
      [0, 'InternalError'] as const,
      [8004, 'EmailMustBeHashed'] as const,
      [777, 'Unheard'] as const,
    ),
    indexes: fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 3 }),
  }),
)
const someFault = fc.oneof(
  fc.tuple(fc.constant<FakeAdsOperation>('ApplyCustomerListUserData'), itemFault),
  fc.tuple(
    fc.constantFrom<FakeAdsOperation>(
      'Token',
      'AddAudiences',
      'GetAudiencesByIds',
      'GetBulkUploadUrl',
      'UploadBulkFile',
      'GetBulkUploadStatus',
      'ResultFile',
    ),
    fault,
  ),
)

const oneRun = fc.record({
  cohort: fc.uniqueArray(fc.nat(12), { minLength: 1, maxLength: 10 }),
  apply: fc.constantFrom('items' as const, 'bulk' as const),
  full: fc.boolean(),
  dies: fc.option(fc.integer({ min: 1, max: 60 })),
  faults: fc.array(fc.tuple(someFault, fc.integer({ min: 1, max: 6 })), { maxLength: 3 }),
  pause: fc.constantFrom(0, 60_000, 40 * 86_400_000, 95 * 86_400_000),
})

describe('any story of runs, crashes and faults', () => {
  it('ends with a list that equals the cohort', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(oneRun, { minLength: 1, maxLength: 6 }), async (runs) => {
        const made = world('auto')
        for (const { cohort, apply, full, dies, faults, pause } of runs) {
          made.config.cohorts = [{ ...made.config.cohorts![0]!, apply }]
          made.people(persons(...cohort))
          for (const [[operation, what], times] of faults) made.fake.fail(operation, what, times)
          const ended = await runMortal(made, new Mortality(dies ?? undefined), { full }).catch(() => undefined)
          if (ended?.failed === 0) expect(made.listed()).toEqual(hashes(cohort))
          await made.runtime.sleep(pause)
        }
        // What is left of the faults hits somebody else.
        made.fake.clearFaults()
        const { cohort } = runs.at(-1)!
        expect(await runMortal(made, new Mortality())).toMatchObject({ failed: 0, members: cohort.length })
        expect(made.listed()).toEqual(hashes(cohort))
        expect(made.fake.lists()).toHaveLength(1)
        expect(made.fake.violations).toEqual([])
        made.remove()
        worlds.pop()
      }),
      // More of them before a release: UETKIT_RUNS=1000.
      { numRuns: Number(process.env.UETKIT_RUNS ?? 30) },
    )
  }, 600_000)
})
