import { expect, it } from 'vitest'
import { memoryOutbox } from '../../../src/relay/outbox/memory.ts'
import { newEvent, newEvents, outboxConformance } from './conformance.ts'

outboxConformance('the outbox in memory', { make: () => ({ open: memoryOutbox }), durable: false, shared: false })

it('refuses what it has no room for, whole groups at a time', async () => {
  const outbox = memoryOutbox({ maxEvents: 3 })
  await outbox.append(newEvents(2))
  await expect(outbox.append(newEvents(2))).rejects.toMatchObject({ code: 'full' })
  expect(await outbox.health()).toMatchObject({ writable: true })
  await outbox.append([newEvent()])
  expect(await outbox.health()).toMatchObject({ writable: false, problem: expect.stringContaining('3 events') })
})
