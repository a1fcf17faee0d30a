import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { Browser, Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type RunningRelay, startRelay } from '../src/relay/node.ts'
import { memoryOutbox } from '../src/relay/outbox/memory.ts'
import { createFakeCapi, type FakeCapi } from '../src/testing/fake-capi.ts'
import { launchChromium } from './support/chromium.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const ORIGIN = 'https://shop.example'
const TAG = '97247724'

let browser: Browser
let relay: RunningRelay
let capi: FakeCapi

beforeAll(async () => {
  browser = await launchChromium(inject('chromium'))
  capi = createFakeCapi({ tags: { [TAG]: 'a-token' }, rule: refuseHats })
  relay = await startRelay(
    {
      port: 0,
      host: '127.0.0.1',
      adminPort: 0,
      adminToken: 'env:ADMIN',
      logLevel: 'silent',
      tags: [{ id: TAG, token: 'env:TOKEN', key: 'pk', origins: [ORIGIN] }],
    },
    { env: { TOKEN: 'a-token', ADMIN: 'the-admin-token' }, outbox: memoryOutbox(), fetch: capi.fetch as typeof fetch },
  )
})
afterAll(() => Promise.all([browser.close(), relay.close()]))

/** Something that Microsoft will never take, until somebody repairs it. */
let hatsAreFine = false
const refuseHats = (event: Record<string, unknown>) =>
  (event.customData as { eventLabel?: string })?.eventLabel === 'Hat Bought' && !hatsAreFine
    ? { path: 'customData', code: 'NoHats', message: 'no hats', warning: false }
    : undefined

const track = (id: string, name: string) =>
  relay.relay.fetch(
    new Request(`${relay.url}/v1/e`, {
      method: 'POST',
      headers: { origin: ORIGIN, 'content-type': 'text/plain;charset=UTF-8' },
      body: JSON.stringify({
        v: 1,
        key: 'pk',
        sentAt: Date.now(),
        events: [
          {
            type: 'track',
            id,
            name,
            time: Date.now(),
            consent: 'granted',
            page: { loadId: crypto.randomUUID(), url: `${ORIGIN}/`, referrer: '', title: 'Shop' },
            properties: {},
            user: { anonymousId: '0123456789abcdef0123456789abcdef' },
          },
        ],
      }),
    }),
    { address: '127.0.0.1' },
  )

const open = async (options: Parameters<Browser['newPage']>[0] = {}): Promise<Page> => {
  const page = await browser.newPage(options)
  await page.goto(relay.adminUrl)
  return page
}
const tile = (page: Page, title: string) => page.locator(`.tile:has(h2:text-is("${title}")) .now`)

describe('a relay of the built package', () => {
  it.each(['uetkit.min.js', 'uetkit-inspector.min.js'])('serves %s', async (name) => {
    const answer = await fetch(`${relay.url}/${name}`)
    expect([answer.status, await answer.text()]).toEqual([200, readFileSync(`dist/${name}`, 'utf8')])
  })
})

describe('the relay at a glance', () => {
  it('shows live what is delivered and what died, and retries it with the token only', async () => {
    const page = await open()
    const outside: string[] = []
    page.on('request', (request) => request.url().startsWith(relay.adminUrl) || outside.push(request.url()))
    expect(await tile(page, 'Delivered').textContent()).toBe('0')
    await track('order-1', 'Order Completed')
    await track('hat-1', 'Hat Bought')
    await expect.poll(() => tile(page, 'Delivered').textContent(), { timeout: 8000 }).toBe('1')
    await expect.poll(() => tile(page, 'Dead').textContent(), { timeout: 8000 }).toBe('1')
    const letters = page.locator('table').last()
    expect(await letters.textContent()).toContain('NoHats')

    await page.getByLabel('Admin token').fill('a-guess')
    await page.getByRole('button', { name: /^Retry \d+/ }).click()
    await page.getByText('The admin token is wrong').waitFor()
    expect(await tile(page, 'Dead').textContent()).toBe('1')

    hatsAreFine = true
    await page.getByLabel('Admin token').fill('the-admin-token')
    await page.getByRole('button', { name: /^Retry \d+/ }).click()
    await page.getByText('wait again').waitFor()
    await expect.poll(() => tile(page, 'Delivered').textContent(), { timeout: 8000 }).toBe('2')
    expect(await tile(page, 'Dead').textContent()).toBe('0')
    expect(outside).toEqual([])
    await page.close()
  })

  it('says that the relay needs repair, and why', async () => {
    capi.inject({ kind: 'status', status: 401 }, Number.POSITIVE_INFINITY)
    await track('order-2', 'Order Completed')
    const page = await open()
    await page.getByText('needs repair').waitFor()
    expect(await page.locator('td[data-name="Lane"]').textContent()).toContain('401')
    capi.heal()
    await page.close()
  })

  it.each([
    ['light', 1440],
    ['light', 360],
    ['dark', 1440],
    ['dark', 360],
  ] as const)('shuts nobody out, in %s colours at %d pixels', async (colorScheme, width) => {
    const page = await open({ colorScheme, viewport: { width, height: 800 }, bypassCSP: true })
    await page.evaluate(AXE)
    const { violations } = await page.evaluate<AxeResults>('axe.run(document)')
    expect(violations.map(({ id, nodes }) => [id, nodes[0]?.failureSummary])).toEqual([])
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width)
    await page.close()
  })
})
