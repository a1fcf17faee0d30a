import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { afterEach, expect, it, vi } from 'vitest'
import { createUet } from '../../src/browser/index.ts'
import type { UetOptions } from '../../src/browser/options.ts'
import type { Uet } from '../../src/browser/types.ts'
import type { FakeCookieJar } from '../support/fake-cookies.ts'
import type { TagPage } from '../support/tag-page.ts'
import { openUetPage } from '../support/uet-page.ts'

/**
 * Random visits, checked against the rules of docs/consent.md as a second, naive implementation: the pushes are exactly
 * the changes, in order, the first is the default; while not granted no request identifies, and nothing is stored that
 * was not there before.
 */

type State = 'granted' | 'denied'
type Signal = State | undefined

/** What a visit can be. */
interface Visit {
  fallback: State
  gpc: boolean
  stored: 'none' | 'implicit' | 'explicit' | 'expired'
  load: 'advanced' | 'basic'
  script: 'at once' | 'late' | 'blocked'
  steps: Step[]
}

type Step =
  | { do: 'answer'; value: unknown }
  | { do: 'event'; type: 'page' | 'track'; category: unknown; property: unknown }
  | { do: 'tool'; value: unknown; assumed: boolean }
  | { do: 'identify'; settle: boolean }
  | { do: 'reset' }
  | { do: 'clear cookies' }
  | { do: 'wait'; ms: number }

const odd = fc.constantFrom<unknown>('yes', '', 1, null, undefined, {})
const word = fc.constantFrom<unknown>('granted', 'denied', ' GRANTED', 'Denied', true, false)
const value = fc.oneof({ weight: 4, arbitrary: word }, { weight: 1, arbitrary: odd })
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('answer' as const), value }),
  fc.record({
    do: fc.constant('event' as const),
    type: fc.constantFrom('page' as const, 'track' as const),
    category: fc.constantFrom<unknown>(true, false, undefined, 'odd', 'missing'),
    property: fc.oneof(fc.constant(undefined), value),
  }),
  fc.record({ do: fc.constant('tool' as const), value, assumed: fc.boolean() }),
  fc.record({ do: fc.constant('identify' as const), settle: fc.boolean() }),
  fc.constant({ do: 'reset' as const }),
  fc.constant({ do: 'clear cookies' as const }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(10, 300, 2000, 12_000) }),
)
const visit: fc.Arbitrary<Visit> = fc.record({
  fallback: fc.constantFrom('granted', 'denied'),
  gpc: fc.boolean(),
  stored: fc.constantFrom('none', 'implicit', 'explicit', 'expired'),
  load: fc.constantFrom('advanced', 'basic'),
  script: fc.constantFrom('at once', 'late', 'blocked'),
  steps: fc.array(step, { maxLength: 25 }),
})

const read = (given: unknown): Signal => {
  if (typeof given === 'boolean') return given ? 'granted' : 'denied'
  const text = typeof given === 'string' ? given.trim().toLowerCase() : ''
  return text === 'granted' || text === 'denied' ? text : undefined
}

/** The rules, told plainly. */
class Rules {
  state: State
  private byGpc = false
  private assumed = false
  private kept: boolean
  pushes: string[]

  constructor({ fallback, gpc, stored }: Visit) {
    this.kept = stored === 'explicit' || stored === 'implicit'
    this.byGpc = gpc && stored !== 'explicit'
    this.assumed = !this.byGpc && !this.kept
    this.state = this.byGpc ? 'denied' : this.kept ? 'granted' : fallback
    if (this.byGpc) this.kept = false
    this.pushes = [`default ${this.state}`]
  }

  take(signal: Signal, { explicit = false, assumed = false } = {}) {
    if (!signal) return
    if (this.byGpc && !(explicit && signal === 'granted')) return
    if (assumed && !this.assumed) return
    this.byGpc = false
    this.assumed = assumed
    if (signal !== this.state) this.pushes.push(`update ${signal}`)
    this.state = signal
    this.kept = signal === 'granted' && !assumed
  }

  event(category: unknown, property: unknown, cookies: FakeCookieJar) {
    const ofCategory: Signal =
      category === 'missing' ? 'denied' : typeof category === 'boolean' ? read(category) : undefined
    const ofProperty = read(property)
    const signal = [ofCategory, ofProperty].includes('denied') ? 'denied' : (ofCategory ?? ofProperty)
    if (signal) this.take(signal)
    // The visitor has cleared what we kept of the grant.
    else if (this.kept && !cookies.find('_uetkit')) this.take('denied')
  }

  /** The tracker also looks before each request to the relay; when that is, is no rule. */
  notice(pushes: string[], cookies: FakeCookieJar): boolean {
    const noticed = pushes.length > this.pushes.length
    if (noticed) this.event(undefined, undefined, cookies)
    return noticed
  }
}

const RELAY = 'https://relay.example/v1/e'
const DAY = 864e5

/** Notes each consent command at the moment of its push, on the array and on the running tag. */
function watchPushes(page: TagPage): string[] {
  const pushes: string[] = []
  const note = (...command: unknown[]) => {
    if (command[0] === 'consent')
      pushes.push(`${command[1]} ${(command[2] as { ad_storage?: string } | undefined)?.ad_storage}`)
  }
  const queue: unknown[] = []
  for (const method of ['push', 'unshift'] as const)
    queue[method] = (...command: unknown[]) => {
      note(...command)
      return Array.prototype[method].apply(queue, command)
    }
  let behind: unknown = queue
  Object.defineProperty(page.window, 'uetq', {
    get: () => behind,
    set(given: { push(...command: unknown[]): void }) {
      const push = given.push.bind(given)
      given.push = (...command) => {
        note(...command)
        push(...command)
      }
      behind = given
    },
  })
  return pushes
}

async function play(trace: Visit): Promise<void> {
  vi.useFakeTimers({
    now: 1_764_000_000_000,
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'],
  })
  const day = Math.floor(Date.now() / DAY)
  const cookies = {
    none: '',
    implicit: `_uetkit=g${day}`,
    explicit: `_uetkit=x${day}`,
    expired: `_uetkit=x${day - 200}`,
  }[trace.stored]
  const page = openUetPage({
    url: 'https://shop.example.com/?msclkid=292049a17e2413e3a4081719e839afe6',
    cookies,
    globalPrivacyControl: trace.gpc,
    ...(trace.script === 'blocked' && { script: { outcome: 'error' } }),
    ...(trace.script === 'late' && { containerDelay: 1000 }),
  })
  // A real digest takes as long as it likes, and would reach into the next visit.
  const digest = async (_: string, data: Uint8Array) =>
    Uint8Array.from(createHash('sha256').update(data).digest()).buffer
  vi.stubGlobal('crypto', { getRandomValues: crypto.getRandomValues.bind(crypto), subtle: { digest } })
  const pushes = watchPushes(page)
  const rules = new Rules(trace)
  let tell: (value: never, assumed?: boolean) => void = () => {}
  const options: UetOptions = {
    tagId: '1',
    consent: {
      default: trace.fallback,
      load: trace.load,
      category: 'Ads',
      property: 'ads',
      sources: [
        {
          name: 'tool',
          subscribe(report) {
            tell = report
            return () => {}
          },
        },
      ],
    },
    relay: { url: RELAY, pageLoads: 'always' },
    idSync: { customerId: '7' },
  }

  let checked = 0
  let before = rules.state
  const check = () => {
    const noticed = rules.notice(pushes, page.cookieJar)
    expect(pushes).toEqual(rules.pushes)
    const fresh = page.requests.slice(checked)
    // What the tag sent until then, it sent under the grant.
    if (noticed) fresh.splice(0, fresh.findLastIndex(({ url }) => url.includes('src=update')) + 1)
    checked = page.requests.length
    // The last act under a grant is to tell the relay that it is taken back.
    if (before === 'granted' && rules.state !== 'granted') {
      const told = fresh.findIndex(({ url }) => url === RELAY)
      if (told >= 0) fresh.splice(told, 1)
    }
    before = rules.state
    if (rules.state === 'granted') return
    for (const { url } of fresh)
      expect(url).not.toMatch(/relay\.example|c\.bing\.com|[?&](sid|vid|uid|pid)=|[?&]msclkid=[^N]/)
    const names = page.cookieJar.all().map(({ name }) => name)
    expect(names.filter((name) => name !== '_uetkit' || trace.stored !== 'expired')).toEqual([])
    expect(page.window.localStorage.length).toBe(0)
    if (trace.load === 'basic' && rules.pushes.length === 1)
      expect(page.requests.filter(({ kind }) => kind === 'script')).toEqual([])
  }

  const uet: Uet = createUet(options)
  check()
  uet.page()
  rules.event(undefined, undefined, page.cookieJar)
  for (const each of trace.steps) {
    if (each.do === 'answer') {
      vi.spyOn(console, 'warn').mockImplementation(() => {})
      uet.consent(each.value as State)
      // An object holds categories, of which there are none.
      if (Object(each.value) === each.value) rules.event(undefined, undefined, page.cookieJar)
      else rules.take(read(each.value), { explicit: true })
    } else if (each.do === 'event') {
      const properties = each.property === undefined ? {} : { ads: each.property }
      const { category } = each
      const preferences = category === 'missing' ? {} : category === undefined ? undefined : { Ads: category as never }
      const context = { consent: { categoryPreferences: preferences } }
      if (each.type === 'page') uet.page(properties, context)
      else uet.track('Buy', properties, context)
      rules.event(category, each.property, page.cookieJar)
    } else if (each.do === 'tool') {
      tell(each.value as never, each.assumed)
      rules.take(read(each.value), { assumed: each.assumed })
    } else if (each.do === 'identify') {
      uet.identify('user-1', { email: 'jane@shop.example', phone: '+14255551234' })
      if (each.settle) await new Promise((done) => setImmediate(done))
    } else if (each.do === 'reset') uet.reset()
    else if (each.do === 'clear cookies') {
      for (const { name, domain, hostOnly } of page.cookieJar.all())
        page.document.cookie = `${name}=; path=/; max-age=-1${hostOnly ? '' : `; domain=${domain}`}`
    } else await vi.advanceTimersByTimeAsync(each.ms)
    check()
  }
  await vi.advanceTimersByTimeAsync(20_000)
  check()
  expect(uet.state().consent).toBe(rules.state)
  // Each push costs exactly one ping, once the tag is there.
  if (uet.state().script === 'ready')
    expect(page.pings().filter(({ params }) => params.evt === 'consent')).toHaveLength(pushes.length)
  expect(page.errors).toEqual([])
  vi.clearAllTimers()
}

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

it('follows the rules on any visit', async () => {
  await fc.assert(fc.asyncProperty(visit, play), { numRuns: 200 })
}, 60_000)
