import { expect, it } from 'vitest'
import { watchAudience } from '../../src/audience/watch.ts'
import { persons, syncWorld } from './support/sync-world.ts'

const HOUR = 3_600_000

it('runs each cohort on its cadence, makes up for what was missed, and tries again after a failure that passes', async () => {
  const source = { file: './members.csv' }
  const made = syncWorld({
    cohorts: [
      { id: 'h', name: 'H', cadence: 'hourly', source },
      { id: 'd', name: 'D', cadence: '30 */6 * * *', source },
      { id: 'never', name: 'N', source },
    ],
  })
  made.people(persons(1, 2))
  const start = made.runtime.now()
  const abort = new AbortController()
  const story: { id: string; at: number; nextAt: number }[] = []
  const note = (id: string, nextAt: number) => {
    story.push({ id, at: made.runtime.now() - start, nextAt: nextAt - start })
    if (made.runtime.now() - start > 13 * HOUR) abort.abort()
  }
  made.fake.fail('GetAudiencesByIds', { kind: 'unavailable' }, 5)
  await watchAudience(
    {
      ...{ audience: made.config, baseDir: made.directory, env: made.env, signal: abort.signal },
      onRun: ({ cohortId }, nextAt) => note(cohortId, nextAt),
      onFailure: (cohortId, _, nextAt) => note(`${cohortId} failed`, nextAt),
    },
    made.runtime,
  )
  expect(story.slice(0, 2).map(({ id, at }) => [id, at])).toEqual([
    ['h', 0],
    ['d', 0],
  ])
  const hourly = story.filter(({ id }) => id === 'h')
  expect(hourly.length).toBeGreaterThanOrEqual(12)
  // Half of the greatest jitter, as the stand-in for chance says.
  for (const { nextAt } of hourly) expect((start + nextAt) % HOUR).toBe(3 * 60_000)
  const [failed] = story.filter(({ id }) => id.endsWith('failed'))
  expect(failed!.nextAt - failed!.at).toBe(15 * 60_000)
  expect(story.filter(({ id }) => id === 'd').length).toBeGreaterThanOrEqual(3)
  expect(story.some(({ id }) => id === 'never')).toBe(false)
  made.remove()
})
