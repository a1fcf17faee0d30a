import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  DEAD_RETENTION_MS,
  DEDUP_WINDOW_MS,
  MAX_DELAY_MS,
  type NewEvent,
  type Outbox,
  type Settlement,
} from '../../../src/relay/outbox/outbox.ts'
import type { Conformance, StoreUnderTest } from './conformance.ts'

const TAGS = ['97247724', '12345678']
const START = Date.UTC(2026, 0, 15)
const DAY = 86_400_000
const MAX_AGE = 7 * DAY

interface Row {
  id: string
  tagId: string
  subject: string
  receivedAt: number
  dueAt: number
  lease?: string | undefined
  attempts: number
  diedAt?: number
}

const newBook = () => ({ accepted: 0, duplicates: 0, delivered: 0, withdrawn: 0, purged: 0 })

/** What an outbox should hold, in the plainest form. */
class Model {
  now = START
  rows = new Map<string, Row>()
  seen = new Set<string>()
  books = new Map<string, ReturnType<typeof newBook>>()
  claims: { id: string; events: { ref: string; row: Row }[] }[] = []

  book(tagId: string) {
    if (!this.books.has(tagId)) this.books.set(tagId, newBook())
    return this.books.get(tagId)!
  }
  of = (tagId: string, dead: boolean) =>
    [...this.rows.values()].filter((row) => row.tagId === tagId && (row.diedAt !== undefined) === dead)
  isDue = ({ dueAt }: Row) => dueAt <= this.now || dueAt > this.now + MAX_DELAY_MS
  isLeased = (row: Row) => row.lease !== undefined && !this.isDue(row)
  counts() {
    return [...this.books].sort().map(([tagId, book]) => {
      const waiting = this.of(tagId, false)
      const leased = waiting.filter(this.isLeased).length
      const oldest = waiting.map(({ receivedAt }) => receivedAt).sort((a, b) => a - b)[0]
      const dead = this.of(tagId, true).length
      return { tagId, ...book, waiting: waiting.length - leased, leased, dead, oldestWaitingAt: oldest }
    })
  }
  claim = (which: number) => this.claims[which % Math.max(1, this.claims.length)] ?? { id: 'none', events: [] }
  /** An event that died and waits again is another one, under the same key. */
  has = (row: Row) => this.rows.get(`${row.tagId} ${row.id}`) === row
  remove = (row: Row) => this.rows.delete(`${row.tagId} ${row.id}`)
  bury(row: Row) {
    row.diedAt = this.now
    row.lease = undefined
  }
}

/** The store, and who uses it at the moment. */
interface Real {
  store: StoreUnderTest
  model: Model
  handles: Outbox[]
}

type Command = fc.AsyncCommand<Model, Real>

const handle = ({ handles }: Real, which: number) => handles[which % handles.length]!

const command = (text: string, act: (model: Model, real: Real) => Promise<void>): Command => ({
  check: () => true,
  async run(model, real) {
    await act(model, real)
    const counts = await handle(real, 0).counts()
    expect(counts.sort((a, b) => (a.tagId < b.tagId ? -1 : 1))).toEqual(model.counts())
  },
  toString: () => text,
})

const append = (who: number, tags: number[], ids: number[]) =>
  command(`append(${who}, ${ids})`, async (model, real) => {
    const events = ids.map((number, index): NewEvent => {
      const id = `id ${number}`
      const tagId = TAGS[(tags[index] ?? 0) % 2]!
      return { tagId, id, name: 'track', eventTime: model.now, subjects: [`person ${number % 7}`], body: '{}' }
    })
    const answers = await handle(real, who).append(events)
    const expected = events.map(({ tagId, id, subjects }) => {
      const key = `${tagId} ${id}`
      model.book(tagId).accepted += 1
      if (model.seen.has(key)) {
        model.book(tagId).duplicates += 1
        return 'duplicate'
      }
      model.seen.add(key)
      const { now } = model
      model.rows.set(key, { id, tagId, subject: subjects[0]!, receivedAt: now, dueAt: now, attempts: 0 })
      return 'stored'
    })
    expect(answers).toEqual(expected)
  })

const claim = (who: number, tag: number, limit: number, leaseMs: number) =>
  command(`claim(${who}, ${TAGS[tag]}, ${limit}, ${leaseMs})`, async (model, real) => {
    const claimed = await handle(real, who).claim(TAGS[tag]!, { limit, leaseMs })
    const due = model.of(TAGS[tag]!, false).filter(model.isDue)
    expect(claimed.events).toHaveLength(Math.min(limit, due.length))
    const taken = claimed.events.map(({ id }) => model.rows.get(`${TAGS[tag]} ${id}`)!)
    expect(new Set(taken).size).toBe(taken.length)
    claimed.events.forEach(({ attempts, receivedAt }, index) => {
      expect(due).toContain(taken[index])
      expect({ attempts, receivedAt }).toEqual({
        attempts: taken[index]!.attempts,
        receivedAt: taken[index]!.receivedAt,
      })
    })
    const left = due.filter((row) => !taken.includes(row))
    const latest = Math.max(...taken.map(({ dueAt }) => dueAt))
    if (taken.length > 0 && left.length > 0) {
      expect(latest, 'the longest due first').toBeLessThanOrEqual(Math.min(...left.map(({ dueAt }) => dueAt)))
    }
    for (const row of taken) Object.assign(row, { lease: claimed.id, dueAt: model.now + leaseMs })
    const events = claimed.events.map(({ ref }, index) => ({ ref, row: taken[index]! }))
    if (taken.length > 0) model.claims.push({ id: claimed.id, events })
  })

const settle = (who: number, which: number, results: number[]) =>
  command(`settle(${who}, claim ${which}, ${results})`, async (model, real) => {
    const { id, events } = model.claim(which)
    let lost = 0
    const settlements = events.slice(0, results.length).map(({ ref, row }, index): Settlement => {
      const held = row.lease === id && model.has(row)
      if (!held) lost += 1
      const result = results[index]!
      if (result % 3 === 0) {
        // However late: whoever has it now need not send it any more.
        if (model.has(row) && row.diedAt === undefined) {
          model.remove(row)
          model.book(row.tagId).delivered += 1
        }
        return { ref, kind: 'delivered' }
      }
      if (result % 3 === 1) {
        const inMs = result * 10_000
        if (held) Object.assign(row, { lease: undefined, dueAt: model.now + inMs, attempts: row.attempts + 1 })
        return { ref, kind: 'again', inMs, attempted: true }
      }
      if (held) model.bury(row)
      return { ref, kind: 'dead', reason: 'invalid' }
    })
    expect(await handle(real, who).settle(id, settlements)).toEqual({ lost })
  })

const extend = (who: number, which: number, leaseMs: number) =>
  command(`extend(${who}, claim ${which}, ${leaseMs})`, async (model, real) => {
    const { id } = model.claim(which)
    const held = [...model.rows.values()].filter(({ lease }) => lease === id)
    for (const row of held) row.dueAt = model.now + leaseMs
    expect(await handle(real, who).extend(id, leaseMs)).toBe(held.length > 0)
  })

const withdraw = (who: number, tag: number, person: number) =>
  command(`withdraw(${who}, ${TAGS[tag]}, person ${person})`, async (model, real) => {
    const gone = [...model.rows].filter(
      ([, { tagId, subject }]) => tagId === TAGS[tag] && subject === `person ${person}`,
    )
    for (const [key] of gone) model.rows.delete(key)
    if (gone.length > 0) model.book(TAGS[tag]!).withdrawn += gone.length
    expect(await handle(real, who).withdraw(TAGS[tag]!, [`person ${person}`])).toBe(gone.length)
  })

const retryDead = (who: number, tag: number) =>
  command(`retryDead(${who}, ${TAGS[tag]})`, async (model, real) => {
    const dead = model.of(TAGS[tag]!, true)
    expect(await handle(real, who).retryDead({ tagId: TAGS[tag]! })).toBe(dead.length)
    for (const row of dead) {
      const { diedAt: _, ...alive } = row
      model.rows.set(`${row.tagId} ${row.id}`, { ...alive, dueAt: model.now, attempts: 0 })
    }
  })

const purgeDead = (who: number, tag: number) =>
  command(`purgeDead(${who}, ${TAGS[tag]})`, async (model, real) => {
    const dead = model.of(TAGS[tag]!, true)
    expect(await handle(real, who).purgeDead({ tagId: TAGS[tag]! })).toBe(dead.length)
    for (const row of dead) model.remove(row)
    if (dead.length > 0) model.book(TAGS[tag]!).purged += dead.length
  })

const sweep = (who: number) =>
  command(`sweep(${who})`, async (model, real) => {
    const expireBefore = model.now - MAX_AGE
    const expired: Record<string, number> = {}
    let purged = 0
    for (const [key, row] of [...model.rows]) {
      if (row.diedAt === undefined && row.receivedAt < expireBefore && !model.isLeased(row)) {
        model.bury(row)
        expired[row.tagId] = (expired[row.tagId] ?? 0) + 1
      } else if (row.diedAt !== undefined && row.diedAt < model.now - DEAD_RETENTION_MS) {
        model.rows.delete(key)
        model.book(row.tagId).purged += 1
        purged += 1
      }
    }
    expect(await handle(real, who).sweep({ expireBefore })).toEqual({ expired, purged })
  })

/** Stays within the time that keys are remembered for certain. */
const pass = (ms: number): Command => ({
  ...command(`pass(${ms})`, async (model) => {
    model.now += ms
  }),
  check: ({ now }) => now + ms - START > -DAY && now + ms - START <= DEDUP_WINDOW_MS - DAY,
})

const reopen = (who: number) =>
  command(`reopen(${who})`, async (model, real) => {
    const index = who % real.handles.length
    await real.handles[index]!.close()
    real.handles[index] = await real.store.open({ now: () => model.now })
  })

/**
 * Any sequence of calls, by two relays where the store allows it, leaves an outbox as the model says.
 */
export function outboxModel(name: string, { make, durable, shared }: Conformance, numRuns: number): void {
  it(`${name} does what its model does`, async () => {
    const who = fc.nat(1)
    const tag = fc.nat(1)
    const ms = fc.oneof(fc.nat(120_000), fc.constantFrom(1, 60_000, MAX_DELAY_MS))
    const commands = [
      fc
        .tuple(who, fc.array(tag, { maxLength: 8 }), fc.array(fc.nat(40), { maxLength: 8 }))
        .map((args) => append(...args)),
      fc
        .tuple(
          who,
          tag,
          fc.integer({ min: 1, max: 10 }),
          ms.map((lease) => lease + 1),
        )
        .map((args) => claim(...args)),
      fc.tuple(who, fc.nat(20), fc.array(fc.nat(8), { maxLength: 10 })).map((args) => settle(...args)),
      fc
        .tuple(
          who,
          fc.nat(20),
          ms.map((lease) => lease + 1),
        )
        .map((args) => extend(...args)),
      fc.tuple(who, tag, fc.nat(6)).map((args) => withdraw(...args)),
      fc.tuple(who, tag).map((args) => retryDead(...args)),
      fc.tuple(who, tag).map((args) => purgeDead(...args)),
      who.map(sweep),
      fc.oneof(ms, fc.constantFrom(MAX_AGE, 3 * DAY, -DAY)).map(pass),
      ...(durable ? [who.map(reopen)] : []),
    ]
    await fc.assert(
      fc.asyncProperty(fc.commands(commands, { maxCommands: 60, size: 'max' }), async (sequence) => {
        const store = await make()
        const model = new Model()
        const open = () => store.open({ now: () => model.now })
        const real: Real = { store, model, handles: [await open()] }
        if (shared) real.handles.push(await open())
        try {
          await fc.asyncModelRun(() => ({ model, real }), sequence)
        } finally {
          for (const outbox of real.handles) await outbox.close()
          await store.remove?.()
        }
      }),
      // On a slow disk fewer runs; a failure is told before the test's own limit, however long shrinking takes.
      { numRuns, interruptAfterTimeLimit: 60_000 },
    )
  }, 120_000)
}
