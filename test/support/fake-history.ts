/** The address bar: location and session history of one page. */
export interface AddressBar {
  href(): string
  location: Record<string, unknown>
  history: Record<string, unknown>
}

const READ_ONLY = ['origin', 'protocol', 'host', 'hostname', 'port', 'pathname', 'search'] as const

/**
 * History calls move at once, as in a browser; `back`, `go` and changes of the hash announce themselves with
 * `popstate` in a later task. A real navigation (`location.href = …` to another document) is only noted down.
 */
export function createAddressBar(
  start: string,
  on: { popstate(state: unknown): void; hashchange(): void; navigate(url: string): void },
): AddressBar {
  const entries: { url: URL; state: unknown }[] = [{ url: new URL(start), state: null }]
  let index = 0
  const current = (): { url: URL; state: unknown } => entries[index]!
  const resolve = (url: unknown): URL => new URL(String(url), current().url)

  const announce = (from: URL): void => {
    const { url, state } = current()
    setTimeout(() => {
      on.popstate(state)
      if (url.hash !== from.hash) on.hashchange()
    }, 0)
  }

  const visit = (target: URL): void => {
    const from = current().url
    if (target.href.split('#')[0] !== from.href.split('#')[0] || target.hash === '') {
      on.navigate(target.href)
      return
    }
    if (target.href === from.href) return
    entries.splice(index + 1, entries.length, { url: target, state: null })
    index += 1
    announce(from)
  }

  const location: Record<string, unknown> = {
    assign: (url: string) => visit(resolve(url)),
    replace: (url: string) => visit(resolve(url)),
    reload: () => on.navigate(current().url.href),
    toString: () => current().url.href,
  }
  for (const name of READ_ONLY) Object.defineProperty(location, name, { get: () => current().url[name] })
  Object.defineProperty(location, 'href', { get: () => current().url.href, set: (url) => visit(resolve(url)) })
  Object.defineProperty(location, 'hash', {
    get: () => current().url.hash,
    set: (hash) => visit(resolve(`#${String(hash).replace(/^#/, '')}`)),
  })

  const checked = (url: unknown): URL => {
    const target = url === undefined || url === null ? current().url : resolve(url)
    if (target.origin !== current().url.origin) throw new Error('SecurityError: another origin')
    return target
  }

  const go = (delta: number): void => {
    if (delta === 0 || entries[index + delta] === undefined) return
    const from = current().url
    index += delta
    announce(from)
  }

  const history: Record<string, unknown> = {
    pushState(state: unknown, _title: string, url?: unknown) {
      entries.splice(index + 1, entries.length, { url: checked(url), state })
      index += 1
    },
    replaceState(state: unknown, _title: string, url?: unknown) {
      entries[index] = { url: checked(url), state }
    },
    back: () => go(-1),
    forward: () => go(1),
    go: (delta = 0) => go(delta),
  }
  Object.defineProperty(history, 'state', { get: () => current().state })
  Object.defineProperty(history, 'length', { get: () => entries.length })

  return { href: () => current().url.href, location, history }
}
