import { randomUUID } from 'node:crypto'
import { sqliteOutbox } from '../../src/relay/outbox/sqlite.ts'

// Appends events to the file named until it is killed. Prints the ids of each group once it was acknowledged, and when, in
// nanoseconds of the machine's monotonic clock.
const outbox = sqliteOutbox(process.argv[2]!, {
  minFreeBytes: 0,
  onNotice: (notice) => 'message' in notice && console.error(notice.kind, notice.message),
})
const writer = async () => {
  for (;;) {
    const ids = Array.from({ length: 10 }, () => randomUUID())
    const body = 'x'.repeat(400)
    try {
      await outbox.append(ids.map((id) => ({ tagId: '1', id, name: '', eventTime: Date.now(), subjects: [], body })))
      console.log(`${ids.join(' ')} ${process.hrtime.bigint()}`)
    } catch (error) {
      console.error('refused', (error as { code: string }).code)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}
await Promise.all(Array.from({ length: 8 }, writer))
