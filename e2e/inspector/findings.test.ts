import { createHash } from 'node:crypto'
import type { Browser } from 'playwright'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { RULES } from '../../src/browser/inspector/findings.ts'
import { launchChromium } from '../support/chromium.ts'
import type { Site, SiteOptions } from '../support/site.ts'
import { commands, ownSnippet, scriptTag } from '../support/suite.ts'
import { findingIds, openInspected } from './support.ts'

let browser: Browser
let sites: Site[] = []

beforeAll(async () => {
  browser = await launchChromium(inject('chromium'))
})
afterEach(() => Promise.all(sites.splice(0).map((site) => site.close())))
afterAll(() => browser.close())

type Case = SiteOptions & { path?: string; relay?: number; html: string }

const TAG = '97247724'
const OTHER = '55550000'
const CLICK = '0123456789abcdef0123456789abcdef'
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const track = (properties: string) => scriptTag() + commands(`uetkit('track', 'Order Completed', ${properties})`)
/** Runs once the tag has sent its first page load. */
const afterPageLoad = (code: string) =>
  `<script>document.addEventListener('UetEvent', () => setTimeout(() => { ${code} }), { once: true })</script>`
const RELAY = scriptTag(
  `data-tag-id="${TAG}" data-consent-default="granted" data-relay-url="https://relay.example/v1/e"`,
)
const policy = (images: string) => ({
  'Content-Security-Policy': `script-src 'self' 'unsafe-inline' https://bat.bing.com; img-src ${images}; connect-src https://bat.bing.com https://bat.bing.net`,
})
const FORM = '<input type="email" aria-label="E-mail" value=" Jane.Doe+News@Example.COM ">'
const identify = (email: string) =>
  FORM + scriptTag() + commands(`uetkit('identify', null, { email: '${email}' })`, "uetkit('track', 'Signed Up')")

/** For each finding a page that provokes it, and one that differs only in the remedy. */
const CASES: Record<string, { bad: Case; good: Case }> = {
  'no-tracker': {
    bad: { html: '<script src="/dist/uetkit-inspector.min.js"></script>', path: '/' },
    good: { html: scriptTag() },
  },
  'consent-missing': {
    bad: { html: scriptTag(`data-tag-id="${TAG}" data-consent="off"`) },
    good: { html: scriptTag(`data-tag-id="${TAG}" data-consent-default="denied"`) },
  },
  'consent-late': {
    bad: {
      html:
        ownSnippet(TAG) +
        afterPageLoad(`const s = document.createElement('script'); s.src = '/dist/uetkit.min.js'
          s.dataset.tagId = '${TAG}'; s.dataset.consentDefault = 'denied'; document.head.append(s)`),
    },
    good: {
      html: scriptTag(`data-tag-id="${TAG}" data-consent-default="denied"`).replace(' async', '') + ownSnippet(TAG),
    },
  },
  'asc-absent': {
    bad: { html: scriptTag() + ownSnippet(OTHER) },
    good: { html: scriptTag(`data-tag-id="${TAG},${OTHER}" data-consent-default="granted"`) },
  },
  'foreign-snippet': { bad: { html: ownSnippet(TAG) + scriptTag() }, good: { html: scriptTag() } },
  'second-tag': {
    bad: { html: scriptTag() + ownSnippet(OTHER) },
    good: { html: scriptTag(`data-tag-id="${TAG},${OTHER}" data-consent-default="granted"`) },
  },
  'tag-twice': {
    bad: {
      html: scriptTag() + afterPageLoad(`window.second = new UET({ ti: '${TAG}', q: [] }); second.push('pageLoad')`),
    },
    good: { html: scriptTag() + afterPageLoad(`window.second = new UET({ ti: '${OTHER}', q: [] })`) },
  },
  'double-page-load': {
    bad: { html: scriptTag() + commands("uetkit('page')") },
    good: { html: scriptTag(undefined, 'data-auto-page="false"') + commands("uetkit('page')") },
  },
  'spa-twice': {
    bad: {
      html: ownSnippet(TAG) + scriptTag() + afterPageLoad("history.pushState(null, '', '/next'); uetkit('page')"),
    },
    good: { html: scriptTag() + afterPageLoad("history.pushState(null, '', '/next'); uetkit('page')") },
  },
  'script-blocked': { bad: { html: scriptTag(), tagScript: 'network-error' }, good: { html: scriptTag() } },
  csp: {
    bad: { html: scriptTag(), headers: policy("'self'") },
    good: { html: scriptTag(), headers: policy("'self' https://bat.bing.com https://bat.bing.net") },
  },
  'event-without-page-load': {
    bad: {
      html: `<script src="https://bat.bing.com/bat.js"></script><script>
        window.uetq = new UET({ ti: '${TAG}', q: window.uetq, disableAutoPageView: true })</script>${track("{ revenue: 1, currency: 'EUR' }")}`,
    },
    good: { html: track("{ revenue: 1, currency: 'EUR' }") },
  },
  'revenue-without-currency': {
    bad: { html: track("{ category: 'tools', revenue: 25 }") },
    good: { html: track("{ category: 'tools', revenue: 25, currency: 'EUR' }") },
  },
  'value-dropped': {
    bad: { html: track("{ revenue: 'a lot' }") },
    good: { html: track("{ revenue: '25', currency: 'EUR' }") },
  },
  'tag-refused': {
    bad: { html: scriptTag() + afterPageLoad("try { uetq.push('event', 'x', { revenue_value: 'abc' }) } catch {}") },
    good: { html: scriptTag() + afterPageLoad("uetq.push('event', 'x', { revenue_value: '5' })") },
  },
  'raw-hash': {
    bad: { html: identify(sha256('jane.doe+news@example.com')) },
    good: { html: identify(sha256('janedoe@example.com')) },
  },
  'click-id-lost': {
    bad: {
      html: `<script>history.replaceState(null, '', '/?uetkit_inspect=1')</script>${scriptTag()}`,
      path: `/?msclkid=${CLICK}&uetkit_inspect=1`,
    },
    good: { html: scriptTag(), path: `/?msclkid=${CLICK}&uetkit_inspect=1` },
  },
  clock: {
    bad: { html: scriptTag(), before: 'const now = Date.now; Date.now = () => now() - 3600e3' },
    good: { html: scriptTag() },
  },
  'relay-refused': {
    bad: { html: RELAY + commands("uetkit('track', 'A')"), relay: 403 },
    good: { html: RELAY + commands("uetkit('track', 'A')"), relay: 202 },
  },
}

const open = ({ html, ...options }: Case) => openInspected(browser, { pages: { '/': html }, ...options })

describe('findings', () => {
  it('are each provoked below', () => {
    expect(Object.keys(CASES).sort()).toEqual(RULES.map(({ id }) => id).sort())
  })

  it.each(Object.entries(CASES))('%s is found where it is wrong, and only there', async (id, { bad, good }) => {
    const [wrong, right] = await Promise.all([open(bad), open(good)])
    sites = [wrong, right]
    await expect.poll(() => findingIds(wrong.page), { timeout: 9000 }).toContain(id)
    await wrong.page.locator('#tab-1').click()
    await wrong.page.locator(`[data-finding="${id}"]`).waitFor()
    await right.seen('pageLoad')
    // What the page does beside its page load is a few milliseconds away.
    await right.quiet(500)
    expect(await findingIds(right.page)).not.toContain(id)
  })
})
