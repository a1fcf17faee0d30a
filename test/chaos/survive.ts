import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqliteOutbox } from '../../src/relay/outbox/sqlite.ts'
import { startLoad } from './load.ts'
import { startMicrosoft } from './microsoft.ts'
import { relayProcess } from './relays.ts'

const TAG = '97247724'
const ORIGIN = 'https://shop.example'
/** A request that was on its way when its sender was killed is still taken a moment later. */
const ON_ITS_WAY_MS = 2_000
/** What was taken so long before a relay was killed may not have been settled yet: a slow answer and a busy disk. */
const BEFORE_MS = 8_000

const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms))

export interface SurviveOptions {
  /** At least so many events are accepted, */
  events: number
  /** and the relay ends at least so often: nine times out of ten by SIGKILL, else by SIGTERM. */
  ends: number
  clients: number
  /** Instead of the relay's own leases. */
  leaseMs?: number
  say?: (text: string) => void
}

/**
 * One relay with an SQLite file, killed at random moments under load, while Microsoft loses answers, throttles, fails and
 * is slow. Answers what was counted, and what of it must hold.
 */
export async function survive({ events, ends, clients, leaseMs, say = () => {} }: SurviveOptions) {
  const folder = mkdtempSync(join(tmpdir(), 'uetkit-chaos-'))
  const path = join(folder, 'relay.db')
  const microsoft = await startMicrosoft({ [TAG]: 'token' })
  process.env.CHAOS_TOKEN = 'token'
  const relay = relayProcess(
    {
      port: 0,
      adminPort: 0,
      host: '127.0.0.1',
      outbox: `sqlite:${path}`,
      logLevel: 'info',
      capi: { url: microsoft.url },
      limits: { perAddress: false, perKey: false },
      tags: [{ id: TAG, token: 'env:CHAOS_TOKEN', key: 'pk_chaos', origins: [ORIGIN] }],
    },
    leaseMs,
  )
  const kills: number[] = []
  const exits: (number | null)[] = []
  /** Events that killed relays had taken and not settled, at most at a time: nobody gets them before their lease ends. */
  let orphaned = 0
  const store = sqliteOutbox(path)
  try {
    await relay.start()
    const load = startLoad(() => [relay.url()].flatMap((url) => url ?? []), { clients, origin: ORIGIN })
    while (kills.length + exits.length < ends || load.accepted.size < events) {
      await sleep(200 + Math.random() * 2_000)
      if ((kills.length + exits.length) % 10 === 9) exits.push(await relay.stop())
      else {
        kills.push(Date.now())
        relay.signal('SIGKILL')
        await sleep(50)
        for (const { leased } of await store.counts()) orphaned = Math.max(orphaned, leased)
      }
      await relay.start()
      say(`ended ${kills.length + exits.length} times, ${load.accepted.size} events accepted`)
    }
    await load.stop()
    const ended = Date.now()
    let [books] = await store.counts()
    while (books!.waiting + books!.leased > 0) {
      await sleep(200)
      ;[books] = await store.counts()
    }
    exits.push(await relay.stop())
    const dead = await store.deadLetters({ limit: 1_000 })

    const { taken, unanswered } = microsoft
    const said = (what: RegExp) => relay.lines.filter((line) => what.test(line)).length
    const throttled = said(/"reason":"throttled"/)
    const resumed = said(/delivery goes on/)
    const lost = [...load.accepted].filter((id) => !taken.has(id))
    const doubled = [...taken].filter(([, times]) => times.length > 1)
    const unexplained = doubled.filter(
      ([id, times]) =>
        !unanswered.has(id) &&
        !kills.some((at) => times.some((time) => time <= at + ON_ITS_WAY_MS && time >= at - BEFORE_MS)),
    )
    const { accepted, duplicates, delivered, withdrawn, purged } = books!
    return {
      counted: {
        accepted: load.accepted.size,
        lost: lost.length,
        kills: kills.length,
        exits,
        taken: taken.size,
        doubled: doubled.length,
        unexplained: unexplained.length,
        dead: dead.length,
        refused: load.refused,
        orphaned,
        throttled,
        resumed,
        books: books!,
        drainSeconds: Math.round((Date.now() - ended) / 1_000),
      },
      holds: {
        [`accepted at least ${events}`]: load.accepted.size >= events,
        'accepted and lost: none': lost.length === 0,
        'no dead letter': dead.length === 0,
        'every duplicate explained by a lost answer or a kill': unexplained.length === 0,
        'each event delivered once in the books': delivered === taken.size,
        'the books balance': accepted === duplicates + delivered + withdrawn + purged + dead.length,
        'every asked end was in good order': exits.every((code) => code === 0),
        'seen: a request that had to be sent again': Object.keys(load.refused).length > 0,
        'seen: a duplicate': doubled.length > 0,
      },
      /** Without these a long run proves little. */
      seen: {
        'seen: events whose lease had to end because their relay was killed': orphaned > 0,
        'seen: a lane that Microsoft throttled': throttled > 0,
        'seen: a lane that went on after a failure': resumed > 0,
      },
    }
  } finally {
    await store.close()
    await relay.stop()
    microsoft.close()
    rmSync(folder, { recursive: true })
  }
}
