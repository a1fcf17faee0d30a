import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createUet } from '../../src/browser/index.ts'
import type { UetOptions } from '../../src/browser/options.ts'
import type { EventReport, UetContext } from '../../src/browser/types.ts'
import { HOSTILE } from '../support/hostile.ts'
import type { TagPageOptions } from '../support/tag-page.ts'
import { openUetPage } from '../support/uet-page.ts'

beforeEach(() => {
  vi.useFakeTimers({ now: 1_764_000_000_000 })
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

function open(options: Partial<UetOptions> = {}, pageOptions: TagPageOptions = {}) {
  const page = openUetPage(pageOptions)
  const uet = createUet({ tagId: '1', consent: { default: 'granted' }, ...options })
  const reports: EventReport[] = []
  uet.on('event', (report) => reports.push(report))
  return { page, uet, reports, settle: page.settle }
}

describe('track', () => {
  it('arrives as the tag wants it', () => {
    const { page, uet, settle } = open()
    uet.track('Order Completed', { category: 'tools', revenue: 25 })
    settle()
    expect(page.events()[0]?.params).toMatchObject({
      ti: '1',
      ea: 'track',
      el: 'Order Completed',
      ec: 'tools',
      gv: '25',
      asc: 'G',
      event_id: expect.stringMatching(UUID),
    })
  })

  it('has one id in the browser and in reports: the host’s, or a new one each time', () => {
    const { page, uet, reports, settle } = open()
    for (const id of ['host-1', ' host-2 ', '', ' ', 5, null, undefined]) uet.track('Signup', {}, { id } as UetContext)
    settle()
    const sent = page.events().map(({ params }) => params.event_id)
    expect(sent.slice(0, 2)).toEqual(['host-1', 'host-2'])
    for (const id of sent.slice(2)) expect(id).toMatch(UUID)
    expect(new Set(sent).size).toBe(7)
    expect(reports.map(({ event }) => event.id)).toEqual(sent)
  })

  it.each<[unknown, number]>([
    [1_763_000_000_000, 1_763_000_000_000],
    ['2025-11-01T00:00:00Z', Date.UTC(2025, 10, 1)],
    [new Date(5), 5],
    ['never', 1_764_000_000_000],
    [-1, 1_764_000_000_000],
    [undefined, 1_764_000_000_000],
    [Symbol('now'), 1_764_000_000_000],
    [10n, 1_764_000_000_000],
    [Object.create(null), 1_764_000_000_000],
  ])('at %o happened at %d', (time, expected) => {
    const { uet, reports } = open()
    uet.track('Signup', {}, { time } as UetContext)
    expect(reports[0]?.event.time).toBe(expected)
  })

  it.each(['', ' ', '\ud800', undefined, null, 5, {}, [], Symbol('x'), () => 'x'])(
    'without a name, as with %o, sends nothing and counts as dropped',
    (name) => {
      const { page, uet, reports, settle } = open()
      expect(() => uet.track(name as string, { revenue: 5 })).not.toThrow()
      settle()
      expect(page.beacons()).toEqual([])
      expect(reports).toEqual([])
      expect(uet.state().dropped).toBe(1)
    },
  )

  it.each<[NonNullable<UetOptions['events']>, string[]]>([
    [{ allow: ['A', 'B'] }, ['A', 'B']],
    [{ deny: ['A'] }, ['B', 'C', 'a']],
    [{ allow: ['A', 'B'], deny: ['A'] }, ['B']],
    [{ allow: [] }, []],
    [{}, ['A', 'B', 'C', 'a']],
  ])('with the option events %o lets %o through', (events, names) => {
    const { page, uet, settle } = open({ events })
    for (const name of ['A', 'B', 'C', 'a']) uet.track(name)
    settle()
    expect(page.events().map(({ params }) => params.el)).toEqual(names)
    expect(uet.state().dropped).toBe(4 - names.length)
  })

  it('follows the mapping of the options', () => {
    const mapping = {
      action: ({ name }: { name?: string }) => `did ${name}`,
      label: 'title',
      parameters: { search_term: 'q' },
    }
    const { page, uet, settle } = open({ mapping })
    uet.track('Search', { title: 'T', q: 'shoes' })
    settle()
    expect(page.events()[0]?.params).toMatchObject({ ea: 'did Search', el: 'T', search_term: 'shoes' })
  })

  it.each(HOSTILE)('survives %s in every argument, and so do the events around it', (_, make) => {
    const { page, uet, settle } = open()
    const calls = () => {
      uet.track('Before')
      uet.track('Odd', make() as never)
      uet.track('Odd', { category: make(), revenue: make(), products: make(), currency: make() })
      uet.track('Odd', {}, make() as never)
      uet.track('Odd', {}, { id: make(), time: make(), page: make(), consent: make(), userId: make() } as never)
      uet.track(make() as never)
      uet.page(make() as never, make() as never)
      uet.page({ url: make(), path: make(), title: make(), referrer: make() })
      uet.identify(make() as never, make() as never)
      uet.identify('u', { email: make(), phone: make() })
      uet.consent(make() as never)
      uet.on(make() as never, make() as never)
    }
    expect(calls).not.toThrow()
    settle()
    expect(calls).not.toThrow()
    uet.consent('granted')
    uet.track('After')
    // Hashes are awaited for events after an identify, but not by a page that goes.
    page.setVisibility('hidden')
    settle()
    expect(page.errors).toEqual([])
    const labels = page.events().map(({ params }) => params.el)
    expect(labels.filter((label) => label === 'Before')).toHaveLength(2)
    expect(labels.filter((label) => label === 'Odd')).toHaveLength(8)
    expect(labels.at(-1)).toBe('After')
  })

  it('writes nothing into what it is given', () => {
    const { page, uet, settle } = open()
    const freeze = <T extends object>(value: T): T => {
      for (const inner of Object.values(value)) if (typeof inner === 'object') freeze(inner)
      return Object.freeze(value)
    }
    const properties = freeze({ category: 'tools', products: [{ sku: 'a', price: 1 }] })
    const context = freeze({ id: 'i', page: { path: '/a' }, consent: { categoryPreferences: { Ads: true } } })
    uet.page(properties, context)
    uet.track('Cart Viewed', properties, context)
    settle()
    uet.track('Cart Viewed', properties, { ...context, id: 'j' })
    expect(page.events().map(({ params }) => params.items)).toEqual(['id=a&price=1', 'id=a&price=1'])
  })
})

describe('reports', () => {
  it('tell of each event what was sent and what was left out', () => {
    const { uet, reports } = open()
    uet.page()
    uet.track('Signup', { category: 'tools', revenue: '1,234' }, { id: 'i' })
    expect(reports[0]).toMatchObject({ event: { type: 'page', consent: 'granted' }, args: ['pageLoad'], notes: [] })
    expect(reports[1]).toMatchObject({
      event: {
        type: 'track',
        id: 'i',
        name: 'Signup',
        consent: 'granted',
        time: 1_764_000_000_000,
        page: { url: 'https://shop.example.com/', loadId: expect.stringMatching(UUID) },
        properties: { category: 'tools', revenue: '1,234' },
      },
      args: ['event', 'track', { event_label: 'Signup', event_category: 'tools', event_id: 'i' }],
      conversion: { action: 'track', label: 'Signup', category: 'tools' },
      notes: ['revenue_value: unusable in "revenue"'],
    })
  })

  it('end with the function that on() returns, and survive a listener that throws', () => {
    const { uet, reports } = open()
    const seen: unknown[] = []
    uet.on('event', () => {
      throw new Error('theirs')
    })
    const stop = uet.on('event', (report) => seen.push(report))
    uet.track('One')
    stop()
    stop()
    uet.track('Two')
    expect(seen).toHaveLength(1)
    expect(reports).toHaveLength(2)
  })

  it('tell of consent and script, each under its topic', () => {
    const { uet, settle } = open()
    const seen: unknown[] = []
    uet.on('consent', ({ state, source }) => seen.push(`${state} ${source}`))
    uet.on('script', ({ status }) => seen.push(status))
    settle()
    uet.consent('denied')
    uet.consent('denied')
    expect(seen).toEqual(['ready', 'denied api'])
  })
})

describe('state', () => {
  it('is a snapshot of what holds now', () => {
    const { uet, settle } = open({ tagId: [1, '2'] })
    const before = uet.state()
    expect(before).toEqual({
      consent: 'granted',
      consentSource: 'default',
      script: 'loading',
      tagIds: ['1', '2'],
      pageLoadId: '',
      queued: 0,
      dropped: 0,
    })
    uet.track('Signup')
    expect(uet.state().queued).toBe(1)
    settle()
    expect(uet.state()).toMatchObject({ script: 'ready', queued: 0, pageLoadId: expect.stringMatching(UUID) })
    before.tagIds.push('3')
    expect(uet.state().tagIds).toEqual(['1', '2'])
    expect(before.script).toBe('loading')
  })

  it('knows no consent where none is managed', () => {
    const { page, uet, settle } = open({ consent: false })
    uet.track('Signup')
    settle()
    expect(uet.state()).toMatchObject({ consent: 'unknown', consentSource: 'off' })
    expect(page.sent.some(({ params }) => 'asc' in params || params.evt === 'consent')).toBe(false)
  })
})

describe('identify on an http page', () => {
  it.each([
    ['http', true],
    ['https', false],
  ])('%s: debug says why nothing is hashed: %s', async (scheme, isSaid) => {
    const lines: string[] = []
    for (const level of ['log', 'debug', 'info'] as const)
      vi.spyOn(console, level).mockImplementation((...details) => void lines.push(details.map(String).join(' ')))
    const { uet } = open({ debug: true }, { url: `${scheme}://shop.example.com/` })
    uet.identify('user-1', { email: 'jane@shop.example' })
    await vi.advanceTimersByTimeAsync(10)
    expect(lines.some((line) => line.includes('identify needs https'))).toBe(isSaid)
  })
})

describe('several trackers on one page', () => {
  const create = (tagId: UetOptions['tagId']) => createUet({ tagId, consent: false })

  it('are one where their tags are', () => {
    openUetPage()
    const first = create(['1', '2'])
    expect(create('1')).toBe(first)
    expect(create(2)).toBe(first)
    expect(create(['2', '1'])).toBe(first)
    expect(create('3')).not.toBe(first)
  })

  it('never run one tag twice, and none not at all', () => {
    const page = openUetPage()
    const first = create('1')
    const second = create(['1', '2', '2'])
    expect(second.state().tagIds).toEqual(['2'])
    first.track('A')
    second.track('B')
    page.settle()
    second.track('C')
    expect(page.lines('1')).toEqual(['pageLoad /', 'custom A'])
    expect(page.lines('2')).toEqual(['pageLoad /', 'custom B', 'custom C'])
  })

  it('run a tag that is named twice once', () => {
    const page = openUetPage()
    const uet = create(['1', '1', 1])
    uet.track('A')
    page.settle()
    expect(uet.state().tagIds).toEqual(['1'])
    expect(page.lines()).toEqual(['pageLoad /', 'custom A'])
  })
})

describe('a relay', () => {
  const bodies = (requests: { kind: string; body: string | undefined }[]) =>
    requests.filter(({ kind }) => kind === 'fetch').map(({ body }) => JSON.parse(body!).events[0])

  it.each<[string, unknown]>([
    ['a cyclic object', HOSTILE.find(([name]) => name === 'a cyclic object')![1]()],
    ['a bigint', { revenue: 5, big: 10n }],
    [
      'a throwing toJSON',
      {
        toJSON: () => {
          throw new Error('no')
        },
      },
    ],
  ])('gets the event also when its properties are no JSON: %s', async (_, properties) => {
    const { page, uet } = open({ relay: { url: '/v1/e' } })
    uet.track('Signup', properties as never, { id: 'i' })
    await vi.advanceTimersByTimeAsync(1000)
    expect(bodies(page.requests)).toMatchObject([
      { id: 'i', name: 'Signup', conversion: { action: 'track', label: 'Signup' }, properties: {} },
    ])
  })

  it('gets id and name as the tag gets them', async () => {
    const { page, uet } = open({ relay: { url: '/v1/e' } })
    uet.track(` ${'x'.repeat(600)}`, {}, { id: ' \ud800i ' })
    await vi.advanceTimersByTimeAsync(1000)
    const [event] = page.events()
    expect(bodies(page.requests)).toMatchObject([{ id: event?.params.event_id, name: event?.params.el }])
    expect(event?.params).toMatchObject({ event_id: 'i', el: 'x'.repeat(499) })
  })
})

describe('without a page', () => {
  it('does nothing and throws nothing', async () => {
    expect(typeof window).toBe('undefined')
    const uet = createUet({ tagId: '1', consent: { default: 'granted' } })
    uet.page()
    uet.track('Signup')
    uet.identify('u', {})
    uet.consent('granted')
    uet.on('event', () => {})()
    uet.reset()
    expect(uet.state()).toEqual({
      consent: 'unknown',
      consentSource: 'off',
      script: 'off',
      tagIds: [],
      pageLoadId: '',
      queued: 0,
      dropped: 0,
    })
  })
})
