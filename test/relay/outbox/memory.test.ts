import { expect, it } from 'vitest'
import { memoryOutbox } from '../../../src/relay/outbox/memory.ts'
import type { Outbox } from '../../../src/relay/outbox/outbox.ts'
import { type Conformance, newEvent, newEvents, outboxConformance } from './conformance.ts'
import { outboxModel } from './model.ts'

const conformance: Conformance = {
  durable: false,
  shared: true,
  make() {
    // One process is all there is: every relay has the same outbox, which lives until the last of them is gone.
    let outbox: Outbox | undefined
    return { open: (options) => (outbox ??= memoryOutbox(options)) }
  },
}

outboxConformance('the outbox in memory', { ...conformance, shared: false })
outboxModel('the outbox in memory', conformance, 300)

it('refuses what it has no room for, whole groups at a time', async () => {
  const outbox = memoryOutbox({ maxEvents: 3 })
  await outbox.append(newEvents(2))
  await expect(outbox.append(newEvents(2))).rejects.toMatchObject({ code: 'full' })
  expect(await outbox.health()).toMatchObject({ writable: true })
  await outbox.append([newEvent()])
  expect(await outbox.health()).toMatchObject({ writable: false, problem: expect.stringContaining('3 events') })
})
