import type { Browser, Page } from 'playwright'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { launchChromium } from '../support/chromium.ts'
import type { Site } from '../support/site.ts'
import { commands, STUB, scriptTag } from '../support/suite.ts'
import { openInspected, readReport } from './support.ts'

let browser: Browser
let site: Site

beforeAll(async () => {
  browser = await launchChromium(inject('chromium'))
})
afterEach(() => site.close())
afterAll(() => browser.close())

const TAG = 'data-tag-id="97247724"'
const GRANTED = `${TAG} data-consent-default="granted" data-relay-url="https://relay.example/v1/e"`
const ORDER = "uetkit('track', 'Order Completed', { category: 'tools', revenue: 25, currency: 'EUR' })"
/** The npm entry leaves its one dependency to a bundler. */
const IMPORTS = `<script type="importmap">{"imports": {"js-cookie":
  "data:text/javascript,export default { get() {}, set() {}, remove() {} }"}}</script>`
const open = async (html: string, options: Parameters<typeof openInspected>[1] = {}): Promise<Page> => {
  site = await openInspected(browser, { pages: { '/': html }, relay: 202, ...options })
  return site.page
}
const row = (page: Page, title: string) => page.locator('uetkit-inspector .row', { hasText: title })

describe('the inspector', () => {
  it('shows an event with call, consent, queue, beacon and relay answer under one id', async () => {
    const page = await open(scriptTag(GRANTED) + commands(ORDER))
    await expect
      .poll(async () => (await readReport(page)).timeline.find(({ title }) => title === 'Order Completed')?.relay)
      .toEqual([202])
    const { timeline } = await readReport(page)
    const order = timeline.find(({ title }) => title === 'Order Completed')!
    expect(order).toMatchObject({
      kind: 'event',
      consent: { state: 'granted', source: 'default' },
      call: {
        method: 'track',
        name: 'Order Completed',
        properties: { category: 'tools', revenue: 25, currency: 'EUR' },
      },
      queue: ['event', 'track', { event_label: 'Order Completed', revenue_value: 25, event_id: order.id }],
    })
    expect(order.beacons).toHaveLength(1)
    expect(order.beacons[0]).toMatchObject({ evt: 'custom', params: { event_id: order.id, asc: 'G', gv: '25' } })
    await row(page, 'Order Completed').locator('summary').click()
    const details = () => row(page, 'Order Completed').locator('.more').innerText()
    // Filled by the event of opening, which comes after the click.
    for (const part of [
      "track('Order Completed'",
      'granted: the configured default',
      'uetq.push(',
      'HTTP 202',
      'event_id',
    ])
      await expect.poll(details).toContain(part)
  })

  it('tells what happened before it was opened, stays open on the next page, and closes for good', async () => {
    const page = await open(scriptTag(GRANTED) + commands(ORDER), { path: '/', open: false })
    await site.seen('custom')
    expect(await page.locator('uetkit-inspector').count()).toBe(0)
    await page.evaluate("uetkit('inspect')")
    await row(page, 'Order Completed').waitFor()
    await expect.poll(async () => (await readReport(page)).timeline.map(({ beacons }) => beacons.length)).toContain(1)

    await page.goto(`${site.origin}/next`)
    await page.getByText('Before, on /', { exact: true }).waitFor()
    const { timeline } = await readReport(page)
    expect(timeline.filter(({ earlier }) => earlier === '/').map(({ title }) => title)).toContain('Order Completed')
    expect(timeline.filter(({ earlier }) => earlier === undefined).map(({ title }) => title)).toContain('Page view')

    await page.getByRole('button', { name: 'Close the inspector' }).click()
    expect(await page.locator('uetkit-inspector').count()).toBe(0)
    await page.goto(`${site.origin}/last`)
    await site.seen('custom', 3)
    expect(await page.locator('uetkit-inspector').count()).toBe(0)
  })

  it('opens by a bookmarklet on a page that came to uetkit another way', async () => {
    const page = await open(IMPORTS, { path: '/', open: false })
    await page.evaluate(`import('/dist/index.js').then(({ createUet }) => {
      const uet = createUet({ tagId: '97247724', consent: { default: 'granted' } })
      uet.page()
      uet.track('Signed Up')
      document.head.append(Object.assign(document.createElement('script'), { src: '/dist/uetkit-inspector.min.js' }))
    })`)
    await row(page, 'Signed Up').waitFor()
  })

  it('lists consent, script and relay as they change', async () => {
    const page = await open(scriptTag(`${TAG} data-consent-default="denied"`) + STUB)
    await site.seen('pageLoad')
    await page.evaluate("uetkit('consent', 'granted')")
    await row(page, 'Consent granted').waitFor()
    const titles = (await readReport(page)).timeline.map(({ title }) => title)
    expect(titles).toEqual(
      expect.arrayContaining([
        'Tag script requested',
        'Tag script runs',
        'Consent denied',
        'Consent granted',
        'Page view',
      ]),
    )
    await page.locator('.state', { hasText: 'granted: a call of consent()' }).waitFor()
  })

  it('filters by text and by kind', async () => {
    const page = await open(scriptTag(GRANTED) + commands(ORDER, "uetkit('track', 'Cart Viewed')"))
    await row(page, 'Cart Viewed').waitFor()
    const rows = page.locator('uetkit-inspector .row')
    await page.getByLabel('Filter the timeline').fill('order completed')
    await expect.poll(() => rows.count()).toBe(1)
    await page.getByLabel('Filter the timeline').fill('')
    await page.getByRole('button', { name: 'Events' }).click()
    await expect
      .poll(() => rows.evaluateAll((all) => [...new Set(all.map((each) => (each as HTMLElement).dataset.kind))]))
      .toEqual(['event'])
    // Drawn in slices.
    await expect.poll(() => rows.count()).toBe(2)
  })

  it('copies everything as JSON, without personal data', async () => {
    const page = await open(
      scriptTag(GRANTED) +
        commands(
          "uetkit('identify', 'user-1', { email: 'jane.doe@example.com', phone: '+14255551234' })",
          "uetkit('track', 'Signed Up', { email: 'jane.doe@example.com', note: 'mail jane.doe@example.com', plan: 'gold' })",
        ),
      { path: '/?mail=jane.doe@example.com&uetkit_inspect=1' },
    )
    await site.context.grantPermissions(['clipboard-read', 'clipboard-write'])
    await site.seen('custom')
    await row(page, 'Signed Up').waitFor()
    await page.getByRole('button', { name: 'Copy as JSON' }).click()
    await page.getByText('copied', { exact: true }).waitFor()
    const text = await page.evaluate(() => navigator.clipboard.readText())
    const copied = JSON.parse(text)
    const titles = copied.timeline.map(({ title }: { title: string }) => title)
    expect(titles).toContain('Signed Up')
    expect(copied.trackers[0].tagIds).toEqual(['97247724'])
    expect(text).toContain('gold')
    expect(text).not.toMatch(/jane|4255551234|[0-9a-f]{64}/i)
  })

  it('is used by keyboard alone, and keeps its keys from the page', async () => {
    const page = await open(
      `${scriptTag(GRANTED)}${commands(ORDER)}<script>window.heard = []
        for (const type of ['keydown', 'click', 'input']) document.addEventListener(type, () => heard.push(type))</script>`,
    )
    await row(page, 'Order Completed').waitFor()
    const focused = () =>
      page.evaluate(() => {
        const at = document.querySelector('uetkit-inspector')!.shadowRoot!.activeElement
        return at?.getAttribute('aria-label') ?? at?.textContent ?? ''
      })
    await page.getByRole('tab', { name: 'Timeline' }).focus()
    await page.keyboard.press('ArrowRight')
    expect(await page.getByRole('tab', { name: /Findings/ }).getAttribute('aria-selected')).toBe('true')
    await page.keyboard.press('/')
    expect(await focused()).toBe('Filter the timeline')
    await page.keyboard.type('order')
    await expect.poll(() => page.locator('uetkit-inspector .row').count()).toBe(1)
    await page.keyboard.press('ArrowDown')
    expect(await focused()).toContain('Order Completed')
    await page.keyboard.press('Enter')
    await page.locator('uetkit-inspector details[open]').waitFor()
    await page.keyboard.press('Escape')
    expect(await focused()).toContain('uetkit: 0 findings')
    await page.keyboard.press('Enter')
    await page.getByRole('tab', { name: 'Timeline' }).waitFor()
    expect(await page.evaluate('heard')).toEqual([])
  })

  it.each([
    [
      'forbids inline styles and eval',
      "default-src 'none'; script-src 'nonce-n' 'strict-dynamic'; connect-src https:; img-src https:; style-src 'none'",
    ],
    [
      'demands trusted types',
      "script-src 'nonce-n' 'strict-dynamic'; require-trusted-types-for 'script'; trusted-types uetkit 'allow-duplicates'",
    ],
  ])('works where the policy of the page %s', async (_, policy) => {
    const page = await open(scriptTag(GRANTED, 'nonce="n"'), { headers: { 'Content-Security-Policy': policy } })
    await row(page, 'Page view').waitFor()
    const width = await page.locator('uetkit-inspector .panel').evaluate((panel) => panel.getBoundingClientRect().width)
    expect(width).toBe(410)
    expect(site.errors.filter((error) => !error.includes('TrustedScriptURL'))).toEqual([])
  })

  it('changes nothing that is sent, and sends nothing itself', async () => {
    const visit = async (path: string) => {
      const page = await open(scriptTag(GRANTED) + commands(ORDER, "uetkit('consent', 'denied')"), {
        path,
        open: false,
      })
      const requests: string[] = []
      page.on('request', (request) => requests.push(request.url()))
      await page.goto(site.origin + path)
      await site.seen('custom')
      await page.evaluate("uetkit('track', 'Later')")
      await site.seen('custom', 2)
      if (path.includes('inspect')) await row(page, 'Later').waitFor()
      await site.quiet()
      const sent = site.of().map(({ host, evt, params }) => {
        const { mid, rn, lt, p, event_id, sid, vid, vids, ...rest } = params
        return JSON.stringify({ host, evt, rest })
      })
      const others = requests.filter((url) => !/bat\.bing|relay\.example/.test(url)).map((url) => new URL(url).pathname)
      await site.close()
      // Pings and images overtake each other on their way.
      return { sent: sent.sort(), others }
    }
    const without = await visit('/?plain')
    const withIt = await visit('/?uetkit_inspect=1')
    expect(withIt.sent).toEqual(without.sent)
    expect(withIt.others.filter((path) => path !== '/dist/uetkit-inspector.min.js')).toEqual(without.others)
  })
})
