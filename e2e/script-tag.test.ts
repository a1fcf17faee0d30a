import type { Browser } from 'playwright'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { launchChromium } from './support/chromium.ts'
import { openSite, type Site, type SiteOptions } from './support/site.ts'

let browser: Browser
let site: Site
const open = async (options: SiteOptions) => {
  site = await openSite(browser, options)
  await site.page.goto(`${site.origin}/`)
  return site
}

beforeAll(async () => {
  browser = await launchChromium(inject('chromium'))
})
afterEach(() => site.close())
afterAll(() => browser.close())

const TAG = '<script async src="/dist/uetkit.min.js" data-tag-id="97247724" data-consent-default="granted"></script>'
const STUB = '<script>window.uetkit=window.uetkit||function(){(uetkit.q=uetkit.q||[]).push(arguments)}</script>'
const ORDER = "uetkit('track','Order Completed',{category:'tools',revenue:25})"

describe('the script tag', () => {
  it('sends the page load at start and the queued order after it', async () => {
    await open({ pages: { '/': `${TAG}${STUB}<script>${ORDER}</script>` } })
    const [order] = await site.seen('custom')
    expect(order?.params).toMatchObject({
      ti: '97247724',
      ea: 'track',
      el: 'Order Completed',
      ec: 'tools',
      gv: '25',
      asc: 'G',
      en: 'Y',
    })
    expect(order?.params.event_id).toMatch(/^[0-9a-f-]{36}$/)
    expect(site.of().map(({ evt }) => evt)).toEqual(['consent', 'pageLoad', 'custom'])
    expect(site.errors).toEqual([])
  })
})
