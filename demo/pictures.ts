import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Page } from 'playwright'
import { launchChromium } from '../e2e/support/chromium.ts'
import { startDemo } from './server.ts'

/** The pictures of the README, taken of the real thing: `node demo/pictures.ts [folder]`. */
const folder = process.argv[2] ?? 'docs/images'

interface Picture {
  path: string
  width: number
  height: number
  act(page: Page): Promise<unknown>
}

const press = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true }).click()
const tour = (page: Page, done: number) => page.getByText(`${done} of 10`).first().waitFor()
const row = (page: Page, title: string) => page.locator('uetkit-inspector summary', { hasText: title }).first()
const ORDER = "track('Order Completed', {category: 'tools', revenue: 25})"

const PICTURES: Record<string, Picture> = {
  demo: {
    path: 'product/trowel',
    width: 1440,
    height: 900,
    act: async (page) => {
      await press(page, 'Allow all')
      await press(page, 'Add to cart')
      await page.locator('.pip', { hasText: 'relay' }).first().waitFor()
      await tour(page, 3)
    },
  },
  inspector: {
    path: 'product/mug',
    width: 1440,
    height: 900,
    act: async (page) => {
      await press(page, 'Allow all')
      await press(page, 'Add to cart')
      await page.locator('.pip', { hasText: 'relay' }).first().waitFor()
      await tour(page, 3)
      await row(page, 'Product Added').click()
      await page.getByText('Consent in force').waitFor()
    },
  },
  findings: {
    path: 'product/can?default=off',
    width: 1440,
    height: 900,
    act: async (page) => {
      await page.locator('.state', { hasText: 'runs' }).waitFor()
      await press(page, ORDER)
      await page.getByRole('tab', { name: /Findings/ }).click()
      await page.locator('[data-finding="revenue-without-currency"]').waitFor()
    },
  },
  phone: { path: 'product/trowel', width: 360, height: 740, act: (page) => press(page, 'Refuse all') },
  'phone-inspector': {
    path: 'product/trowel',
    width: 360,
    height: 740,
    act: async (page) => {
      await press(page, 'Allow all')
      await press(page, 'Add to cart')
      await press(page, /uetkit: \d/)
      await row(page, 'Product Added').click()
      await page.getByText('Consent in force').waitFor()
    },
  },
  'phone-laboratory': {
    path: '',
    width: 360,
    height: 740,
    act: (page) => press(page, /Laboratory/),
  },
}

const browser = await launchChromium()
const demo = await startDemo({ port: 0 })
mkdirSync(folder, { recursive: true })
for (const [name, { path, width, height, act }] of Object.entries(PICTURES)) {
  for (const colorScheme of ['light', 'dark'] as const) {
    const page = await browser.newPage({ viewport: { width, height }, colorScheme })
    await page.goto(demo.url + path)
    await page.locator('uetkit-inspector').waitFor({ state: 'attached' })
    await act(page)
    const file = join(folder, `${name}-${colorScheme}.png`)
    mkdirSync(dirname(file), { recursive: true })
    await page.screenshot({ path: file, animations: 'disabled' })
    await page.close()
    console.log(file)
  }
}
await browser.close()
await demo.close()
