import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ConsentSourceApi, UetOptions } from '../../src/browser/options.ts'
import { createUet } from '../../src/browser/uet.ts'
import type { TagPageOptions } from '../support/tag-page.ts'
import { openUetPage } from '../support/uet-page.ts'

beforeEach(() => void vi.useFakeTimers({ now: 1_764_000_000_000 }))
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

const RELAY = 'https://relay.example/v1/e'
const SYNC = /c\.bing\.com/

function open(options: Partial<UetOptions> = {}, pageOptions: TagPageOptions = {}) {
  const page = openUetPage(pageOptions)
  const uet = createUet({ tagId: '1', consent: {}, ...options })
  return { page, uet, settle: page.settle }
}

describe('a withdrawal', () => {
  it('takes the site’s user id from the running tag, which goes on sending it otherwise', () => {
    const { page, uet, settle } = open({ consent: { default: 'granted' } }, { cookies: '_uetuid=user-1' })
    uet.page()
    settle()
    uet.consent('denied')
    uet.track('After')
    settle()
    const ids = [...page.pings(), ...page.beacons()].map(({ params: { asc, uid } }) => `${asc} ${uid}`)
    expect(ids.toSorted()).toEqual(['D undefined', 'D undefined', 'G user-1', 'G user-1'])
  })

  it('on a prerendered page keeps the script of basic mode away when the page is shown', () => {
    const page = openUetPage()
    Object.assign(page.document, { prerendering: true })
    const uet = createUet({ tagId: '1', consent: { load: 'basic' } })
    uet.consent('granted')
    uet.consent('denied')
    Object.assign(page.document, { prerendering: false })
    page.document.dispatchEvent(new Event('prerenderingchange'))
    page.settle()
    expect(page.requests).toEqual([])
    uet.consent('granted')
    expect(page.requests.map(({ kind }) => kind)).toEqual(['script'])
  })

  it('drops what a page before kept for the relay under a grant that is gone', () => {
    const before = open(
      { consent: { default: 'granted' }, relay: { url: RELAY } },
      { script: { outcome: 'error' }, respond: ({ kind }) => (kind === 'fetch' ? { outcome: 'error' } : undefined) },
    )
    before.uet.track('Before')
    before.settle(300)
    before.page.window.dispatchEvent(new Event('pagehide'))
    const { sessionStorage } = before.page.window
    expect(sessionStorage.getItem('_uetkit_pending')).toContain('Before')

    const { page, uet, settle } = open({ relay: { url: RELAY } }, { sessionStorage, script: { outcome: 'error' } })
    expect(sessionStorage.getItem('_uetkit_pending')).toBeNull()
    uet.consent('granted')
    uet.track('After')
    settle(1000)
    const bodies = page.requests.filter(({ kind }) => kind === 'fetch').map(({ body }) => body)
    expect(bodies).toEqual([expect.stringContaining('After')])
    expect(bodies[0]).not.toContain('Before')
  })
})

describe('a relay where the tag script is blocked', () => {
  it('gets page loads too after the queue is full, and the ones that the tag will never see are counted', async () => {
    const { page, uet, settle } = open(
      { consent: { default: 'granted' }, relay: { url: RELAY } },
      { script: { outcome: 'error' } },
    )
    uet.page()
    settle()
    for (let count = 0; count < 100; count++) uet.track('Scrolled')
    page.window.history.pushState({}, '', '/b')
    uet.page()
    await vi.advanceTimersByTimeAsync(10_000)
    const bodies = page.requests.filter(({ kind }) => kind === 'fetch').flatMap(({ body }) => JSON.parse(body!).events)
    const loads = bodies.filter(({ type }) => type === 'page').map((event) => new URL(event.page.url).pathname)
    expect(loads).toEqual(['/', '/b'])
    expect(uet.state()).toMatchObject({ queued: 100, dropped: 1 })
  })
})

describe('the ID sync', () => {
  const syncs = ({ page }: ReturnType<typeof open>) => page.requests.filter(({ url }) => SYNC.test(url)).length
  const granted = { consent: { default: 'granted' }, idSync: { customerId: '7' } }

  it('is made once where nothing can be stored', () => {
    const opened = open(granted, { sessionStorage: 'blocked' })
    for (let count = 0; count < 3; count++) {
      opened.uet.track('Buy')
      opened.settle()
    }
    expect(syncs(opened)).toBe(1)
  })

  it.each([
    ['a user becomes known', '', '&UID=u1', 2],
    ['a user who is known is not known yet on the next page', '&UID=u1', '', 1],
    ['a user’s id begins with another’s', '&UID=u12', '&UID=u1', 2],
  ])('where %s', async (_, first, then, count) => {
    const { syncIds } = await import('../../src/browser/id-sync.ts')
    const { page } = open()
    for (const user of [first, then, then]) syncIds(page.window, '7', 'a'.repeat(32), user.slice(5) || undefined)
    expect(page.requests.filter(({ url }) => SYNC.test(url))).toHaveLength(count)
  })
})

describe('a consent source that reports at once', () => {
  const source = (...reports: [state: 'granted' | 'denied', assumed?: boolean][]): ConsentSourceApi => ({
    name: 'tool',
    subscribe(report) {
      for (const each of reports) report(...each)
      return () => {}
    },
  })

  it.each([
    ['the visitor’s answer, then its own assumption', [['granted'], ['denied', true]], 'granted'],
    ['its assumption, then the answer', [['denied', true], ['granted']], 'granted'],
    [
      'one assumption after another',
      [
        ['denied', true],
        ['granted', true],
      ],
      'granted',
    ],
    ['one answer after another', [['granted'], ['denied']], 'denied'],
  ] as const)('%s', (_, reports, state) => {
    const { uet } = open({ consent: { sources: [source(...(reports as never as [['granted']]))] } })
    expect(uet.state()).toMatchObject({ consent: state, consentSource: 'tool' })
  })
})
