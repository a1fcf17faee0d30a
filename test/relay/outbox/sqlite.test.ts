import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqliteOutbox } from '../../../src/relay/outbox/sqlite.ts'
import { outboxConformance } from './conformance.ts'

outboxConformance('the outbox in SQLite', {
  durable: true,
  shared: true,
  make() {
    const folder = mkdtempSync(join(tmpdir(), 'uetkit-outbox-'))
    return {
      open: (options) => sqliteOutbox(join(folder, 'relay.db'), options),
      remove: () => rmSync(folder, { recursive: true }),
    }
  },
})
