import type { Browser, Page } from 'playwright'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { launchChromium } from '../support/chromium.ts'
import type { Site } from '../support/site.ts'
import { STUB, scriptTag } from '../support/suite.ts'
import { openInspected, readReport } from './support.ts'

let browser: Browser
let site: Site
let page: Page

beforeAll(async () => {
  browser = await launchChromium(inject('chromium'))
})
afterEach(() => site.close())
afterAll(() => browser.close())

const EVENTS = 1000
/** Rows shown before somebody asks for older ones. */
const SHOWN = 150
/** Rows drawn in one task: more would make the layout after it long. */
const DRAWN = 25

interface Counted {
  /** Rows added by each task that added any. */
  added: number[]
  /** Rows that were there at the end of the task that made the calls. */
  atOnce: number
}

/** Opens a page, and tracks a thousand events in one task. */
async function open(): Promise<Counted> {
  // Without the tag script: a thousand requests are another test's matter.
  site = await openInspected(browser, {
    pages: { '/': scriptTag('data-tag-id="97247724" data-consent-default="granted"') + STUB },
    tagScript: 'network-error',
  })
  page = site.page
  await page.locator('uetkit-inspector .row', { hasText: 'Tag script blocked' }).waitFor()
  await page.evaluate((events) => {
    const { uetkit, counted } = Object.assign(window as never as { uetkit(...command: unknown[]): void }, {
      counted: { added: [], atOnce: -1 } as Counted,
    })
    const list = document.querySelector('uetkit-inspector')!.shadowRoot!.querySelector('ol')!
    new MutationObserver((changes) => {
      const added = changes.flatMap(({ addedNodes }) => [...addedNodes])
      if (added.length) counted.added.push(added.length)
    }).observe(list, { childList: true })
    for (let index = 0; index < events; index++) uetkit('track', `Event ${index}`, { index })
    counted.atOnce = [...list.querySelectorAll('b')].filter(({ textContent }) => /^Event/.test(textContent!)).length
  }, EVENTS)
  await expect.poll(rowCount).toBe(SHOWN)
  return page.evaluate(() => (window as never as { counted: Counted }).counted)
}

const rows = () => page.locator('uetkit-inspector .row')
const rowCount = () => rows().count()
const titles = () => rows().locator('summary b').allTextContents()
const events = (from: number, to: number) =>
  Array.from({ length: from - to + 1 }, (_, index) => `Event ${from - index}`)

describe('the inspector with a thousand events', () => {
  it('draws nothing in the task that made them, and then a few rows at a time, newest first', async () => {
    const { added, atOnce } = await open()
    expect(atOnce).toBe(0)
    expect(Math.max(...added)).toBeLessThanOrEqual(DRAWN)
    // What newer events push out is never drawn.
    expect(added.reduce((sum, count) => sum + count, 0)).toBeLessThan(EVENTS / 2)
    expect(await titles()).toEqual(events(EVENTS - 1, EVENTS - SHOWN))
  })

  it('shows them all to who asks for older ones', async () => {
    await open()
    const older = page.getByRole('button', { name: 'Show older' })
    const { timeline } = await readReport(page)
    for (let shown = SHOWN; shown < timeline.length; shown += SHOWN) {
      await older.click()
      await expect.poll(rowCount, { timeout: 5000 }).toBe(Math.min(shown + SHOWN, timeline.length))
    }
    expect(await older.isVisible()).toBe(false)
    expect((await titles()).filter((title) => /^Event/.test(title))).toEqual(events(EVENTS - 1, 0))
  })

  it('finds those that are not drawn', async () => {
    await open()
    const filter = page.getByLabel('Filter the timeline')
    await filter.fill('event 99')
    await expect.poll(titles).toEqual([...events(999, 990), 'Event 99'])
    await filter.fill('"index":3}')
    await expect.poll(titles).toEqual(['Event 3'])
    await filter.fill('nothing is called this')
    await page.getByText('Nothing fits the filter.').waitFor()
    await filter.fill('')
    await expect.poll(rowCount).toBe(SHOWN)
    expect(await titles()).toEqual(events(EVENTS - 1, EVENTS - SHOWN))
  })

  it('copies every one as JSON, the same as it reports', async () => {
    await open()
    await site.context.grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.getByRole('button', { name: 'Copy as JSON' }).click()
    await page.getByText('copied', { exact: true }).waitFor()
    const copied = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()))
    const { timeline, findings } = await readReport(page)
    expect(copied).toMatchObject(JSON.parse(JSON.stringify({ timeline, findings })))
    expect(copied.timeline.filter(({ kind }: { kind: string }) => kind === 'event')).toHaveLength(EVENTS)
  })

  it('leaves a row that somebody has open where it is while newer ones come', async () => {
    await open()
    await page.getByLabel('Filter the timeline').focus()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.locator('uetkit-inspector details[open]', { hasText: 'Event 999' }).waitFor()
    await page.evaluate((shown) => {
      const { uetkit } = window as never as { uetkit(...command: unknown[]): void }
      for (let index = 0; index < 2 * shown; index++) uetkit('track', `Later ${index}`)
    }, SHOWN)
    await expect.poll(rowCount).toBe(SHOWN + 1)
    expect((await titles()).at(-1)).toBe('Event 999')
    const { activeText, open: isOpen } = await page.evaluate(() => {
      const { activeElement } = document.querySelector('uetkit-inspector')!.shadowRoot!
      return { activeText: activeElement?.textContent, open: activeElement?.parentElement?.hasAttribute('open') }
    })
    expect([activeText?.includes('Event 999'), isOpen]).toEqual([true, true])
  })

  it('draws nothing while it is hidden, and catches up', async () => {
    await open()
    await page.getByRole('button', { name: 'Hide' }).click()
    await page.evaluate(() => (window as never as { uetkit(...command: unknown[]): void }).uetkit('track', 'Unseen'))
    await page.waitForTimeout(600)
    expect(await titles()).not.toContain('Unseen')
    await page.getByRole('button', { name: /^uetkit: / }).click()
    await expect.poll(async () => (await titles())[0]).toBe('Unseen')
  })
})
