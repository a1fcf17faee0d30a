import type { Browser } from 'playwright'
import { afterAll, afterEach, beforeAll, inject } from 'vitest'
import { launchChromium } from './chromium.ts'
import { openSite, type Site, type SiteOptions } from './site.ts'

/** One browser for a test file; each test opens its own website, which is closed after it. */
export function useSites(): {
  open(options?: SiteOptions & { path?: string; waitUntil?: 'load' | 'commit' }): Promise<Site>
  browser(): Browser
} {
  let browser: Browser
  let open: Site[] = []
  beforeAll(async () => {
    browser = await launchChromium(inject('chromium'))
  })
  afterEach(() => Promise.all(open.splice(0).map((site) => site.close())))
  afterAll(() => browser.close())
  return {
    browser: () => browser,
    async open({ path = '/', waitUntil = 'load', ...options } = {}) {
      const site = await openSite(browser, options)
      open = [...open, site]
      await site.page.goto(site.origin + path, { waitUntil })
      return site
    },
  }
}

/** The script tag with attributes; consent granted so that ids are there to be looked at. */
export const scriptTag = (attributes = 'data-tag-id="97247724" data-consent-default="granted"', extra = '') =>
  `<script async src="/dist/uetkit.min.js" ${attributes} ${extra}></script>`

/** The stub that takes commands before the script is there. */
export const STUB = '<script>window.uetkit=window.uetkit||function(){(uetkit.q=uetkit.q||[]).push(arguments)}</script>'

/** A page that runs commands through the stub. */
export const commands = (...calls: string[]) => `${STUB}<script>${calls.join(';')}</script>`

/** Microsoft's own snippet, as a site may have it already. */
export const ownSnippet = (tagId: string) =>
  `<script>(function(w,d,t,r,u){var f,n,i;w[u]=w[u]||[],f=function(){var o={ti:"${tagId}",enableAutoSpaTracking:true};o.q=w[u],w[u]=new UET(o),w[u].push("pageLoad")},n=d.createElement(t),n.src=r,n.async=1,n.onload=n.onreadystatechange=function(){var s=this.readyState;s&&s!=="loaded"&&s!=="complete"||(f(),n.onload=n.onreadystatechange=null)},i=d.getElementsByTagName(t)[0],i.parentNode.insertBefore(n,i)})(window,document,"script","//bat.bing.com/bat.js","uetq");</script>`
