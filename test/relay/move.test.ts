import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { moveOutbox } from '../../src/relay/move.ts'
import { memoryOutbox } from '../../src/relay/outbox/memory.ts'
import type { NewEvent, Outbox } from '../../src/relay/outbox/outbox.ts'

const event = (id: string, tagId = '97247724'): NewEvent => ({
  tagId,
  id,
  name: 'track',
  eventTime: 1_760_000_000_000,
  subjects: ['a'.repeat(32)],
  body: JSON.stringify({ eventId: id, userData: { anonymousId: 'a'.repeat(32) } }),
})
const events = (count: number, tagId?: string) => Array.from({ length: count }, (_, n) => event(`e${n}`, tagId))
const waiting = async (outbox: Outbox) =>
  Object.fromEntries((await outbox.counts()).map(({ tagId, waiting, leased }) => [tagId, waiting + leased]))

describe('moveOutbox', () => {
  it('moves what waits for every tag, with whom it is about', async () => {
    const [from, to] = [memoryOutbox(), memoryOutbox()]
    await from.append([...events(2_500), ...events(3, '555')])
    const steps: unknown[] = []
    expect(await moveOutbox(from, to, { onProgress: (step) => steps.push(step) })).toBe(2_503)
    expect(await waiting(from)).toEqual({ 97247724: 0, 555: 0 })
    expect(await waiting(to)).toEqual({ 97247724: 2_500, 555: 3 })
    expect(steps).toEqual([
      { moved: 0, left: 2_503 },
      { moved: 2_503, left: 0 },
    ])
    expect(await to.withdraw('555', ['a'.repeat(32)])).toBe(3)
  })

  it('waits for what a relay of the old store is sending, and leaves what that delivers', async () => {
    const [from, to] = [memoryOutbox(), memoryOutbox()]
    await from.append(events(10))
    const sending = await from.claim('97247724', { limit: 4, leaseMs: 60_000 })
    const moving = moveOutbox(from, to)
    await expect.poll(() => waiting(to)).toEqual({ 97247724: 6 })
    await from.settle(
      sending.id,
      sending.events.map(({ ref }, n) =>
        n < 3 ? { ref, kind: 'delivered' } : { ref, kind: 'again', inMs: 0, attempted: true },
      ),
    )
    expect(await moving).toBe(7)
    expect(await waiting(to)).toEqual({ 97247724: 7 })
  })

  it('loses and doubles nothing, wherever it stops and is begun again', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom('append', 'settle'), { maxLength: 6 }), async (failures) => {
        let now = 1_760_000_000_000
        const [from, to] = [memoryOutbox({ now: () => now }), memoryOutbox({ now: () => now })]
        await from.append(events(2_100))
        for (const failure of failures) {
          const crash = () => Promise.reject(new Error('the machine stopped'))
          await moveOutbox(
            failure === 'settle' ? { ...from, settle: crash } : from,
            failure === 'append' ? { ...to, append: crash } : to,
          ).catch(() => {})
          now += 60_000
        }
        await moveOutbox(from, to)
        expect(await waiting(from)).toEqual({ 97247724: 0 })
        expect(await waiting(to)).toEqual({ 97247724: 2_100 })
      }),
      { numRuns: 20 },
    )
  })

  it('stops after the step under way when it is told to', async () => {
    const [from, to] = [memoryOutbox(), memoryOutbox()]
    await from.append(events(5_000))
    const stop = new AbortController()
    const moved = await moveOutbox(
      from,
      {
        ...to,
        append: (group) => {
          stop.abort()
          return to.append(group)
        },
      },
      { signal: stop.signal },
    )
    expect(moved).toBe(1_000)
    expect(await waiting(from)).toEqual({ 97247724: 4_000 })
  })
})
