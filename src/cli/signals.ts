/** A signal that fires with the first request to stop. */
export function abortOnSignal(): AbortSignal {
  const abort = new AbortController()
  untilSignal().then(() => abort.abort())
  return abort.signal
}

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
