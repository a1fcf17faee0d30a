/** A task of the browser may take 50 ms before people notice: https://www.w3.org/TR/longtasks-1/. Ours take a fraction. */
const SLICE_MS = 4
/** A page that is never idle is inspected all the same. */
const PATIENCE_MS = 200

/** Runs once the page has nothing better to do. */
export function whenIdle(run: () => void): void {
  // Safari has no idle time to give.
  if (window.requestIdleCallback) window.requestIdleCallback(run, { timeout: PATIENCE_MS })
  else window.setTimeout(run)
}

/** Starts a slice; the answer tells whether it still has time. */
export function startSlice(): () => boolean {
  const end = performance.now() + SLICE_MS
  return () => performance.now() < end
}
