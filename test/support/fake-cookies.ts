export interface FakeCookie {
  name: string
  value: string
  /** Without a leading dot. */
  domain: string
  hostOnly: boolean
  path: string
  /** Milliseconds since the epoch; undefined for a session cookie. */
  expires: number | undefined
  secure: boolean
  sameSite: string | undefined
}

/** Suffixes under which anyone may register, beyond the top-level domains themselves. */
const PUBLIC_SUFFIXES = ['co.uk', 'com.au', 'co.jp', 'github.io']

const isPublicSuffix = (domain: string): boolean => !domain.includes('.') || PUBLIC_SUFFIXES.includes(domain)
const isAddress = (host: string): boolean => /^[\d.]+$|:/.test(host)

/** A cookie jar with the rules of a browser; share one between pages to model navigation. */
export class FakeCookieJar {
  #cookies: FakeCookie[] = []

  /** Everything that is still alive, whatever its domain. */
  all(): FakeCookie[] {
    this.#cookies = this.#cookies.filter(({ expires }) => expires === undefined || expires > Date.now())
    return [...this.#cookies]
  }

  find(name: string): FakeCookie | undefined {
    return this.all().find((cookie) => cookie.name === name)
  }

  /** `document.cookie` as a page at `url` reads it. */
  read(url: URL): string {
    return this.all()
      .filter(({ domain, hostOnly }) => url.hostname === domain || (!hostOnly && url.hostname.endsWith(`.${domain}`)))
      .filter(({ path, secure }) => url.pathname.startsWith(path) && (!secure || url.protocol === 'https:'))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ')
  }

  /** `document.cookie = text` at `url`; what a browser refuses is ignored, as there. */
  write(url: URL, text: string): void {
    if (!/^https?:$/.test(url.protocol)) return
    const [pair = '', ...rest] = text.split(';').map((part) => part.trim())
    const attributes = new Map(
      rest.map((part) => {
        const [key = '', ...value] = part.split('=')
        return [key.toLowerCase(), value.join('=')]
      }),
    )
    const cut = pair.indexOf('=')
    if (cut < 1) return
    const domain = attributes.get('domain')?.replace(/^\./, '').toLowerCase()
    const hostOnly = !domain || (domain === url.hostname && (isPublicSuffix(domain) || isAddress(domain)))
    if (!hostOnly && !isAllowedDomain(url.hostname, domain)) return
    const secure = attributes.has('secure')
    if (secure && url.protocol !== 'https:') return

    const cookie: FakeCookie = {
      name: pair.slice(0, cut),
      value: pair.slice(cut + 1),
      domain: hostOnly ? url.hostname : domain,
      hostOnly,
      path: attributes.get('path') || '/',
      expires: expiryOf(attributes),
      secure,
      sameSite: attributes.get('samesite'),
    }
    this.#cookies = this.all().filter(
      ({ name, path, ...other }) => name !== cookie.name || path !== cookie.path || other.domain !== cookie.domain,
    )
    this.#cookies.push(cookie)
  }
}

function isAllowedDomain(host: string, domain: string): boolean {
  return !isPublicSuffix(domain) && !isAddress(host) && (host === domain || host.endsWith(`.${domain}`))
}

function expiryOf(attributes: Map<string, string>): number | undefined {
  const maxAge = attributes.get('max-age')
  if (maxAge !== undefined) return Date.now() + Number(maxAge) * 1000
  const expires = Date.parse(attributes.get('expires') ?? '')
  return Number.isNaN(expires) ? undefined : expires
}
