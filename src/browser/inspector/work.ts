import { startSlice, whenIdle } from './slices.ts'

export interface Work {
  add(job: () => void): void
  /** Does at once what is left. */
  drain(): void
}

/** Does jobs in order, a slice at a time: what the page does in one task never becomes one task of ours. */
export function createWork(onDone: () => void): Work {
  let jobs: (() => void)[] = []
  let isScheduled = false

  const run = (hasTime: () => boolean) => {
    let done = 0
    while (done < jobs.length && (!done || hasTime())) jobs[done++]!()
    jobs = jobs.slice(done)
    if (jobs.length) schedule()
    else if (done) onDone()
  }
  const schedule = () => {
    if (isScheduled) return
    isScheduled = true
    whenIdle(() => {
      isScheduled = false
      run(startSlice())
    })
  }

  return {
    add: (job) => {
      jobs.push(job)
      schedule()
    },
    drain: () => run(() => true),
  }
}
