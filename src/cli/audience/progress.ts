import type { Command } from 'commander'
import type { AudienceProgress } from '../../audience/progress.ts'
import { note } from '../output.ts'

export interface ProgressLine {
  show(now: AudienceProgress): void
  /** Takes an unfinished bar away, before other text. */
  clear(): void
}

const WIDTH = 24
const QUIET_MS = 10_000
const FRAME_MS = 100

const VERBS = {
  wait: 'waiting for a file of an earlier run',
  read: 'reading',
  compare: 'comparing',
  send: 'sending',
} as const
const UNITS = { wait: '%', read: 'rows', compare: 'parts', send: 'people' } as const

/** A bar where a terminal is, plain lines at long intervals elsewhere. */
export function progressLine(
  command: Command,
  terminal: boolean = process.stderr.isTTY === true,
  now: () => number = Date.now,
): ProgressLine {
  const write = (text: string) => command.configureOutput().writeErr?.(text)
  let last = { phase: '', at: 0 }
  let drawn = false
  const clear = () => {
    if (drawn) write('\r\u001b[2K')
    drawn = false
  }
  return {
    clear,
    show: (progress) => {
      const { cohortId, phase, message } = progress
      if (phase === 'notice' || phase === 'lock') {
        clear()
        note(command, `${cohortId}: ${message}`)
        return
      }
      const done = progress.total !== undefined && progress.done >= progress.total
      const due = now() - last.at >= (terminal ? FRAME_MS : QUIET_MS)
      // Without a terminal a phase is worth a line only once it takes long.
      if (phase === last.phase ? !due && !(done && terminal) : !terminal) {
        if (phase !== last.phase) last = { phase, at: now() }
        return
      }
      last = { phase, at: now() }
      const text = `${cohortId}: ${VERBS[phase]} ${amount(progress)}`
      if (!terminal) return note(command, text)
      write(`\r\u001b[2K${bar(progress)}${text}`)
      drawn = true
    },
  }
}

const number = (value: number): string => value.toLocaleString('en-US')

function amount({ phase, done, total, message }: AudienceProgress): string {
  if (phase === 'wait') return `${done} %`
  const unit = UNITS[phase as keyof typeof UNITS]
  const file = message ? `, ${message}` : ''
  return total === undefined ? `${number(done)} ${unit}` : `${number(done)} of ${number(total)} ${unit}${file}`
}

function bar({ done, total }: AudienceProgress): string {
  if (!total) return ''
  const full = Math.round((Math.min(done, total) / total) * WIDTH)
  return `[${'='.repeat(full)}${' '.repeat(WIDTH - full)}] `
}
