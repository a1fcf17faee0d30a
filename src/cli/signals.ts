/** Resolves with the first request to stop; a second one ends the process at once. */
export function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false
    const stop = () => {
      if (asked) process.exit(1)
      asked = true
      resolve()
    }
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
  })
}

/** Runs with a signal that fires with the first request to stop; a second one ends the process at once. */
export async function untilDone<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const abort = new AbortController()
  const stop = () => {
    if (abort.signal.aborted) process.exit(1)
    abort.abort()
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  try {
    return await run(abort.signal)
  } finally {
    process.off('SIGTERM', stop)
    process.off('SIGINT', stop)
  }
}
