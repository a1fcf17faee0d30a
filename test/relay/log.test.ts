import { expect, it } from 'vitest'
import { createLogWriter, type Log } from '../../src/relay/log.ts'

it('says once a minute that the store fails, and at once when that is something else or again', () => {
  const lines: string[] = []
  const write = ({ problem }: { problem: string }, what: string) => lines.push(`${what}: ${problem}`)
  let clock = 0
  const { onReport, onNotice } = createLogWriter({ error: write, info: write } as never as Log, () => clock)
  const fail = (message: string) => {
    onNotice({ kind: 'failed', message })
    onReport({ kind: 'store', message })
  }
  for (let second = 0; second < 61; second += 1) {
    fail('full')
    clock += 1000
  }
  fail('gone')
  onNotice({ kind: 'recovered', message: 'store' })
  fail('gone')
  expect(lines).toEqual([
    'the store failed: full',
    'the store failed: full',
    'the store failed: gone',
    'the store works again: store',
    'the store failed: gone',
  ])
})
