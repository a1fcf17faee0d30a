import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createCapiClient } from '../../src/capi/client.ts'
import type { Outcome } from '../../src/capi/outcome.ts'
import type { CapiEvent } from '../../src/core/capi-json.ts'
import { type Courier, type CourierNotice, type CourierOptions, createCourier } from '../../src/relay/courier.ts'
import { memoryOutbox } from '../../src/relay/outbox/memory.ts'
import { type Outbox, OutboxError } from '../../src/relay/outbox/outbox.ts'
import { createFakeCapi } from '../../src/testing/fake-capi.ts'
import { newEvent, newEvents } from './outbox/conformance.ts'

const TAG = '97247724'
const OTHER_TAG = '12345678'
const START = Date.UTC(2026, 0, 15)
const HOUR = 3_600_000

const delivered: Outcome = { status: 'delivered', warnings: [] }
const failing = (reason: string): Outcome => ({ status: 'retry', reason, warnings: [] })

type Answer = (events: readonly (CapiEvent | string)[], tagId: string) => Outcome[] | Promise<Outcome[]>

describe('the courier', () => {
  let outbox: Outbox
  let courier: Courier | undefined
  let notices: CourierNotice[]
  /** Sizes of the batches that were sent, and when, in ms since the start. */
  let sent: { tagId: string; size: number; at: number }[]
  let answer: Answer

  const start = (options: Partial<CourierOptions> = {}) => {
    courier = createCourier({
      outbox,
      tagIds: [TAG, OTHER_TAG],
      sender: (tagId) => ({
        async send(events, signal) {
          sent.push({ tagId, size: events.length, at: Date.now() - START })
          const aborted = new Promise<Outcome[]>((resolve) => {
            signal?.addEventListener('abort', () => resolve(events.map(() => failing('aborted'))))
          })
          return Promise.race([aborted, answer(events, tagId)])
        },
      }),
      random: () => 0.5,
      onNotice: (notice) => notices.push(notice),
      ...options,
    })
    return courier
  }
  const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)
  const books = async (tagId = TAG) => (await outbox.counts()).find((counts) => counts.tagId === tagId)
  const of = <Kind extends CourierNotice['kind']>(kind: Kind) =>
    notices.filter((notice): notice is Extract<CourierNotice, { kind: Kind }> => notice.kind === kind)

  beforeEach(() => {
    vi.useFakeTimers({ now: START })
    outbox = memoryOutbox()
    notices = []
    sent = []
    answer = (events) => events.map(() => delivered)
  })
  afterEach(async () => {
    const closing = courier?.close({ deadlineMs: 0 })
    await pass(2_000)
    await closing
    courier = undefined
    vi.useRealTimers()
  })

  it('sends what was there before it started, at once', async () => {
    await outbox.append(newEvents(3))
    start()
    await pass(0)
    expect(sent).toEqual([{ tagId: TAG, size: 3, at: 0 }])
    expect(await books()).toMatchObject({ delivered: 3 })
  })

  it('lets events travel together that arrive within 250 ms', async () => {
    start()
    await pass(1_000)
    await outbox.append(newEvents(2))
    await pass(100)
    await outbox.append(newEvents(2))
    await pass(149)
    expect(sent).toEqual([])
    await pass(1)
    expect(sent).toEqual([{ tagId: TAG, size: 4, at: 1_250 }])
    expect(of('sent')).toMatchObject([{ events: 4, waitedMs: [250, 250, 150, 150], again: 0 }])
  })

  it('does not wait when a batch is full', async () => {
    start()
    await pass(1_000)
    await outbox.append(newEvents(1_000))
    await pass(0)
    expect(sent).toEqual([{ tagId: TAG, size: 1_000, at: 1_000 }])
  })

  it('sends a backlog in full batches, more and more of them at a time', async () => {
    await outbox.append(newEvents(60_000))
    let running = 0
    let widest = 0
    answer = async (events) => {
      widest = Math.max(widest, ++running)
      await new Promise((resolve) => setTimeout(resolve, 100))
      running -= 1
      return events.map(() => delivered)
    }
    start()
    await pass(3_000)
    expect(await books()).toMatchObject({ delivered: 60_000 })
    expect(widest).toBe(8)
    expect(sent.every(({ size }) => size === 1_000)).toBe(true)
  })

  it('makes dead letters of what Microsoft never takes', async () => {
    await outbox.append([...newEvents(2), newEvent()])
    answer = () => [
      { status: 'invalid', reason: 'Empty: userData', warnings: [] },
      delivered,
      { status: 'expired', reason: 'expired', warnings: [] },
    ]
    start()
    await pass(0)
    expect(await books()).toMatchObject({ delivered: 1, dead: 2 })
    expect((await outbox.deadLetters({ limit: 10 })).map(({ reason }) => reason)).toEqual([
      'Empty: userData',
      'expired',
    ])
    expect(of('dead')).toMatchObject([
      { reason: 'Empty: userData', events: 1 },
      { reason: 'expired', events: 1 },
    ])
  })

  it('sends what is stored as it stands, and buries what was damaged in the store', async () => {
    const stored = JSON.stringify({
      eventType: 'custom',
      eventTime: START / 1_000,
      eventId: 'fine',
      adStorageConsent: 'G',
      userData: { anonymousId: 'a1' },
    })
    await outbox.append([
      newEvent({ body: stored }),
      newEvent({ body: stored.slice(0, -9) }),
      newEvent({ body: 'null' }),
    ])
    const capi = createFakeCapi({ tags: { [TAG]: 'token' }, now: () => START })
    start({ sender: () => createCapiClient({ tagId: TAG, token: 'token', fetch: capi.fetch, now: () => START }) })
    await vi.waitFor(async () => expect(await books()).toMatchObject({ delivered: 1, dead: 2 }))
    expect((await outbox.deadLetters({ limit: 10 })).map(({ reason }) => reason)).toEqual(['unreadable', 'unreadable'])
    expect(capi.oracle.timesAccepted('fine')).toBe(1)
  })

  it('says which fields were left out, and of how many events', async () => {
    await outbox.append(newEvents(2))
    const warnings = [{ property: 'userData.em', code: 'InvalidSha256' }]
    answer = (events) => events.map(() => ({ status: 'delivered', warnings }))
    start()
    await pass(0)
    expect(of('warning')).toEqual([
      { kind: 'warning', tagId: TAG, property: 'userData.em', code: 'InvalidSha256', events: 2 },
    ])
  })

  it('keeps everything through an hour without Microsoft, and needs few sendings to notice its return', async () => {
    await outbox.append(newEvents(5_000))
    answer = (events) => events.map(() => failing('network'))
    start()
    await pass(HOUR)
    expect(await books()).toMatchObject({ delivered: 0, dead: 0 })
    expect(sent.length).toBeLessThan(150)
    expect(sent.at(-1)!.size, 'only probes').toBe(1)
    answer = (events) => events.map(() => delivered)
    await pass(60_000)
    expect((await books())!.delivered).toBeGreaterThan(3_800)
    await pass(15 * 60_000)
    expect(await books()).toMatchObject({ delivered: 5_000 })
    expect(of('paused')).toHaveLength(1)
    expect(of('resumed')).toHaveLength(1)
  })

  it('stops a lane whose token is wrong for two days, wears no event out, and sends all when it is repaired', async () => {
    await outbox.append(newEvents(2_500))
    answer = (events, tagId) =>
      events.map(() => (tagId === TAG ? { status: 'setup', reason: 'http-401', warnings: [] } : delivered))
    const { lanes } = start({ sweepMs: HOUR, pollMs: HOUR })
    await pass(0)
    expect(lanes()).toMatchObject([{ tagId: TAG, paused: { reason: 'http-401', setup: true } }, { tagId: OTHER_TAG }])
    await outbox.append(newEvents(10, { tagId: OTHER_TAG }))
    await pass(250)
    expect(await books(OTHER_TAG), 'another tag goes on').toMatchObject({ delivered: 10 })
    await pass(48 * HOUR)
    expect(of('paused')).toEqual([{ kind: 'paused', tagId: TAG, reason: 'http-401', forMs: 300_000, setup: true }])
    const probes = sent.filter(({ tagId }) => tagId === TAG).slice(1)
    expect(probes.length).toBe(576)
    expect(new Set(probes.map(({ size }) => size))).toEqual(new Set([1]))
    answer = (events) => events.map(() => delivered)
    await pass(300_000)
    expect(await books()).toMatchObject({ delivered: 2_500, dead: 0 })
    expect(of('resumed')).toHaveLength(1)
    expect(lanes()[0]).not.toHaveProperty('paused')
  })

  it('tries at once when it is told that the token was repaired', async () => {
    await outbox.append(newEvents(2))
    answer = (events) => events.map(() => ({ status: 'setup', reason: 'http-401', warnings: [] }))
    const { resume } = start()
    await pass(0)
    answer = (events) => events.map(() => delivered)
    resume(OTHER_TAG)
    await pass(0)
    expect(await books()).toMatchObject({ delivered: 0 })
    resume()
    await pass(0)
    expect(await books()).toMatchObject({ delivered: 2 })
  })

  it('waits as long as Microsoft asks for, although more arrives', async () => {
    await outbox.append(newEvents(1))
    answer = (events) =>
      events.map(() => ({ status: 'retry', reason: 'throttled', retryAfterMs: 30_000, warnings: [] }))
    start()
    await pass(10_000)
    await outbox.append(newEvents(1_000))
    answer = (events) => events.map(() => delivered)
    await pass(19_999)
    expect(sent).toHaveLength(1)
    await pass(1)
    expect(sent[1]).toEqual({ tagId: TAG, size: 1_000, at: 30_000 })
    expect(await books()).toMatchObject({ delivered: 1_001 })
  })

  it('gets all but one event through when that one breaks every batch it is in', async () => {
    const poison = newEvent({ body: '{"poison":true}' })
    await outbox.append([...newEvents(1_500), poison, ...newEvents(1_500)])
    answer = (events) =>
      events.map(() => (events.some((event) => `${event}`.includes('poison')) ? failing('http-500') : delivered))
    start({ random: seeded(7) })
    await pass(HOUR)
    expect(await books()).toMatchObject({ delivered: 3_000, waiting: 1 })
  })

  it('lets events die of age, also in a lane that is stopped', async () => {
    await outbox.append(newEvents(3))
    answer = (events) => events.map(() => ({ status: 'setup', reason: 'http-401', warnings: [] }))
    start({ sweepMs: HOUR, pollMs: HOUR })
    await pass(7 * 24 * HOUR + 2 * HOUR)
    expect(await books()).toMatchObject({ dead: 3, waiting: 0 })
    expect(of('dead')).toEqual([{ kind: 'dead', tagId: TAG, reason: 'expired', events: 3 }])
  })

  it('keeps the lease while a sending takes longer than it', async () => {
    await outbox.append(newEvents(3))
    let finish: (outcomes: Outcome[]) => void = () => {}
    answer = () => new Promise((resolve) => (finish = resolve))
    start()
    await pass(10 * 60_000)
    expect(sent).toHaveLength(1)
    finish([delivered, delivered, delivered])
    await pass(0)
    expect(await books()).toMatchObject({ delivered: 3 })
    expect(of('lost')).toEqual([])
  })

  it('says when a lease was lost, because another relay may have sent the events too', async () => {
    await outbox.append(newEvents(2))
    outbox.extend = async () => false
    let finish: (outcomes: Outcome[]) => void = () => {}
    answer = () => new Promise((resolve) => (finish = resolve))
    start()
    await pass(60_000)
    const other = await outbox.claim(TAG, { limit: 10, leaseMs: 60_000 })
    expect(other.events).toHaveLength(2)
    finish([delivered, failing('network')])
    await pass(0)
    expect(of('lost')).toEqual([{ kind: 'lost', tagId: TAG, events: 2 }])
    expect(await books(), 'what was delivered is done, the rest is up to the other').toMatchObject({
      delivered: 1,
      leased: 1,
    })
  })

  it('keeps the events of a tag that nobody configured, and says so', async () => {
    await outbox.append(newEvents(2, { tagId: '555' }))
    start({ sender: () => undefined, tagIds: [] })
    await pass(0)
    expect(of('paused')).toMatchObject([{ tagId: '555', reason: 'the tag is not in the configuration', setup: true }])
    expect(await books('555')).toMatchObject({ waiting: 2, leased: 0 })
  })

  it('goes on when the store fails for a while, and settles what it delivered', async () => {
    await outbox.append(newEvents(2))
    const { claim, settle } = outbox
    const down = async () => {
      throw new OutboxError('unavailable', 'the disk failed')
    }
    outbox.claim = down
    start()
    await pass(3_000)
    expect(of('store')).toContainEqual({ kind: 'store', message: 'the disk failed' })
    outbox.claim = claim
    outbox.settle = down
    await pass(5_000)
    expect(sent).toHaveLength(1)
    outbox.settle = settle
    await pass(1_000)
    expect(await books()).toMatchObject({ delivered: 2 })
    expect(sent).toHaveLength(1)
  })

  it('counts on no sender to behave, and no listener', async () => {
    await outbox.append(newEvents(2))
    answer = () => {
      throw new Error('a fault of the sender')
    }
    start({
      onNotice: () => {
        throw new Error('a fault of the listener')
      },
    })
    await pass(0)
    expect(await books()).toMatchObject({ waiting: 2 })
  })

  it('finds events of which nobody told', async () => {
    start()
    await pass(1_000)
    const unheard = outbox.onDue
    await courier!.close()
    outbox.onDue = () => () => {}
    start()
    outbox.onDue = unheard
    await pass(1_000)
    await outbox.append([newEvent()])
    await pass(5_000)
    expect(await books()).toMatchObject({ delivered: 1 })
  })

  describe('when it is closed', () => {
    it('lets the sendings under way finish, and starts none', async () => {
      await outbox.append(newEvents(1_500))
      answer = async (events) => {
        await new Promise((resolve) => setTimeout(resolve, 5_000))
        return events.map(() => delivered)
      }
      const { close } = start()
      await pass(100)
      const closing = close()
      await outbox.append(newEvents(10))
      await pass(5_000)
      await closing
      expect(await books()).toMatchObject({ delivered: 1_000, waiting: 510, leased: 0 })
      await pass(HOUR)
      expect(sent).toHaveLength(1)
    })

    it('stops them at the deadline, and their events wait again with no attempt counted', async () => {
      await outbox.append(newEvents(2))
      answer = () => new Promise(() => {})
      const { close } = start()
      await pass(100)
      const closing = close({ deadlineMs: 3_000 })
      await pass(2_999)
      expect(await books()).toMatchObject({ leased: 2 })
      await pass(1)
      await closing
      const { events } = await outbox.claim(TAG, { limit: 10, leaseMs: 1_000 })
      expect(events).toMatchObject([{ attempts: 0 }, { attempts: 0 }])
    })

    it('does not wait for ever for a store that fails', async () => {
      await outbox.append(newEvents(2))
      outbox.settle = async () => {
        throw new OutboxError('unavailable', 'the disk failed')
      }
      const { close } = start()
      await pass(100)
      const closing = close({ deadlineMs: 1_000 })
      await pass(3_000)
      await expect(closing).resolves.toBeUndefined()
    })
  })
})

/** A small generator with a seed: https://en.wikipedia.org/wiki/Lehmer_random_number_generator */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}
