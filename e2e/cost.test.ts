import { describe, expect, it } from 'vitest'
import { COUNT_WRITES, SILENT_TAG, workOf } from './support/cost.ts'
import type { Site } from './support/site.ts'
import { scriptTag, useSites } from './support/suite.ts'

const { open } = useSites()

const html = '<p>text</p><input><div style="width:50%">box</div>'

const order = { category: 'tools', revenue: 25, currency: 'EUR', products: [{ sku: 'a', price: 25, quantity: 1 }] }
const trackOften = (site: Site) =>
  site.page.evaluate((properties) => {
    const { uetkit } = window as never as { uetkit(...command: unknown[]): unknown }
    for (let count = 0; count < 200; count++) {
      // A pending change of style makes every measurement of the page a layout.
      document.body.style.width = `${500 + count}px`
      uetkit('track', 'Order Completed', properties)
    }
    document.body.style.width = ''
    return (window as never as { taken: number }).taken
  }, order)

describe('track()', () => {
  it.each([
    ['without a relay', ''],
    ['with a relay', 'data-relay-url="/v1/e"'],
  ])('%s makes the page lay out nothing, and writes to no storage', async (_, attributes) => {
    const site = await open({
      before: SILENT_TAG + COUNT_WRITES,
      pages: { '/': html + scriptTag(undefined, attributes) },
    })
    // The first event settles what the page keeps: the page load, the visitor's id.
    const first = await trackOften(site)
    expect(first).toBeGreaterThanOrEqual(200)
    let last = 0
    const work = await workOf(site.page, async () => {
      last = await trackOften(site)
    })
    expect(last - first).toBe(200)
    // Styles may be resolved by frames that are drawn meanwhile; what the events cost would be one for each.
    expect(work.layouts).toBeLessThan(20)
    expect(work.storageWrites).toBe(0)
  })

  it('would be found out: a page that measures itself lays out each time, a write is counted', async () => {
    const site = await open({ before: COUNT_WRITES, pages: { '/': html } })
    const work = await workOf(site.page, () =>
      site.page.evaluate(() => {
        for (let count = 0; count < 200; count++) {
          document.body.style.width = `${500 + count}px`
          document.body.getBoundingClientRect()
          // biome-ignore lint/suspicious/noDocumentCookie: the synchronous write is what is looked for
          document.cookie = `a=${count}`
          localStorage.setItem('a', `${count}`)
        }
      }),
    )
    expect(work.layouts).toBeGreaterThanOrEqual(200)
    expect(work.storageWrites).toBe(400)
  })
})
