import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Browser, BrowserContext, Page } from 'playwright'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { TOUR } from '../demo/lab/tour.ts'
import { launchChromium } from './support/chromium.ts'

let browser: Browser
let server: ChildProcess
let address: string
let context: BrowserContext
let page: Page
let outside: string[]
let errors: string[]

beforeAll(async () => {
  browser = await launchChromium(inject('chromium'))
  server = spawn(process.execPath, ['demo/server.ts'], { env: { ...process.env, PORT: '0' }, stdio: 'pipe' })
  const [line] = await once(server.stdout!, 'data')
  address = /http:\/\/127\.0\.0\.1:\d+\//.exec(String(line))![0]
})
beforeEach(async () => {
  context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  page = await context.newPage()
  page.setDefaultTimeout(8_000)
  outside = []
  errors = []
  page.on('request', (request) => {
    if (!request.url().startsWith(address) && !request.url().startsWith('data:')) outside.push(request.url())
  })
  page.on('pageerror', (error) => errors.push(error.message))
  await fetch(`${address}lab/clear`, { method: 'POST' })
})
afterEach(() => context.close())
afterAll(async () => {
  await browser.close()
  server.kill()
})

const openSection = (name: string) => page.locator('summary', { hasText: name }).click()
const sent = (evt: string) => page.locator(`[data-beacons] li[data-evt="${evt}"]`)
const valueIn = (evt: string, key: string) => sent(evt).first().locator(`[data-key="${key}"]`).textContent()
const press = (name: string) => page.getByRole('button', { name, exact: true }).click()
const addToCart = async () => {
  await page.getByRole('link', { name: 'Planting trowel' }).click()
  await press('Add to cart')
}
const buy = async () => {
  await addToCart()
  await page.getByRole('link', { name: /Cart/ }).click()
  await page.getByRole('link', { name: 'Check out' }).click()
  await press('Place the order')
  await page.getByRole('heading', { name: 'Thank you' }).waitFor()
}

describe('the demo', () => {
  it('shows the page load and the order of a stranger who only clicks', async () => {
    await page.goto(address)
    await openSection('What left this page')
    await sent('pageLoad').waitFor()
    await press("track('Order Completed', {category: 'tools', revenue: 25})")
    await sent('custom').filter({ hasText: 'Order Completed' }).waitFor()
    expect(await valueIn('custom', 'ea')).toBe('track')
    expect(await valueIn('custom', 'el')).toBe('Order Completed')
    expect(await valueIn('custom', 'ec')).toBe('tools')
    expect(await valueIn('custom', 'gv')).toBe('25')
    expect(await valueIn('custom', 'event_id')).toMatch(/^[0-9a-f-]{36}$/)
    expect(outside).toEqual([])
  })

  it.each(['pages', 'spa'])('sells a trowel in the shop of kind %s', async (site) => {
    await page.goto(`${address}?site=${site}`)
    await press('Allow all')
    await buy()
    await openSection('What left this page')
    await sent('custom').filter({ hasText: 'Order Completed' }).waitFor()
    expect(await valueIn('custom', 'gv')).toBe('25')
    expect(await valueIn('custom', 'asc')).toBe('G')
    // Home, product, cart, checkout, thanks.
    await expect.poll(() => sent('pageLoad').count()).toBe(5)
    const titles = await sent('pageLoad').locator('[data-key="tl"]').allTextContents()
    expect(titles[0]).toMatch(/^Thank you/)
    expect(new Set(titles).size).toBe(5)
    expect(new Set(await sent('pageLoad').locator('[data-key="mid"]').allTextContents()).size).toBe(5)
    await openSection('What the Conversions API got')
    const order = page.locator('[data-capi] li', { hasText: 'Order Completed' })
    await order.waitFor()
    expect(await order.locator('[data-key="eventId"]').textContent()).toBe(await valueIn('custom', 'event_id'))
    expect([...errors, ...outside]).toEqual([])
  })

  it('turns all ten checks green by doing them', async () => {
    const isGreen = (id: string) => page.locator(`[data-check="${id}"][data-green]`).waitFor({ state: 'attached' })
    const choose = async (name: string, option: string) => {
      const select = page.locator(`select[name="${name}"]`)
      if (name === 'capi') return select.selectOption(option)
      return Promise.all([page.waitForEvent('load'), select.selectOption(option)])
    }
    await page.goto(address)
    await addToCart()
    await isGreen('denied')
    await press('Allow all')
    await isGreen('granted')
    await page.getByRole('link', { name: 'Tools', exact: true }).click()
    await buy()
    await isGreen('twin')
    await press('Cookie settings')
    await press('Refuse all')
    await isGreen('withdrawn')

    await openSection('Switches')
    await choose('site', 'single page (SPA)')
    await page.getByRole('link', { name: 'Tools', exact: true }).click()
    await isGreen('spa')
    await choose('script', 'blocked')
    await press('Cookie settings')
    await press('Allow all')
    await page.getByRole('link', { name: 'Planting trowel' }).click()
    await isGreen('blocked')
    await choose('script', 'answers')
    await choose('capi', 'unavailable (503)')
    await press('Add to cart')
    await openSection('What the Conversions API got')
    await page.locator('[data-capi] [data-status="503"]').first().waitFor()
    await openSection('Switches')
    await choose('capi', 'answers')
    await isGreen('outage')
    await press("track('Order Completed', {category: 'tools', revenue: 25})")
    await isGreen('finding')
    expect(await page.locator('[data-check][data-green]').count()).toBe(TOUR.length)
    expect([...errors, ...outside]).toEqual([])
  })

  it('carries every switch in the address, also one that acts at once', async () => {
    await page.goto(address)
    await openSection('Switches')
    await page.getByLabel('Relay').selectOption('is down')
    await page.getByLabel('Consent default').selectOption('by region, from the US')
    await page.waitForURL('**/?default=region-us&relay=down')
    await expect.poll(() => page.evaluate('uetkit("state").consentSource')).toBe('region')
    expect(await page.evaluate('uetkit("state").consent')).toBe('granted')
    await page.getByRole('link', { name: 'Planting trowel' }).click()
    await page.waitForURL('**/product/trowel?default=region-us&relay=down')
    await page.getByLabel('Relay').selectOption('runs')
    await page.waitForURL('**/product/trowel?default=region-us')
  })

  it('loads Microsoft’s own script for a real tag id', async () => {
    await page.route('https://bat.bing.com/**', (route) => route.abort())
    await page.goto(address)
    await openSection('Switches')
    await page.getByLabel('Real tag id').fill('12345678')
    await press('Use this tag')
    await page.waitForURL('**/?real=12345678')
    await expect.poll(() => outside).toContain('https://bat.bing.com/bat.js')
    expect(await page.getByText('data goes to Microsoft').isVisible()).toBe(true)
  })

  it('answers nobody who reaches it under another name', async () => {
    const answer = await context.request.get(address, { headers: { host: 'evil.example' } })
    expect(answer.status()).toBe(403)
  })
})
