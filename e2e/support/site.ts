import { readFileSync } from 'node:fs'
import type { Browser, BrowserContext, Page, Route } from 'playwright'

/** How Microsoft's tag script answers. `hang` never does. */
export type TagScript = 'ok' | 'network-error' | 'empty' | 'junk' | 'hang' | { delayMs: number }

export interface SiteOptions {
  /** Path → HTML body or whole answer. Unknown paths get `/`'s. */
  pages?: Record<string, string | { html: string; headers?: Record<string, string> }>
  /** Path → script of the site's own. */
  scripts?: Record<string, string>
  tagScript?: TagScript
  origin?: string
  headers?: Record<string, string>
  /** Init script that runs before anything on every page. */
  before?: string
  locale?: string
  timezoneId?: string
}

/** One request to Microsoft's hosts, as the stand-in tag really sent it. */
export interface Beacon {
  /** `com` carries ids, `net` is the cookieless host. */
  host: 'com' | 'net'
  /** `action` = beacon, `actionp` = ping. */
  path: string
  /** `pageLoad`, `custom`, `pid`, `consent`, `pageHide`, … */
  evt: string
  params: Record<string, string>
}

export interface Site {
  context: BrowserContext
  page: Page
  origin: string
  beacons: Beacon[]
  /** Beacons of these kinds, the page's lifecycle pings left out by default. */
  of(...kinds: string[]): Beacon[]
  /** Waits until that many beacons of a kind have left. */
  seen(evt: string, count?: number): Promise<Beacon[]>
  /** Waits so long that anything on its way has left. */
  quiet(ms?: number): Promise<void>
  errors: string[]
  consoleLines: string[]
  scriptRequests: number
  close(): Promise<void>
}

const file = (path: string) => readFileSync(path, 'utf8')

/**
 * The container that Microsoft serves for each tag: it sets the visitor's signals on the tag that asked for it.
 * With no flag set nothing is enforced.
 */
const CONTAINER = `window[document.currentScript.getAttribute('data-ueto')].setUserSignals(
  {ea:false,kc:false,at:false,bi:false,pt:false,ec:false,ah:false,sb:false})`

/** A website on its own origin, with Microsoft's hosts answered by stand-ins. Nothing leaves the machine. */
export async function openSite(browser: Browser, options: SiteOptions = {}): Promise<Site> {
  const { pages = {}, tagScript = 'ok', origin = 'https://shop.example', headers = {} } = options
  const context = await browser.newContext({
    ...(options.locale && { locale: options.locale }),
    ...(options.timezoneId && { timezoneId: options.timezoneId }),
  })
  const site = {
    context,
    origin,
    beacons: [] as Beacon[],
    errors: [] as string[],
    consoleLines: [] as string[],
    scriptRequests: 0,
  }

  const answerTag = async (route: Route) => {
    site.scriptRequests++
    const script = { contentType: 'text/javascript; charset=utf-8' }
    if (tagScript === 'hang') return
    if (tagScript === 'network-error') return route.abort('blockedbyclient')
    if (tagScript === 'empty') return route.fulfill({ ...script, body: '' })
    if (tagScript === 'junk') return route.fulfill({ ...script, body: 'var unrelated = 1' })
    if (typeof tagScript === 'object') await new Promise((done) => setTimeout(done, tagScript.delayMs))
    return route.fulfill({ ...script, body: file('dist/bat.js') }).catch(() => {})
  }

  await context.route(/^https?:\/\/bat\.bing\.(com|net)\//, (route) => {
    const url = new URL(route.request().url())
    if (url.pathname === '/bat.js') return answerTag(route)
    if (url.pathname.startsWith('/p/action/'))
      return route.fulfill({ contentType: 'text/javascript; charset=utf-8', body: CONTAINER })
    const params = Object.fromEntries(url.searchParams)
    site.beacons.push({
      host: url.hostname.endsWith('.net') ? 'net' : 'com',
      path: url.pathname.split('/')[1]!,
      evt: params.evt ?? '',
      params,
    })
    return route.fulfill({ status: 204 })
  })
  const serve = (route: Route) => {
    const { pathname } = new URL(route.request().url())
    if (pathname.startsWith('/dist/'))
      return route.fulfill({ contentType: 'text/javascript; charset=utf-8', body: file(pathname.slice(1)) })
    const script = options.scripts?.[pathname]
    if (script !== undefined) return route.fulfill({ contentType: 'text/javascript; charset=utf-8', body: script })
    const found = pages[pathname] ?? pages['/'] ?? ''
    const answer = typeof found === 'string' ? { html: found } : found
    return route.fulfill({
      contentType: 'text/html; charset=utf-8',
      headers: { ...headers, ...answer.headers },
      body: `<!doctype html><html><head><title>${pathname}</title></head><body>${answer.html}</body></html>`,
    })
  }
  await context.route(`${origin}/**`, serve)
  if (options.before) await context.addInitScript(options.before)
  const page = await context.newPage()
  page.on('pageerror', (error) => site.errors.push(String(error?.message ?? error)))
  page.on('console', (message) => site.consoleLines.push(message.text()))

  const of = (...kinds: string[]) =>
    site.beacons.filter(({ evt }) => (kinds.length ? kinds.includes(evt) : !/^page(Hide|Show)$/.test(evt)))
  return Object.assign(site, {
    page,
    of,
    async seen(evt: string, count = 1) {
      for (const end = Date.now() + 8_000; of(evt).length < count && Date.now() < end; ) await page.waitForTimeout(20)
      return of(evt)
    },
    quiet: (ms = 400) => page.waitForTimeout(ms),
    close: () => context.close(),
  })
}
