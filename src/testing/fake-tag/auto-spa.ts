import type { TagWindow } from './types.ts'

/**
 * Watches the address: `pushState`, `replaceState`, and `popstate`, which covers the back button and hash changes.
 * Calls back when the address differs from the last one seen, before the site could set its title.
 */
export function watchHistory(window: TagWindow, onChange: () => void): void {
  let lastSeen = window.location.href

  const check = (): void => {
    if (window.location.href === lastSeen) return
    lastSeen = window.location.href
    onChange()
  }

  for (const name of ['pushState', 'replaceState'] as const) {
    const original = window.history[name]
    window.history[name] = function (this: History, ...args: Parameters<History['pushState']>): void {
      original.apply(this, args)
      check()
    }
  }
  window.addEventListener('popstate', check)
}
