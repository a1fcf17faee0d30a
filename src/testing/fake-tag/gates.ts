import type { Consent } from './consent.ts'
import type { Container } from './container.ts'
import type { Tag } from './types.ts'

const POLL_MS = 5
const SIGNAL_WAIT_MS = 500

/** A wait that ends once: by its timer or by `end()`, whichever comes first. */
function createWait(tag: Tag): { start(ms: number, next: () => void): void; end(): void } {
  let pending: { timer: number; next: () => void } | undefined
  const end = (): void => {
    if (pending === undefined) return
    const { timer, next } = pending
    pending = undefined
    tag.window.clearTimeout(timer)
    next()
  }
  return {
    start(ms, next) {
      pending = { next, timer: tag.window.setTimeout(end, ms) }
    },
    end,
  }
}

export interface Gates {
  start(): void
  /** An `update` ends `wait_for_update`. */
  onConsentUpdate(): void
  onTcfAnswer(): void
}

/** What must have happened before the first beacon, in this order. Each gate is passed once. */
export function createGates(
  tag: Tag,
  steps: { consent: Consent; container: Container; handleEarlyCommands(): void; flush(): void },
): Gates {
  const { window, options, live } = tag
  const { consent, tcf } = live.uetConfig
  const updateWait = createWait(tag)
  const tcfWait = createWait(tag)
  const googleWait = createWait(tag)

  const whenBodyIsReady = (next: () => void): void => {
    const { body, readyState } = window.document
    if (body !== null && readyState !== 'loading') next()
    else window.setTimeout(() => whenBodyIsReady(next), POLL_MS)
  }

  const whenUpdated = (next: () => void): void => {
    const hasToWait = consent.enabled && consent.waitForUpdate > 0 && !consent.adStorageUpdated
    if (hasToWait) updateWait.start(consent.waitForUpdate, next)
    else next()
  }

  /** Before it enforces anything, the tag looks for signals that the site gave to others. */
  const whenDetected = (next: () => void): void => {
    const isSettled =
      options.enableAutoConsent === false || !steps.consent.mustEnforce() || steps.consent.adoptGoogle(false)
    if (isSettled) {
      next()
      return
    }
    googleWaitIfDefault(() => {
      if (!steps.consent.adoptGoogle(true)) steps.consent.adoptTcf(tcfWait.end)
      next()
    })
  }

  const googleWaitIfDefault = (next: () => void): void => {
    if (steps.consent.hasGoogleDefault()) googleWait.start(SIGNAL_WAIT_MS, next)
    else next()
  }

  const whenTcfAnswered = (next: () => void): void => {
    if (tcf.enabled && !tcf.loaded) tcfWait.start(SIGNAL_WAIT_MS, next)
    else next()
  }

  return {
    start() {
      const run = (): void =>
        whenBodyIsReady(() =>
          steps.container.whenReady(() => {
            steps.handleEarlyCommands()
            whenUpdated(() =>
              whenDetected(() =>
                whenTcfAnswered(() => {
                  steps.consent.settle()
                  steps.flush()
                }),
              ),
            )
          }),
        )
      // Never inside the constructor: the page load that the snippet pushes next belongs into the queue.
      window.setTimeout(run, 0)
    },
    onConsentUpdate: updateWait.end,
    onTcfAnswer: tcfWait.end,
  }
}
