/** What a run is doing, for progress bars and logs. */
export interface AudienceProgress {
  cohortId: string
  /**
   * `lock` waits for another run, `wait` for a file of an earlier run (percent), `read` counts rows, `compare` parts of
   * the list, `send` people; `notice` has a message for people.
   */
  phase: 'lock' | 'wait' | 'read' | 'compare' | 'send' | 'notice'
  /** Rows, parts, people or per cent, by the phase. */
  done: number
  /** Unknown while reading. */
  total?: number
  /** With `notice` only. */
  message?: string
}

/** Tells about one cohort's run. */
export type Tell = (now: Omit<AudienceProgress, 'cohortId'>) => void
