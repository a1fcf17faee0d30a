import type { TagWindow } from './types.ts'

/** Copies of the cookies in localStorage, each beside an expiry date; they answer when the cookie is missing. */
export interface LocalTwins {
  read(name: string): string | undefined
  /** Returns whether the value was stored. */
  write(name: string, value: string, seconds: number): boolean
}

export function createLocalTwins(window: TagWindow): LocalTwins {
  return {
    read(name) {
      try {
        const expiry = window.Date.parse(window.localStorage.getItem(`${name}_exp`) ?? '')
        return expiry > window.Date.now() ? (window.localStorage.getItem(name) ?? undefined) : undefined
      } catch {
        return undefined
      }
    },
    write(name, value, seconds) {
      try {
        window.localStorage.setItem(name, value)
        window.localStorage.setItem(`${name}_exp`, new window.Date(window.Date.now() + seconds * 1000).toUTCString())
        return true
      } catch {
        return false
      }
    },
  }
}
