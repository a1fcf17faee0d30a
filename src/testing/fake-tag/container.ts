import type { Tag, UserSignals } from './types.ts'

const TIMEOUT_MS = 1500

export interface Container {
  signals(): UserSignals | undefined
  receive(signals: UserSignals): void
  /** Requests the file; `name` is the global under which the instance is found. */
  request(name: string): void
  /** Calls back at once where nothing is awaited, otherwise when the file has done its work, or after 1,500 ms. */
  whenReady(next: () => void): void
}

/**
 * The file `/p/action/<tag id>.js`, which hands over flags of the server. It counts as ready once it has both called
 * `setUserSignals` and fired `load`; so an empty answer costs the whole wait, and so does a blocked one.
 */
export function createContainer(tag: Tag, onLateSignals: () => void): Container {
  const { window, options, live, fake } = tag
  let signals: UserSignals | undefined
  let isLoaded = false
  let waiting: { timer: number; next: () => void } | undefined

  const proceed = (): void => {
    if (waiting === undefined) return
    const { timer, next } = waiting
    waiting = undefined
    window.clearTimeout(timer)
    next()
  }

  const settle = (): void => {
    if (signals === undefined || !isLoaded) return
    if (waiting === undefined) onLateSignals()
    else proceed()
  }

  return {
    signals: () => signals,
    receive(received) {
      signals = received
      settle()
    },
    request(name) {
      if (options.disableContainer === true || live.beaconParams.ti === '') return
      const { document } = window
      const script = document.createElement('script')
      script.async = true
      script.setAttribute('data-ueto', name)
      const path = `/p/action/${live.beaconParams.ti}.js`
      script.src = fake.beacons
        ? `${fake.beacons.replace(/\/$/, '')}/bat.bing.com${path}`
        : `https://bat.bing.com${path}`
      script.onload = () => {
        isLoaded = true
        settle()
      }
      const first = document.getElementsByTagName('script')[0]
      const parent = first?.parentNode ?? document.head
      parent.insertBefore(script, first?.parentNode ? first : null)
    },
    whenReady(next) {
      if (options.disableContainer === true || isLoaded || signals !== undefined) {
        next()
        return
      }
      waiting = { next, timer: window.setTimeout(proceed, TIMEOUT_MS) }
    },
  }
}
