import { CAPI_MAX_EVENTS } from '../../core/capi-json.ts'
import { backoffMs } from '../../http/retry.ts'
import type { Verdict } from './judge.ts'

/** Sendings of one tag at the same time, at most. */
const MAX_WIDTH = 8
/** A lane that waits for Microsoft to come back looks at least this often. */
const MAX_PAUSE_MS = 60_000
/** How often a lane tries again whose token or tag is wrong. */
const PROBE_MS = 300_000

export interface Pause {
  reason: string
  forMs: number
  /** True when somebody has to repair something. */
  setup: boolean
}

/**
 * How fast one tag's events go out. It starts with one sending at a time, goes one wider with each that went well,
 * narrower when Microsoft asks for it or fails, and sends less and less at a time while nothing comes through, so that
 * one event that breaks every batch it is in is soon alone.
 */
export function createPace(random: () => number) {
  let width = 1
  let failures = 0

  return {
    /** Sendings at the same time. */
    width: () => (failures > 0 ? 1 : Math.floor(width)),
    /** Events in the next sending. */
    batch: () => Math.max(1, Math.floor(CAPI_MAX_EVENTS / 10 ** failures)),
    /** Learns from a sending. Answers the pause to be made. */
    learn(verdict: Verdict): Pause | undefined {
      if (verdict.kind === 'fine') {
        width = failures > 0 ? 1 : Math.min(MAX_WIDTH, width + 1)
        failures = 0
        return undefined
      }
      width = Math.max(1, width * 0.9)
      const { kind, reason } = verdict
      if (kind === 'throttled') return { reason, forMs: verdict.forMs, setup: false }
      if (kind === 'setup') {
        // The next one is a probe of one event.
        failures = 3
        return { reason, forMs: PROBE_MS, setup: true }
      }
      failures = verdict.partly ? 1 : failures + 1
      return { reason, forMs: backoffMs(failures - 1, random(), { capMs: MAX_PAUSE_MS }), setup: false }
    },
  }
}
