import type { TagWindow, UetOptions } from './types.ts'

export interface CookieStore {
  read(name: string): string | undefined
  /** Returns whether the value can be read back. */
  write(name: string, value: string, seconds: number): boolean
}

/** Parent domains of a host, shortest first; none for an IP address or a single label. */
function parentDomains(host: string): string[] {
  const labels = host.split('.')
  if (labels.length === 1 || /^[\d.]+$|:/.test(host)) return []
  return labels
    .slice(0, -1)
    .map((_, index) => labels.slice(labels.length - 1 - index).join('.'))
    .concat(host)
}

/**
 * First-party cookies on the widest domain that the browser allows: it tries every parent from the shortest, public
 * suffixes fail, and a cookie of the host alone is what remains on localhost and IP addresses.
 */
export function createCookies(window: TagWindow, options: UetOptions): CookieStore {
  const { document } = window
  const domains = parentDomains(window.location.hostname)
  const chosen = domains.filter((domain) => domain === String(options.cookieDomain ?? '').replace(/^\./, ''))
  const candidates = [...(chosen.length > 0 ? chosen : domains).map((domain) => `;domain=.${domain}`), '']
  const flags = typeof options.cookieFlags === 'string' ? options.cookieFlags : ''

  const set = (name: string, value: string, expires: number, domain: string): void => {
    const date = new window.Date(expires).toUTCString()
    document.cookie = `${name}=${value};expires=${date}${domain};path=/;${flags}`
  }

  const read = (name: string): string | undefined => {
    for (const pair of document.cookie.split('; ')) {
      if (pair.startsWith(`${name}=`)) return pair.slice(name.length + 1)
    }
    return undefined
  }

  return {
    read,
    write(name, value, seconds) {
      // Without the deletion a cookie that is already there would make a failed attempt look like a success.
      for (const domain of candidates) set(name, '', 0, domain)
      return candidates.some((domain) => {
        set(name, value, window.Date.now() + seconds * 1000, domain)
        return read(name) === value
      })
    },
  }
}
