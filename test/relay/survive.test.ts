import { expect, it } from 'vitest'
import { survive } from '../chaos/survive.ts'

// The long form is `npm run test:chaos`.
it('loses nothing of what it accepted when it is killed under load while Microsoft fails', {
  timeout: 120_000,
}, async () => {
  const { counted, holds } = await survive({ events: 1_500, ends: 4, clients: 4, leaseMs: 8_000 })
  expect(counted.lost).toBe(0)
  expect(Object.entries(holds).filter(([, held]) => !held)).toEqual([])
})
