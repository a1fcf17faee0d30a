import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createUet } from '../../src/browser/index.ts'
import { installFakeTag } from '../../src/testing/fake-tag/install.ts'
import { openUetPage } from '../support/uet-page.ts'

// Busy machines get time.
vi.setConfig({ testTimeout: 30_000 })

/**
 * Whatever a page does in whatever order, and whenever the tag script arrives: each call arrives once, in order, on the
 * page load that it belongs to, and nothing leaves with a consent that does not hold.
 */

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

type Step =
  | { do: 'page'; path?: string }
  | { do: 'track' }
  | { do: 'go'; path: string }
  | { do: 'consent'; state: 'granted' | 'denied' }
  | { do: 'wait'; ms: number }

const path = fc.constantFrom('/', '/a', '/b?x=1')
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constant<Step>({ do: 'track' }),
  fc.constant<Step>({ do: 'page' }),
  path.map((to): Step => ({ do: 'page', path: to })),
  path.map((to): Step => ({ do: 'go', path: to })),
  fc.constantFrom<Step>({ do: 'consent', state: 'granted' }, { do: 'consent', state: 'denied' }),
  fc.integer({ min: 0, max: 1000 }).map((ms): Step => ({ do: 'wait', ms })),
)

/** What has to arrive: an event before any page load makes one, and the `page()` call for it then adds none. */
function expectedOf(steps: Step[]): string[] {
  const lines: string[] = []
  let here = '/'
  let implied: string | undefined
  let count = 0
  for (const one of steps) {
    if (one.do === 'go') here = one.path
    if (one.do === 'page') {
      const repeats = (one.path ?? here) === here && implied === here
      implied = undefined
      if (!repeats) lines.push(`pageLoad ${one.path ?? here}`)
    }
    if (one.do === 'track') {
      if (lines.length === 0) lines.push(`pageLoad ${(implied = here)}`)
      lines.push(`custom ${count++}`)
    }
  }
  return lines
}

it('holds for any order of calls and any arrival of the script', () => {
  const options = fc.record({
    steps: fc.array(step, { maxLength: 25 }),
    scriptDelay: fc.constantFrom(0, 300, 3000, 15_000),
    containerDelay: fc.constantFrom(0, 300),
    initial: fc.constantFrom('granted' as const, 'denied' as const),
    tags: fc.constantFrom<string[]>(['1'], ['1', '2']),
    hasArray: fc.boolean(),
  })
  fc.assert(
    fc.property(options, ({ steps, scriptDelay, containerDelay, initial, tags, hasArray }) => {
      const page = openUetPage({
        containerDelay,
        script: { delay: scriptDelay, run: (window) => installFakeTag(window) },
      })
      if (hasArray) page.window.uetq = []
      const uet = createUet({ tagId: tags, consent: { default: initial } })
      let state: string = initial
      let count = 0
      let refused = false

      /** Nothing that leaves from here on may say other than what holds now. */
      const check = (from: number) => {
        for (const { params, host } of page.sent.slice(from)) {
          if (params.evt === 'consent') continue
          expect(params.asc).toBe(state === 'granted' ? 'G' : 'D')
          expect(host).toBe(state === 'granted' ? 'bat.bing.com' : 'bat.bing.net')
          expect('vid' in params).toBe(state === 'granted')
        }
      }
      for (const one of [...steps, { do: 'wait', ms: 20_000 } as Step]) {
        const from = page.sent.length
        if (one.do === 'page') uet.page(one.path ? { path: one.path } : {})
        if (one.do === 'track') uet.track(`${count++}`)
        if (one.do === 'go') {
          // A tag that has its first page load reads the address once it has started, and nobody can tell it earlier.
          if (uet.state().script === 'ready') page.settle(400)
          page.window.history.pushState({}, '', one.path)
        }
        if (one.do === 'wait') page.settle(one.ms)
        if (one.do === 'consent') {
          uet.consent(one.state)
          state = one.state
          refused = state === 'denied'
        }
        check(from)
      }

      expect(page.errors).toEqual([])
      for (const ti of tags) {
        expect(page.lines(ti)).toEqual(expectedOf(steps))
        let mid: string | undefined
        for (const { params } of page.beacons().filter((beacon) => beacon.params.ti === ti)) {
          if (params.evt === 'pageLoad') {
            expect(params.mid).not.toBe(mid)
            mid = params.mid
          } else expect(params.mid).toBe(mid)
        }
      }
      const ids = page.events().map(({ params }) => params.event_id)
      expect(new Set(ids).size).toBe(count)
      expect(uet.state()).toMatchObject({ consent: state, script: 'ready', queued: 0, dropped: 0 })
      if (refused) expect(page.cookieJar.all()).toEqual([])
    }),
    { numRuns: 150 },
  )
})
