import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BUCKETS, packed, toHex } from '../../../src/audience/hashes.ts'
import type { Ledger, ListKey, ListRecord } from '../../../src/audience/ledger.ts'

/** A ledger that can be opened again, as another process would. */
export interface LedgerPlace {
  open(): Promise<Ledger>
  remove(): Promise<void>
}

const key: ListKey = { owner: '1', cohortId: 'abc' }
const other: ListKey = { owner: '1', cohortId: 'xyz' }
const record: ListRecord = {
  ...key,
  name: '[uetkit] A: abc',
  marker: 'm',
  emailRule: 'basic',
  reset: false,
  members: 0,
}

const hash = (n: number) => {
  const bytes = new Uint8Array(32)
  ;[bytes[0], bytes[31]] = [(n * 97) % 256, n]
  return bytes
}
const hexOf = (n: number) => Buffer.from(hash(n)).toString('hex')
const hashes = (list: readonly number[]) => packed(list.map(hash))
const nothing = new Uint8Array(0)

async function everything(ledger: Ledger, of: ListKey) {
  const all = { members: [] as string[], doubtful: [] as string[] }
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const known = await ledger.known(of, bucket)
    all.members.push(...toHex(known.members))
    all.doubtful.push(...toHex(known.doubtful))
  }
  return all
}

/** What every ledger has to do, whatever it writes to. */
export function ledgerSuite(name: string, make: () => Promise<LedgerPlace>): void {
  describe(name, () => {
    const inPlace = async (run: (place: LedgerPlace) => Promise<void>) => {
      const place = await make()
      try {
        await run(place)
      } finally {
        await place.remove()
      }
    }

    it('keeps records over a restart, and updates them', () =>
      inPlace(async (place) => {
        const first = await place.open()
        expect(await first.find(key)).toBeUndefined()
        await first.save(record)
        await first.save({ ...record, cohortId: 'xyz' })
        const full: ListRecord = { ...record, listId: '9007199254740993', reset: true, fullAt: 1_764_000_000_123 }
        await first.save({ ...full, lastRun: { at: 5, added: 1, removed: 2, failed: 3 } })
        await first.close()
        const second = await place.open()
        expect(await second.find(key)).toEqual({ ...full, lastRun: { at: 5, added: 1, removed: 2, failed: 3 } })
        expect((await second.all()).map(({ cohortId }) => cohortId)).toEqual(['abc', 'xyz'])
        await second.forget(key)
        expect(await second.find(key)).toBeUndefined()
        expect(await second.find(other)).toBeDefined()
        await second.close()
      }))

    it('forgets everybody with the list', () =>
      inPlace(async (place) => {
        const ledger = await place.open()
        await ledger.save(record)
        await ledger.settle(await ledger.begin(key, { action: 'Add', by: 'items', hashes: hashes([1]) }), {
          rejected: nothing,
          doubtful: nothing,
        })
        expect(await ledger.fold(key)).toBe(1)
        await ledger.begin(key, { action: 'Add', by: 'items', hashes: hashes([2]) })
        await ledger.forget(key)
        await ledger.save(record)
        expect(await ledger.open(key)).toEqual([])
        expect(await everything(ledger, key)).toEqual({ members: [], doubtful: [] })
        expect((await ledger.find(key))!.members).toBe(0)
        await ledger.close()
      }))

    it('lets one run at a time work on a list, and any number on different ones', () =>
      inPlace(async (place) => {
        const [one, two] = [await place.open(), await place.open()]
        const release = await one.lock(key)
        await (await two.lock(other))()
        let waiting: () => void
        const waits = new Promise<void>((resolve) => {
          waiting = resolve
        })
        const order: string[] = []
        const second = two.lock(key, { onWait: () => waiting() }).then(async (releaseSecond) => {
          order.push('second')
          await releaseSecond()
        })
        await waits
        order.push('first')
        await release()
        await second
        expect(order).toEqual(['first', 'second'])
        const again = await one.lock(key)
        const abort = new AbortController()
        const stopped = two.lock(key, { signal: abort.signal, onWait: () => abort.abort() })
        await expect(stopped).rejects.toMatchObject({ code: 'aborted' })
        await again()
        await Promise.all([one.close(), two.close()])
      }))

    const some = fc.uniqueArray(fc.nat(12), { maxLength: 8 })
    const step = fc.oneof(
      fc.record({
        kind: fc.constant('change' as const),
        action: fc.constantFrom('Add' as const, 'Remove' as const, 'Replace' as const),
        by: fc.constantFrom('items' as const, 'bulk' as const),
        hashes: some,
        fates: fc.array(fc.constantFrom('done', 'rejected', 'doubtful'), { minLength: 13, maxLength: 13 }),
        crash: fc.boolean(),
      }),
      fc.record({ kind: fc.constant('fold' as const) }),
      fc.record({ kind: fc.constant('reopen' as const) }),
    )

    it('knows after any changes, answers and restarts what is sure and what is not', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) =>
          inPlace(async (place) => {
            let ledger = await place.open()
            await ledger.save(record)
            const members = new Set<number>()
            const doubtful = new Set<number>()
            for (const now of steps) {
              if (now.kind === 'fold') expect(await ledger.fold(key)).toBe(members.size)
              else if (now.kind === 'reopen') {
                await ledger.close()
                ledger = await place.open()
              } else {
                const { action, by, crash } = now
                const fate = (n: number) => (crash ? 'doubtful' : now.fates[n])
                const id = await ledger.begin(key, { action, by, hashes: hashes(now.hashes) })
                const requestId = by === 'bulk' ? `r${id}` : undefined
                if (requestId) await ledger.setRequest(id, requestId)
                const [open] = await ledger.open(key)
                expect(open).toMatchObject({ id, action, by, requestId })
                expect(toHex(open!.hashes)).toEqual(toHex(hashes(now.hashes)))
                await ledger.settle(id, {
                  rejected: hashes(now.hashes.filter((n) => fate(n) === 'rejected')),
                  doubtful: hashes(now.hashes.filter((n) => fate(n) === 'doubtful')),
                })
                expect(await ledger.open(key)).toEqual([])
                for (const n of now.hashes) {
                  if (fate(n) === 'doubtful') doubtful.add(n)
                  if (fate(n) !== 'done') continue
                  doubtful.delete(n)
                  if (action === 'Remove') members.delete(n)
                  else members.add(n)
                }
              }
            }
            expect(await ledger.fold(key)).toBe(members.size)
            expect((await ledger.find(key))!.members).toBe(members.size)
            expect(await everything(ledger, key)).toEqual({
              members: [...members].map(hexOf).sort(),
              doubtful: [...doubtful].map(hexOf).sort(),
            })
            await ledger.close()
          }),
        ),
        { numRuns: 40 },
      )
    })
  })
}
