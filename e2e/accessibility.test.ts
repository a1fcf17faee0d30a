import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { Browser, Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type Demo, startDemo } from '../demo/server.ts'
import { launchChromium } from './support/chromium.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

let browser: Browser
let demo: Demo

beforeAll(async () => {
  browser = await launchChromium(inject('chromium'))
  demo = await startDemo({ port: 0 })
})
afterAll(() => Promise.all([browser.close(), demo.close()]))

/** What axe-core finds, one line each. https://www.w3.org/TR/WCAG22/ */
async function findFaults(page: Page): Promise<{ faults: string[]; contrasts: number }> {
  // axe-core measures contrast inside the body only, where nothing covers it.
  await page.evaluate(() => {
    const inspector = document.querySelector('uetkit-inspector')!
    document.body.append(inspector)
    ;(inspector as HTMLElement).showPopover()
  })
  await page.evaluate(AXE)
  const { violations, passes } = await page.evaluate<AxeResults>('axe.run(document)')
  const faults = violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.flat().join(' ')}: ${failureSummary}`),
  )
  const contrasts = passes
    .filter(({ id }) => id === 'color-contrast')
    .flatMap(({ nodes }) => nodes)
    .filter(({ target }) => Array.isArray(target[0]))
  return { faults, contrasts: contrasts.length }
}

const order = "track('Order Completed', {category: 'tools', revenue: 25})"
const inspectorRow = (page: Page, title: string) => page.locator('uetkit-inspector summary', { hasText: title }).first()

/** What a visitor of the demo sees, and how to get there. */
const SCENES: Record<string, { path: string; narrow?: boolean; act?(page: Page): Promise<unknown> }> = {
  'the shop with an open event in the inspector': {
    path: '',
    act: (page) => inspectorRow(page, 'Product List Viewed').click(),
  },
  'the checkout with findings': {
    path: 'product/trowel?default=off',
    act: async (page) => {
      await page.getByRole('button', { name: 'Add to cart' }).click()
      await page.getByRole('button', { name: order }).click()
      await page.goto(`${demo.url}checkout?default=off`)
      await page.getByRole('tab', { name: /Findings/ }).click()
      await page.locator('[data-finding="consent-missing"]').waitFor()
    },
  },
  'the laboratory': {
    path: 'cart',
    act: (page) => page.locator('summary', { hasText: 'What left this page' }).click(),
  },
  'the shop on a phone': { path: '', narrow: true },
  'the laboratory on a phone': {
    path: '',
    narrow: true,
    act: (page) => page.getByRole('button', { name: 'Laboratory' }).click(),
  },
  'the inspector on a phone': {
    path: 'thanks',
    narrow: true,
    act: async (page) => {
      await page.getByRole('button', { name: /uetkit: \d/ }).click()
      await inspectorRow(page, 'Page view').click()
    },
  },
}

describe.each(['light', 'dark'] as const)('nothing shuts anybody out, in %s colours', (colorScheme) => {
  it.each(Object.entries(SCENES))('%s', async (_, { path, narrow, act }) => {
    const viewport = narrow ? { width: 360, height: 740 } : { width: 1440, height: 900 }
    const page = await browser.newPage({ colorScheme, viewport })
    try {
      await page.goto(demo.url + path)
      await page.locator('uetkit-inspector').waitFor({ state: 'attached' })
      await act?.(page)
      const { faults, contrasts } = await findFaults(page)
      expect(faults).toEqual([])
      // Proof that the shadow root was looked into.
      expect(contrasts).toBeGreaterThan(0)
      const { scroll, client } = await page.evaluate(() => ({
        scroll: document.documentElement.scrollWidth,
        client: document.documentElement.clientWidth,
      }))
      // Nothing may have to be scrolled sideways: https://www.w3.org/WAI/WCAG22/Understanding/reflow
      expect(scroll).toBe(client)
    } finally {
      await page.close()
    }
  })
})
