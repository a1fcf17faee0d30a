import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  DEAD_RETENTION_MS,
  DEDUP_WINDOW_MS,
  MAX_DELAY_MS,
  type NewEvent,
  type Outbox,
  type OutboxOptions,
  type Settlement,
} from '../../../src/relay/outbox/outbox.ts'

/** One store, made empty for each test. */
export interface StoreUnderTest {
  /** A handle on the store; every call makes another, as another relay would. */
  open(options?: OutboxOptions): Outbox | Promise<Outbox>
  /** Ends the store after its handles were closed. */
  remove?(): void | Promise<void>
}

export interface Conformance {
  make(): StoreUnderTest | Promise<StoreUnderTest>
  /** Whether events outlive the closing of all handles. */
  durable: boolean
  /** Whether several handles may be open at the same time. */
  shared: boolean
}

const TAG = '97247724'
const OTHER_TAG = '12345678'
const START = Date.UTC(2026, 0, 15)
const DAY = 86_400_000
const LEASE = { limit: 1_000, leaseMs: 60_000 }

let nextId = 0

export const newEvent = (event: Partial<NewEvent> = {}): NewEvent => ({
  tagId: TAG,
  id: `event-${++nextId}`,
  name: 'track',
  eventTime: START,
  subjects: [],
  body: `{"n":${nextId}}`,
  ...event,
})

export const newEvents = (count: number, event: Partial<NewEvent> = {}) =>
  Array.from({ length: count }, () => newEvent(event))

/** What every outbox does, whatever it is made of. */
export function outboxConformance(name: string, { make, durable, shared }: Conformance): void {
  describe(`${name} keeps the rules of every outbox`, () => {
    let now = START
    let store: StoreUnderTest
    let outbox: Outbox
    let handles: Outbox[] = []
    const open = async (options: OutboxOptions = {}) => {
      const handle = await store.open({ now: () => now, ...options })
      handles.push(handle)
      return handle
    }
    const booksOf = async (tagId = TAG) => (await outbox.counts()).find((counts) => counts.tagId === tagId)
    const settleAll = async (events: { id: string; events: { ref: string }[] }, result: object) =>
      outbox.settle(
        events.id,
        events.events.map(({ ref }) => ({ ref, ...result }) as Settlement),
      )
    const ids = (claim: { events: { id: string }[] }) => claim.events.map(({ id }) => id)

    beforeEach(async () => {
      now = START
      store = await make()
      outbox = await open()
    })
    afterEach(async () => {
      // However a test ended, the books balance.
      try {
        for (const book of await outbox.counts()) {
          const { accepted, duplicates, delivered, withdrawn, purged, waiting, leased, dead } = book
          expect(duplicates + delivered + withdrawn + purged + waiting + leased + dead).toBe(accepted)
        }
      } catch (error) {
        expect(error).toMatchObject({ code: 'closed' })
      }
      for (const handle of handles) await handle.close()
      handles = []
      await store.remove?.()
    })

    describe('append', () => {
      it('stores what it is given and gives it back unchanged', async () => {
        const event = newEvent({ eventTime: START - 5_000, subjects: ['visitor'] })
        expect(await outbox.append([event])).toEqual(['stored'])
        const { events } = await outbox.claim(TAG, LEASE)
        const { id, name, body, eventTime } = event
        expect(events).toEqual([{ ref: expect.any(String), id, name, body, eventTime, receivedAt: START, attempts: 0 }])
      })

      it.each([
        ['quotes and backslashes', `a'b"c\\d`],
        ['an astral character', 'order 🧾'],
        ['a NUL and other controls', 'a\u0000b\u001f\n'],
        ['much text', 'x'.repeat(100_000)],
        ['nothing', ''],
      ])('keeps %s', async (_, text) => {
        await outbox.append([newEvent({ id: text, name: text, body: text, subjects: [text] })])
        const claim = await outbox.claim(TAG, LEASE)
        expect(claim.events[0]).toMatchObject({ id: text, name: text, body: text })
        expect(await outbox.withdraw(TAG, [text])).toBe(1)
      })

      it('stores an event once, in one call, in several, and after it was delivered', async () => {
        const event = newEvent()
        expect(await outbox.append([event, { ...event, body: 'another' }])).toEqual(['stored', 'duplicate'])
        expect(await outbox.append([newEvent(), event])).toEqual(['stored', 'duplicate'])
        await settleAll(await outbox.claim(TAG, LEASE), { kind: 'delivered' })
        expect(await outbox.append([event])).toEqual(['duplicate'])
        expect((await outbox.claim(TAG, LEASE)).events).toEqual([])
        expect(await booksOf()).toMatchObject({ accepted: 5, duplicates: 3, delivered: 2, waiting: 0 })
      })

      it('tells events apart by tag, id and name', async () => {
        const event = newEvent()
        const others = [
          { ...event, tagId: OTHER_TAG },
          { ...event, name: '' },
          { ...event, id: `${event.id}!` },
          // The parts may not run together.
          { ...event, id: `${event.id}${event.name}`, name: '' },
        ]
        expect(await outbox.append([event, ...others])).toEqual(Array(5).fill('stored'))
      })

      it('stores one of many that arrive at the same time', async () => {
        const event = newEvent()
        const answers = await Promise.all(Array.from({ length: 50 }, () => outbox.append([event])))
        expect(answers.flat().filter((answer) => answer === 'stored')).toHaveLength(1)
      })

      it('remembers keys for eight days, however often it sweeps, and not for ever', async () => {
        const event = newEvent()
        await outbox.append([event])
        await settleAll(await outbox.claim(TAG, LEASE), { kind: 'delivered' })
        now += DEDUP_WINDOW_MS - 1
        await outbox.sweep({ expireBefore: now - 7 * DAY })
        expect(await outbox.append([event])).toEqual(['duplicate'])
        now += 5 * DAY
        await outbox.sweep({ expireBefore: now - 7 * DAY })
        expect(await outbox.append([event])).toEqual(['stored'])
      })

      it('remembers keys when the clock is set back a day', async () => {
        const event = newEvent()
        await outbox.append([event])
        now -= DAY
        expect(await outbox.append([event])).toEqual(['duplicate'])
      })

      it('takes an event from the future as one of now', async () => {
        await outbox.append([newEvent({ eventTime: START + DAY })])
        expect((await outbox.claim(TAG, LEASE)).events[0]!.eventTime).toBe(START)
      })

      it('has nothing to do for no events', async () => {
        expect(await outbox.append([])).toEqual([])
      })
    })

    describe('claim', () => {
      it('gives each event to one claim only', async () => {
        await outbox.append(newEvents(30))
        const claims = await Promise.all(Array.from({ length: 5 }, () => outbox.claim(TAG, { ...LEASE, limit: 10 })))
        const refs = claims.flatMap(({ events }) => events.map(({ ref }) => ref))
        expect(refs).toHaveLength(30)
        expect(new Set(refs).size).toBe(30)
        expect(new Set(claims.map(({ id }) => id)).size).toBe(5)
        expect(await booksOf()).toMatchObject({ waiting: 0, leased: 30 })
      })

      it('gives events of one tag only', async () => {
        const own = newEvent()
        await outbox.append([newEvent({ tagId: OTHER_TAG }), own])
        const claim = await outbox.claim(TAG, LEASE)
        expect(claim.tagId).toBe(TAG)
        expect(ids(claim)).toEqual([own.id])
      })

      it('gives the longest due first', async () => {
        const [first, second, third] = newEvents(3) as [NewEvent, NewEvent, NewEvent]
        await outbox.append([second])
        const claim = await outbox.claim(TAG, LEASE)
        await settleAll(claim, { kind: 'again', inMs: 1_000, attempted: true })
        await outbox.append([first])
        now += 2_000
        await outbox.append([third])
        expect(ids(await outbox.claim(TAG, LEASE))).toEqual([first.id, second.id, third.id])
      })

      it('stays within its limits of number and size', async () => {
        await outbox.append(newEvents(5, { body: 'x'.repeat(100) }))
        expect((await outbox.claim(TAG, { ...LEASE, limit: 1 })).events).toHaveLength(1)
        expect((await outbox.claim(TAG, { ...LEASE, maxBytes: 250 })).events).toHaveLength(2)
        const single = await outbox.claim(TAG, { ...LEASE, maxBytes: 1 })
        expect(single.events, 'one event always fits').toHaveLength(1)
        expect(single.nextInMs, 'another is due').toBe(0)
      })

      it('says when the next event is due', async () => {
        expect((await outbox.claim(TAG, LEASE)).nextInMs).toBeUndefined()
        await outbox.append(newEvents(2))
        const first = await outbox.claim(TAG, { ...LEASE, limit: 1 })
        expect(first.nextInMs).toBe(0)
        const second = await outbox.claim(TAG, LEASE)
        expect(second.nextInMs, 'the end of the first lease').toBe(60_000)
        await settleAll(second, { kind: 'again', inMs: 7_000, attempted: true })
        now += 3_000
        expect((await outbox.claim(TAG, LEASE)).nextInMs).toBe(4_000)
      })

      it('gives events again when the lease ends, with no attempt counted', async () => {
        await outbox.append([newEvent()])
        await outbox.claim(TAG, LEASE)
        now += 59_999
        expect((await outbox.claim(TAG, LEASE)).events).toEqual([])
        now += 1
        expect((await outbox.claim(TAG, LEASE)).events).toMatchObject([{ attempts: 0 }])
      })

      it('prolongs a lease', async () => {
        await outbox.append(newEvents(2))
        const { id } = await outbox.claim(TAG, LEASE)
        now += 50_000
        expect(await outbox.extend(id, 60_000)).toBe(true)
        now += 50_000
        expect((await outbox.claim(TAG, LEASE)).events).toEqual([])
        now += 10_000
        expect((await outbox.claim(TAG, LEASE)).events).toHaveLength(2)
        expect(await outbox.extend(id, 60_000), 'another has it now').toBe(false)
      })

      it('knows no lease that never was', async () => {
        expect(await outbox.extend('00000000-0000-4000-8000-000000000000', 60_000)).toBe(false)
      })

      it.each([
        ['waits for its next attempt', { kind: 'again', inMs: 3_600_000, attempted: true }],
        ['is leased', undefined],
      ])('gives an event that %s when the clock was set back a day', async (_, result) => {
        await outbox.append([newEvent()])
        const claim = await outbox.claim(TAG, { limit: 1, leaseMs: MAX_DELAY_MS })
        if (result) await settleAll(claim, result)
        now -= DAY
        expect((await outbox.claim(TAG, LEASE)).events).toHaveLength(1)
      })
    })

    describe('settle', () => {
      it('removes what was delivered', async () => {
        await outbox.append(newEvents(3))
        expect(await settleAll(await outbox.claim(TAG, LEASE), { kind: 'delivered' })).toEqual({ lost: 0 })
        now += DAY
        expect(await outbox.claim(TAG, LEASE)).toMatchObject({ events: [], nextInMs: undefined })
        expect(await booksOf()).toMatchObject({ accepted: 3, delivered: 3, waiting: 0, leased: 0 })
      })

      it.each([
        { attempted: true, attempts: 1 },
        { attempted: false, attempts: 0 },
      ])('lets an event wait again (attempted: $attempted)', async ({ attempted, attempts }) => {
        await outbox.append([newEvent()])
        await settleAll(await outbox.claim(TAG, LEASE), { kind: 'again', inMs: 5_000, attempted })
        expect(await booksOf()).toMatchObject({ waiting: 1, leased: 0 })
        now += 4_999
        expect((await outbox.claim(TAG, LEASE)).events).toEqual([])
        now += 1
        expect((await outbox.claim(TAG, LEASE)).events).toMatchObject([{ attempts }])
      })

      it('takes different answers for the events of one claim', async () => {
        await outbox.append(newEvents(3))
        const { id, events } = await outbox.claim(TAG, LEASE)
        const [a, b, c] = events.map(({ ref }) => ref) as [string, string, string]
        await outbox.settle(id, [
          { ref: a, kind: 'delivered' },
          { ref: b, kind: 'again', inMs: 0, attempted: true },
          { ref: c, kind: 'dead', reason: 'invalid' },
        ])
        expect(await booksOf()).toMatchObject({ delivered: 1, waiting: 1, dead: 1 })
        expect((await outbox.claim(TAG, LEASE)).events).toMatchObject([{ ref: b }])
      })

      it('may leave some events of a claim for later', async () => {
        await outbox.append(newEvents(2))
        const { id, events } = await outbox.claim(TAG, LEASE)
        await outbox.settle(id, [{ ref: events[0]!.ref, kind: 'delivered' }])
        expect(await booksOf()).toMatchObject({ delivered: 1, leased: 1 })
        expect(await outbox.settle(id, [{ ref: events[1]!.ref, kind: 'delivered' }])).toEqual({ lost: 0 })
      })

      it('counts a delivery although the lease was lost, and says so', async () => {
        await outbox.append([newEvent()])
        const late = await outbox.claim(TAG, LEASE)
        now += 60_000
        const current = await outbox.claim(TAG, LEASE)
        expect(await settleAll(late, { kind: 'delivered' })).toEqual({ lost: 1 })
        expect(await settleAll(current, { kind: 'delivered' })).toEqual({ lost: 1 })
        expect(await booksOf()).toMatchObject({ accepted: 1, delivered: 1 })
      })

      it.each([
        { kind: 'again', inMs: 0, attempted: true },
        { kind: 'dead', reason: 'invalid' },
      ])('leaves the event to who holds it now ($kind)', async (result) => {
        await outbox.append([newEvent()])
        const late = await outbox.claim(TAG, LEASE)
        now += 60_000
        await outbox.claim(TAG, LEASE)
        expect(await settleAll(late, result)).toEqual({ lost: 1 })
        expect(await booksOf()).toMatchObject({ leased: 1, waiting: 0, dead: 0 })
      })

      it('settles after the end of the lease while nobody else took the event', async () => {
        await outbox.append([newEvent()])
        const claim = await outbox.claim(TAG, LEASE)
        now += 70_000
        expect(await settleAll(claim, { kind: 'again', inMs: 0, attempted: true })).toEqual({ lost: 0 })
        expect((await outbox.claim(TAG, LEASE)).events).toMatchObject([{ attempts: 1 }])
      })
    })

    describe('withdraw', () => {
      it('deletes what waits, is leased or is dead for any of the subjects, of this tag', async () => {
        const visitor = { subjects: ['visitor', 'em-hash'] }
        await outbox.append([newEvent(visitor)])
        await settleAll(await outbox.claim(TAG, LEASE), { kind: 'dead', reason: 'invalid' })
        await outbox.append([newEvent(visitor)])
        const leased = await outbox.claim(TAG, LEASE)
        await outbox.append([
          newEvent({ subjects: ['em-hash'] }),
          newEvent({ subjects: ['visitor 2'] }),
          newEvent({ ...visitor, tagId: OTHER_TAG }),
        ])
        expect(await outbox.withdraw(TAG, ['em-hash', 'unknown'])).toBe(3)
        expect(await booksOf()).toMatchObject({ withdrawn: 3, waiting: 1, leased: 0, dead: 0 })
        expect(await booksOf(OTHER_TAG)).toMatchObject({ withdrawn: 0, waiting: 1 })
        expect(await settleAll(leased, { kind: 'again', inMs: 0, attempted: true })).toEqual({ lost: 1 })
        now += DAY
        expect((await outbox.claim(TAG, LEASE)).events).toHaveLength(1)
      })

      it('does not accept a withdrawn event again', async () => {
        const event = newEvent({ subjects: ['visitor'] })
        await outbox.append([event])
        await outbox.withdraw(TAG, ['visitor'])
        expect(await outbox.append([event])).toEqual(['duplicate'])
      })

      it('answers each of many withdrawals, among many events', async () => {
        await outbox.append(Array.from({ length: 4_500 }, (_, n) => newEvent({ subjects: [`visitor ${n % 1_500}`] })))
        const asked = Array.from({ length: 1_000 }, (_, n) => outbox.withdraw(TAG, [`visitor ${n}`]))
        expect(await Promise.all(asked)).toEqual(Array(1_000).fill(3))
        expect(await booksOf()).toMatchObject({ withdrawn: 3_000, waiting: 1_500 })
      })

      it('finds nobody', async () => {
        await outbox.append([newEvent({ subjects: ['visitor'] })])
        expect(await outbox.withdraw(TAG, [])).toBe(0)
        expect(await outbox.withdraw(TAG, ['visit'])).toBe(0)
      })
    })

    describe('dead letters', () => {
      const bury = async (events: NewEvent[], reason = 'invalid') => {
        await outbox.append(events)
        const claim = await outbox.claim(events[0]!.tagId, LEASE)
        await settleAll(claim, { kind: 'dead', reason })
      }

      it('shows them with their reason', async () => {
        const event = newEvent({ eventTime: START - 1 })
        now += 500
        await bury([event], 'invalid: eventSourceUrl')
        const [letter] = await outbox.deadLetters({ limit: 10 })
        expect(letter).toEqual({
          ref: expect.any(String),
          tagId: TAG,
          id: event.id,
          name: event.name,
          reason: 'invalid: eventSourceUrl',
          attempts: 0,
          eventTime: START - 1,
          receivedAt: START + 500,
          diedAt: START + 500,
        })
        expect(await outbox.deadLetter(letter!.ref)).toEqual({ ...letter, body: event.body })
      })

      it('lists them page by page, by tag', async () => {
        const events = newEvents(5)
        for (const event of events) await bury([event])
        await bury([newEvent({ tagId: OTHER_TAG })])
        const first = await outbox.deadLetters({ tagId: TAG, limit: 3 })
        const second = await outbox.deadLetters({ tagId: TAG, limit: 3, after: first.at(-1)!.ref })
        expect([...first, ...second].map(({ id }) => id)).toEqual(events.map(({ id }) => id))
        expect(await outbox.deadLetters({ limit: 10 })).toHaveLength(6)
        expect(await outbox.deadLetters({ refs: [first[1]!.ref], limit: 10 })).toEqual([first[1]])
      })

      it('knows none that is not there', async () => {
        expect(await outbox.deadLetter('404')).toBeUndefined()
        expect(await outbox.deadLetter('')).toBeUndefined()
        expect(await outbox.retryDead({ refs: ['404', 'x'] })).toBe(0)
        expect(await outbox.purgeDead({ refs: [] })).toBe(0)
      })

      it('lets them wait again with the same id', async () => {
        const [kept, retried] = newEvents(2) as [NewEvent, NewEvent]
        await bury([kept, retried])
        const letters = await outbox.deadLetters({ limit: 10 })
        const told: [string, number][] = []
        outbox.onDue((tagId, count) => told.push([tagId, count]))
        expect(await outbox.retryDead({ refs: [letters.find(({ id }) => id === retried.id)!.ref] })).toBe(1)
        await expect.poll(() => told).toEqual([[TAG, 1]])
        const { id, name, body } = retried
        expect((await outbox.claim(TAG, LEASE)).events).toMatchObject([{ id, name, body, attempts: 0 }])
        expect(await booksOf()).toMatchObject({ dead: 1, leased: 1 })
      })

      it('withdraws an event that was dead once', async () => {
        await bury([newEvent({ subjects: ['visitor'] })])
        await outbox.retryDead({})
        expect(await outbox.withdraw(TAG, ['visitor'])).toBe(1)
      })

      it('works on more of them than fit into one step', async () => {
        for (let n = 0; n < 5; n += 1) await bury(newEvents(1_000))
        expect(await outbox.retryDead({ tagId: TAG })).toBe(5_000)
        for (let n = 0; n < 5; n += 1) await settleAll(await outbox.claim(TAG, LEASE), { kind: 'dead', reason: 'x' })
        expect(await outbox.purgeDead({})).toBe(5_000)
        expect(await booksOf()).toMatchObject({ accepted: 5_000, purged: 5_000, dead: 0, waiting: 0 })
      })

      it('finds those that died before the clock was set back', async () => {
        await bury(newEvents(2))
        now -= 86_400_000
        const [first] = await outbox.deadLetters({ limit: 1 })
        expect(await outbox.retryDead({ refs: [first!.ref] })).toBe(1)
        expect(await outbox.purgeDead({})).toBe(1)
        expect(await booksOf()).toMatchObject({ dead: 0, purged: 1, waiting: 1 })
      })

      it('keeps them for their retention and no longer', async () => {
        await bury([newEvent()])
        now += DEAD_RETENTION_MS
        expect(await outbox.sweep({ expireBefore: 0 })).toEqual({ expired: {}, purged: 0 })
        now += 1
        expect(await outbox.sweep({ expireBefore: 0 })).toEqual({ expired: {}, purged: 1 })
        expect(await booksOf()).toMatchObject({ dead: 0, purged: 1 })
      })
    })

    describe('sweep', () => {
      it('lets old events die, but none that is being sent', async () => {
        await outbox.append(newEvents(3))
        await outbox.append([newEvent({ tagId: OTHER_TAG })])
        now += DAY
        await outbox.append([newEvent()])
        const { id, events } = await outbox.claim(TAG, { ...LEASE, limit: 1 })
        expect(await outbox.sweep({ expireBefore: START + 1 })).toEqual({
          expired: { [TAG]: 2, [OTHER_TAG]: 1 },
          purged: 0,
        })
        expect(await booksOf()).toMatchObject({ waiting: 1, leased: 1, dead: 2 })
        expect(await outbox.deadLetters({ tagId: OTHER_TAG, limit: 10 })).toMatchObject([{ reason: 'expired' }])
        expect(await outbox.settle(id, [{ ref: events[0]!.ref, kind: 'delivered' }])).toEqual({ lost: 0 })
      })
    })

    describe('counts', () => {
      it('knows no tag before the first event', async () => {
        expect(await outbox.counts()).toEqual([])
      })

      it('tells since when the oldest event of each tag waits', async () => {
        await outbox.append([newEvent()])
        now += 1_000
        await outbox.append([newEvent(), newEvent({ tagId: OTHER_TAG })])
        expect(await booksOf()).toMatchObject({ oldestWaitingAt: START })
        const claim = await outbox.claim(TAG, { ...LEASE, limit: 1 })
        expect(await booksOf(), 'being sent is not delivered').toMatchObject({ oldestWaitingAt: START })
        await settleAll(claim, { kind: 'delivered' })
        expect(await booksOf()).toMatchObject({ oldestWaitingAt: START + 1_000 })
        expect(await booksOf(OTHER_TAG)).toMatchObject({ oldestWaitingAt: START + 1_000 })
        await settleAll(await outbox.claim(TAG, LEASE), { kind: 'delivered' })
        expect(await booksOf()).toMatchObject({ oldestWaitingAt: undefined })
      })

      it('counts a lease that ended as waiting', async () => {
        await outbox.append([newEvent()])
        await outbox.claim(TAG, LEASE)
        now += 60_000
        expect(await booksOf()).toMatchObject({ waiting: 1, leased: 0 })
      })
    })

    describe('onDue', () => {
      it('tells of new events by tag, not of duplicates, until it is told to stop', async () => {
        const told: [string, number][] = []
        outbox.onDue(() => {
          throw new Error('a listener of someone else')
        })
        const stop = outbox.onDue((tagId, count) => told.push([tagId, count]))
        const event = newEvent()
        await outbox.append([event, newEvent(), event, newEvent({ tagId: OTHER_TAG })])
        await expect
          .poll(() => told)
          .toEqual([
            [TAG, 2],
            [OTHER_TAG, 1],
          ])
        stop()
        await outbox.append([newEvent()])
        expect(told).toHaveLength(2)
      })
    })

    it('can be written to', async () => {
      expect(await outbox.health()).toMatchObject({ writable: true, usedBytes: expect.any(Number) })
    })

    it('finishes what was asked when it is closed, and does nothing afterwards', async () => {
      const asked = outbox.append([newEvent()])
      const closing = outbox.close()
      expect(await asked).toEqual(['stored'])
      await closing
      await outbox.close()
      const calls = [
        () => outbox.append([newEvent()]),
        () => outbox.claim(TAG, LEASE),
        () => outbox.extend('1', 1),
        () => outbox.settle('1', []),
        () => outbox.withdraw(TAG, ['visitor']),
        () => outbox.deadLetters({ limit: 1 }),
        () => outbox.deadLetter('1'),
        () => outbox.retryDead({}),
        () => outbox.purgeDead({}),
        () => outbox.counts(),
        () => outbox.health(),
        () => outbox.sweep({ expireBefore: 0 }),
      ]
      for (const call of calls) await expect(call()).rejects.toMatchObject({ name: 'OutboxError', code: 'closed' })
    })

    describe.runIf(durable)('between one life and the next', () => {
      it('keeps events, leases, dead letters, keys and books', async () => {
        const events = newEvents(4)
        await outbox.append(events)
        const claim = await outbox.claim(TAG, { ...LEASE, limit: 3 })
        const [a, b, c] = claim.events.map(({ ref }) => ref) as [string, string, string]
        await outbox.settle(claim.id, [
          { ref: a, kind: 'delivered' },
          { ref: b, kind: 'dead', reason: 'invalid' },
        ])
        const before = await outbox.counts()
        await outbox.close()
        outbox = await open()
        expect(await outbox.counts()).toEqual(before)
        expect(await outbox.append(events)).toEqual(Array(4).fill('duplicate'))
        expect((await outbox.claim(TAG, LEASE)).events).toHaveLength(1)
        expect(await outbox.settle(claim.id, [{ ref: c, kind: 'delivered' }])).toEqual({ lost: 0 })
        expect(await outbox.deadLetters({ limit: 10 })).toMatchObject([{ reason: 'invalid' }])
      })

      it('never uses a number twice', async () => {
        await outbox.append([newEvent()])
        const old = await outbox.claim(TAG, LEASE)
        await settleAll(old, { kind: 'delivered' })
        await outbox.close()
        outbox = await open()
        await outbox.append([newEvent()])
        expect(await settleAll(old, { kind: 'delivered' })).toEqual({ lost: 1 })
        expect(await booksOf()).toMatchObject({ waiting: 1, delivered: 1 })
      })
    })

    describe.runIf(shared)('used by two relays', () => {
      it('gives an event to one of them', async () => {
        const other = await open()
        await outbox.append(newEvents(100))
        const claims = await Promise.all(
          [outbox, other, outbox, other].map((handle) => handle.claim(TAG, { ...LEASE, limit: 30 })),
        )
        const refs = claims.flatMap(({ events }) => events.map(({ ref }) => ref))
        expect(refs).toHaveLength(100)
        expect(new Set(refs).size).toBe(100)
      })

      it('stores an event that both receive once', async () => {
        const other = await open()
        const events = newEvents(50)
        const answers = await Promise.all([outbox.append(events), other.append([...events].reverse())])
        expect(answers.flat().filter((answer) => answer === 'stored')).toHaveLength(50)
      })

      it('lets one settle and withdraw what the other stored', async () => {
        const other = await open()
        await outbox.append([newEvent(), newEvent({ subjects: ['visitor'] })])
        expect(await other.withdraw(TAG, ['visitor'])).toBe(1)
        const { id, events } = await other.claim(TAG, LEASE)
        expect(await outbox.settle(id, [{ ref: events[0]!.ref, kind: 'delivered' }])).toEqual({ lost: 0 })
        expect(await other.counts()).toEqual(await outbox.counts())
      })
    })
  })
}
