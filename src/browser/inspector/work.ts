/** A task of the browser may take 50 ms before people notice; ours take a fraction of it. */
const BUDGET_MS = 8
const now = () => performance.now()

export interface Work {
  add(job: () => void): void
  /** Does at once what is left. */
  drain(): void
}

/** Does jobs in order, a few milliseconds at a time, so that a busy page stays as quick as it was. */
export function createWork(onDone: () => void): Work {
  let jobs: (() => void)[] = []
  let timer: number | undefined

  const run = (budget: number) => {
    timer = undefined
    const end = now() + budget
    let done = 0
    while (done < jobs.length && now() < end) jobs[done++]!()
    jobs = jobs.slice(done)
    if (jobs.length) schedule()
    else onDone()
  }
  const schedule = () => {
    timer ??= window.setTimeout(run, 0, BUDGET_MS)
  }

  return {
    add: (job) => {
      jobs.push(job)
      schedule()
    },
    drain: () => {
      window.clearTimeout(timer)
      run(Number.POSITIVE_INFINITY)
    },
  }
}
