import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { drawAdminPage, duration } from '../../src/relay/admin-page.ts'
import { createGlance } from '../../src/relay/glance.ts'
import { memoryOutbox } from '../../src/relay/outbox/memory.ts'
import type { Outbox } from '../../src/relay/outbox/outbox.ts'
import { drawPlot, niceMaximum } from '../../src/relay/plot.ts'

const START = 1_764_000_000_000
let now = START
let outbox: Outbox
let glance: ReturnType<typeof createGlance>
const lanes = [{ tagId: '97247724', inFlight: 2 }]

const event = (id: string, name = 'track') => ({
  tagId: '97247724',
  id,
  name,
  eventTime: now,
  subjects: ['visitor-1'],
  body: '{"userData":{"em":"secret"}}',
})
const kill = async (reason: string, ...ids: string[]) => {
  await outbox.append(ids.map((id) => event(id)))
  const { id, events } = await outbox.claim('97247724', { limit: 100, leaseMs: 1000 })
  await outbox.settle(
    id,
    events.map(({ ref }) => ({ ref, kind: 'dead' as const, reason })),
  )
}
const accepted = (events: number, duplicates = 0) =>
  glance.onReport({ kind: 'accepted', tagId: '97247724', door: 'browser', events, duplicates })
const sent = (...waitedMs: number[]) =>
  glance.onReport({ kind: 'sent', tagId: '97247724', events: waitedMs.length, durationMs: 5, waitedMs, again: 0 })

beforeEach(() => {
  vi.useFakeTimers()
  now = START
  outbox = memoryOutbox({ now: () => now })
  glance = createGlance({ outbox, lanes: () => lanes, now: () => now })
})
afterEach(async () => {
  glance.close()
  await outbox.close()
  vi.useRealTimers()
})

describe('the last half hour', () => {
  it('counts what happens in spans of ten seconds', async () => {
    accepted(3, 1)
    sent(100, 200)
    now += 10_000
    accepted(5)
    glance.onReport({ kind: 'dead', tagId: '97247724', reason: 'InvalidUrl', events: 1 })
    const { spans } = await glance.read()
    expect(spans).toMatchObject([
      { at: START, accepted: 2, delivered: 2, dead: 0, delayMs: 200 },
      { at: START + 10_000, accepted: 5, delivered: 0, dead: 1, delayMs: undefined, waiting: 0 },
    ])
  })

  it('looks how much waits, also while nobody reads', async () => {
    await outbox.append([event('a'), event('b')])
    await vi.advanceTimersByTimeAsync(10_000)
    now += 10_000
    const { spans } = await glance.read()
    expect(spans.map(({ waiting }) => waiting)).toEqual([2, 2])
  })

  it('forgets what is older than half an hour, and starts afresh when the clock is set back', async () => {
    for (let index = 0; index < 200; index++) {
      accepted(1)
      now += 10_000
    }
    expect((await glance.read()).spans).toHaveLength(180)
    now -= 3_600_000
    accepted(7)
    expect((await glance.read()).spans.map((span) => span.accepted)).toEqual([7])
  })

  it('gives the delay that 95 of 100 stay below', async () => {
    sent(...Array.from({ length: 100 }, (_, index) => index + 1))
    expect((await glance.read()).spans[0]?.delayMs).toBe(96)
  })
})

describe('the figures', () => {
  it('join the books of each tag with its lane, also of a tag without events', async () => {
    expect((await glance.read()).tags).toMatchObject([{ tagId: '97247724', accepted: 0, lane: { inFlight: 2 } }])
    await outbox.append([event('a')])
    expect((await glance.read()).tags).toMatchObject([{ accepted: 1, waiting: 1, lane: { inFlight: 2 } }])
  })

  it('show the newest dead letters first, twenty of them', async () => {
    await kill('Old', ...Array.from({ length: 30 }, (_, index) => `old-${index}`))
    now += 1000
    await kill('New', 'new-1')
    const { dead } = await glance.read()
    expect(dead).toHaveLength(20)
    expect(dead[0]?.reason).toBe('New')
  })
})

describe('the page', () => {
  const page = async (retry = true) => drawAdminPage(await glance.read(), { version: '1.2.3', retry })

  it('holds reasons, and nothing of a person', async () => {
    await kill('InvalidUrl', 'order-of-jane@example.com')
    const html = await page()
    expect(html).toContain('InvalidUrl')
    for (const private_ of ['jane', 'visitor-1', 'secret', 'userData']) expect(html).not.toContain(private_)
  })

  it('escapes whatever stands in a reason', async () => {
    await kill('<img src=x onerror=alert(1)>', 'a')
    expect(await page()).not.toContain('<img')
  })

  it('says why a lane is paused', async () => {
    Object.assign(lanes[0]!, { paused: { reason: 'token refused (401)', forMs: 300_000, setup: true } })
    expect(await page()).toMatch(/needs repair<\/span> token refused \(401\), tries again within 5 min/)
    delete (lanes[0] as { paused?: unknown }).paused
  })

  it('has no button where no token is set', async () => {
    await kill('InvalidUrl', 'a')
    expect(await page(true)).toContain('<button form="retry"')
    expect(await page(false)).not.toContain('<button')
  })
})

it.each([
  [20, '20 ms'],
  [1500, '1.5 s'],
  [42_000, '42 s'],
  [300_000, '5 min'],
  [7_200_000, '2 h'],
  [604_800_000, '7 days'],
])('%d ms is %s', (ms, text) => {
  expect(duration(ms)).toBe(text)
})

describe('plots', () => {
  it('have room for every value', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e12, noNaN: true }), (value) => {
        const maximum = niceMaximum(value)
        expect(maximum).toBeGreaterThanOrEqual(value)
        expect(maximum).toBeLessThanOrEqual(Math.max(1, value * 5))
      }),
    )
  })

  it('stay inside their box, whatever is drawn', () => {
    const values = fc.array(fc.option(fc.double({ min: 0, max: 1e9, noNaN: true }), { nil: undefined }), {
      maxLength: 180,
    })
    fc.assert(
      fc.property(values, (values) => {
        const svg = drawPlot('Delay', [{ name: 'delay', look: 'blue', values }], 180)
        for (const [, left, top] of svg.matchAll(/(-?[\d.]+) (-?[\d.]+)/g)) {
          expect(Number(left)).toBeGreaterThanOrEqual(0)
          expect(Number(left)).toBeLessThanOrEqual(300)
          expect(Number(top)).toBeGreaterThanOrEqual(0)
          expect(Number(top)).toBeLessThanOrEqual(72)
        }
        expect(svg).not.toContain('NaN')
      }),
    )
  })
})
