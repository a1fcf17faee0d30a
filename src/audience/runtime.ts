import { setTimeout as delay } from 'node:timers/promises'
import type { Fetch } from '../http/request.ts'
import { AudienceError } from './errors.ts'

/** What a run takes from the world around it, so that tests can be that world. */
export interface Runtime {
  fetch: Fetch
  /** Milliseconds since the epoch. */
  now(): number
  sleep(ms: number): Promise<void>
  /** A number in [0, 1). */
  random(): number
  signal?: AbortSignal | undefined
}

export const stopped = (): AudienceError =>
  new AudienceError(
    'aborted',
    'the run was stopped. What was acknowledged is written down; the next run goes on from there.',
  )

export function systemRuntime(over: Partial<Runtime> = {}): Runtime {
  const { signal } = over
  return {
    fetch: (request) => fetch(request),
    now: Date.now,
    sleep: async (ms) => {
      try {
        await delay(ms, undefined, { signal })
      } catch {
        throw stopped()
      }
    },
    random: Math.random,
    ...over,
  }
}
