import { describe, expect, it } from 'vitest'
import { memorySharedState } from '../../src/relay/common-state.ts'
import { pooledRates } from '../../src/relay/pooled-rates.ts'

const TTL = 10_000
const settled = () => new Promise((done) => setImmediate(done))

describe('pooledRates', () => {
  it('counts at once what this relay sees, and soon what the others saw', async () => {
    let now = 1_000_000
    const shared = memorySharedState({ now: () => now })
    const [one, two] = [pooledRates(shared, () => now), pooledRates(shared, () => now)]
    for (let n = 1; n <= 5; n++) expect(await one.increment('k', 1, TTL)).toBe(n)
    expect(await two.increment('k', 1, TTL)).toBe(1)
    await settled()
    now += 250
    await one.increment('k', 1, TTL)
    await two.increment('k', 1, TTL)
    await settled()
    now += 250
    await one.increment('k', 0, TTL)
    await settled()
    expect(await one.increment('k', 0, TTL)).toBe(8)
    expect(await two.increment('k', 0, TTL)).toBe(8)
  })

  it('never counts an addition of its own twice', async () => {
    let now = 1_000_000
    const rates = pooledRates(memorySharedState({ now: () => now }), () => now)
    for (let n = 1; n <= 40; n++) {
      expect(await rates.increment('k', 1, TTL)).toBe(n)
      await settled()
      now += 100
    }
  })

  it('counts alone while the shared state is away, and tells it later what it missed', async () => {
    let now = 1_000_000
    let away = true
    const shared = memorySharedState({ now: () => now })
    const rates = pooledRates(
      { ...shared, increment: (...args) => (away ? Promise.reject(new Error('away')) : shared.increment(...args)) },
      () => now,
    )
    for (let n = 1; n <= 3; n++) {
      expect(await rates.increment('k', 1, TTL)).toBe(n)
      await settled()
      now += 250
    }
    away = false
    expect(await rates.increment('k', 1, TTL)).toBe(4)
    await settled()
    expect(await shared.increment('k', 0, TTL)).toBe(4)
  })

  it('begins anew when the count has ended', async () => {
    let now = 1_000_000
    const rates = pooledRates(memorySharedState({ now: () => now }), () => now)
    await rates.increment('k', 7, TTL)
    await settled()
    now += TTL
    expect(await rates.increment('k', 1, TTL)).toBe(1)
  })
})
