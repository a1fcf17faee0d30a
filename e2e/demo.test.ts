import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Browser, Page } from 'playwright'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { launchChromium } from './support/chromium.ts'

let browser: Browser
let server: ChildProcess
let address: string
let page: Page
let outside: string[]

beforeAll(async () => {
  browser = await launchChromium(inject('chromium'))
  server = spawn(process.execPath, ['demo/server.ts'], { env: { ...process.env, PORT: '0' }, stdio: 'pipe' })
  const [line] = await once(server.stdout!, 'data')
  address = /http:\/\/127\.0\.0\.1:\d+\//.exec(String(line))![0]
})
beforeEach(async () => {
  page = await browser.newPage()
  outside = []
  page.on('request', (request) => {
    if (!request.url().startsWith(address) && !request.url().startsWith('data:')) outside.push(request.url())
  })
  await fetch(`${address}beacons/clear`, { method: 'POST' })
})
afterEach(() => page.close())
afterAll(async () => {
  await browser.close()
  server.kill()
})

const listed = (evt: string) => page.locator(`[data-beacons] li[data-evt="${evt}"]`)
const read = (evt: string, key: string) => listed(evt).first().locator(`[data-key="${key}"]`).textContent()

describe('the demo', () => {
  it('shows the page load and the order of a stranger who only clicks', async () => {
    await page.goto(address)
    await listed('pageLoad').waitFor()
    await page.getByRole('button', { name: "track('Order Completed'" }).click()
    await listed('custom').filter({ hasText: 'Order Completed' }).waitFor()
    expect(await read('custom', 'ea')).toBe('track')
    expect(await read('custom', 'el')).toBe('Order Completed')
    expect(await read('custom', 'ec')).toBe('tools')
    expect(await read('custom', 'gv')).toBe('25')
    expect(await read('custom', 'event_id')).toMatch(/^[0-9a-f-]{36}$/)
    expect(outside).toEqual([])
  })

  it.each(['pages', 'spa'])('sells a trowel in the shop of kind %s', async (site) => {
    const errors: string[] = []
    page.on('pageerror', (error) => errors.push(error.message))
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
    await page.goto(`${address}?site=${site}`)
    await page.getByRole('button', { name: 'Allow' }).click()
    await page.getByRole('link', { name: 'Planting trowel' }).click()
    await page.getByRole('button', { name: 'Add to cart' }).click()
    await page.getByRole('link', { name: /Cart/ }).click()
    await page.getByRole('link', { name: 'Check out' }).click()
    await page.getByRole('button', { name: 'Place the order' }).click()
    await page.getByRole('heading', { name: 'Thank you' }).waitFor()
    await listed('custom').filter({ hasText: 'Order Completed' }).waitFor()
    expect(await read('custom', 'gv')).toBe('25')
    expect(await read('custom', 'asc')).toBe('G')
    // Home, product, cart, checkout, thanks.
    await expect.poll(() => listed('pageLoad').count()).toBe(5)
    const titles = await listed('pageLoad').locator('[data-key="tl"]').allTextContents()
    expect(titles[0]).toMatch(/^Thank you/)
    expect(new Set(titles).size).toBe(5)
    expect(new Set(await listed('pageLoad').locator('[data-key="mid"]').allTextContents()).size).toBe(5)
    expect(errors).toEqual([])
    expect(outside).toEqual([])
  })

  it('loads Microsoft’s own script for a real tag id', async () => {
    await page.route('https://bat.bing.com/**', (route) => route.abort())
    await page.goto(address)
    await page.getByText('Switches').click()
    await page.getByLabel('Real tag id').fill('12345678')
    await page.getByRole('button', { name: 'Apply' }).click()
    await page.waitForURL('**/?real=12345678')
    await expect.poll(() => outside).toContain('https://bat.bing.com/bat.js')
    expect(await page.getByText('data goes to Microsoft').isVisible()).toBe(true)
  })

  it('answers nobody who reaches it under another name', async () => {
    const answer = await browser
      .newContext({ extraHTTPHeaders: { host: 'evil.example' } })
      .then((context) => context.request.get(address))
    expect(answer.status()).toBe(403)
  })
})
