import { readFileSync } from 'node:fs'
import type { Browser, Page } from 'playwright'
import { launchChromium } from '../e2e/support/chromium.ts'
import { COUNT_WRITES, SILENT_TAG, workOf } from '../e2e/support/cost.ts'
import { openSite, type Site } from '../e2e/support/site.ts'

/**
 * What uetkit costs a page, in a real browser with the built files, each figure beside a baseline of the same run: that
 * ratio means the same on any machine. Run `npm run build` first, then `npm run bench:browser`.
 */

/** Isolated pages get a clock of 5 µs instead of 100. */
const headers = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'credentialless',
}
const TAG_ID = '97247724'
const SCRIPT = `<script src="/dist/uetkit.min.js" data-tag-id="${TAG_ID}" data-consent-default="granted"></script>`
const SNIPPET = `(function(w,d,t,r,u){var f,n,i;w[u]=w[u]||[],f=function(){var o={ti:"${TAG_ID}",enableAutoSpaTracking:true};o.q=w[u],w[u]=new UET(o),w[u].push("pageLoad")},n=d.createElement(t),n.src=r,n.async=1,n.onload=n.onreadystatechange=function(){var s=this.readyState;s&&s!=="loaded"&&s!=="complete"||(f(),n.onload=n.onreadystatechange=null)},i=d.getElementsByTagName(t)[0],i.parentNode.insertBefore(n,i)})(window,document,"script","//bat.bing.com/bat.js","uetq");`

interface BenchedWindow {
  uetkit(...command: unknown[]): unknown
  uetq: { push(...command: unknown[]): void }
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!
const line = (what: string, ours: number, baseline: number, unit: string, than: string) =>
  console.log(
    `${what}: ${ours.toFixed(2)} ${unit}, ${(ours / baseline).toFixed(2)} × ${than} (${baseline.toFixed(2)} ${unit})`,
  )

async function open(browser: Browser, html: string, before = ''): Promise<Page> {
  const site = await openSite(browser, { headers, before, pages: { '/': html } })
  await site.page.goto(`${site.origin}/`)
  if (!(await site.page.evaluate(() => crossOriginIsolated)))
    throw new Error('The page is not isolated: its clock is too coarse.')
  return site.page
}

/** Microseconds of one `track()` and of one bare `push`, in turns: medians of batches. */
async function eventCost(page: Page, rounds: number, batch: number): Promise<{ track: number; push: number }> {
  const batches = await page.evaluate(
    ({ rounds, batch }) => {
      const { uetkit, uetq } = window as never as BenchedWindow
      const properties = { category: 'tools', revenue: 25, currency: 'EUR', order_id: 'o-1', plan: 'pro' }
      const calls = {
        track: () => uetkit('track', 'Signup', properties),
        push: () =>
          uetq.push('event', 'track', {
            event_label: 'Signup',
            event_category: 'tools',
            revenue_value: 25,
            currency: 'EUR',
            event_id: crypto.randomUUID(),
          }),
      }
      const times = { track: [] as number[], push: [] as number[] }
      for (let round = 0; round < rounds; round++) {
        for (const name of ['push', 'track'] as const) {
          const start = performance.now()
          for (let count = 0; count < batch; count++) calls[name]()
          times[name].push(((performance.now() - start) * 1000) / batch)
        }
      }
      return times
    },
    { rounds, batch },
  )
  return { track: median(batches.track), push: median(batches.push) }
}

/** Milliseconds that a script runs when a page loads it: in a tab's first page, and in later ones. */
async function startCost(
  browser: Browser,
  isFirst: boolean,
  rounds: number,
): Promise<{ ours: number; snippet: number }> {
  const marked = (code: string) => `performance.mark('start');${code}\n;performance.mark('end')`
  const scripts = { '/ours.js': marked(readFileSync('dist/uetkit.min.js', 'utf8')), '/snippet.js': marked(SNIPPET) }
  const attributes = `data-tag-id="${TAG_ID}" data-consent-default="denied"`
  const times = { ours: [] as number[], snippet: [] as number[] }
  for (const name of ['ours', 'snippet'] as const) {
    const pages = {
      '/': `<!doctype html><head><script async src="/${name}.js" ${attributes}></script></head><h1>Shop</h1>`,
    }
    let site: Site | undefined
    for (let round = 0; round <= rounds; round++) {
      if (isFirst) await site?.close()
      if (isFirst || !site) site = await openSite(browser, { headers, pages, scripts })
      await site.page.goto(`${site.origin}/?${round}`)
      await site.page.waitForFunction(() => performance.getEntriesByName('end').length > 0)
      const time = await site.page.evaluate(() => {
        const [start, end] = ['start', 'end'].map((name) => performance.getEntriesByName(name)[0]!.startTime)
        return end! - start!
      })
      // The first page of all warms the browser up, and the tab where it stays the same.
      if (round > 0) times[name].push(time)
    }
    await site?.close()
  }
  return { ours: median(times.ours), snippet: median(times.snippet) }
}

const browser = await launchChromium()
try {
  const silent = await open(browser, SCRIPT, SILENT_TAG + COUNT_WRITES)
  const alone = await eventCost(silent, 200, 50)
  line('track(), all that is ours', alone.track, alone.push, 'µs', 'a bare push into a tag that does nothing')

  const work = await workOf(silent, () => eventCost(silent, 10, 100))
  console.log(`1,000 × track() and push: ${work.layouts} layouts, ${work.storageWrites} writes to storage`)

  const real = await open(browser, SCRIPT)
  await real.waitForFunction(() => (window as never as { uetq?: { uetLoaded?: boolean } }).uetq?.uetLoaded)
  const whole = await eventCost(real, 15, 10)
  line('track() into the stand-in tag', whole.track, whole.push, 'µs', 'a bare push into it')

  const later = await startCost(browser, false, 40)
  line('start, in a tab that was on the site', later.ours, later.snippet, 'ms', 'Microsoft’s own snippet')
  const first = await startCost(browser, true, 40)
  line('start, in a new process of the browser', first.ours, first.snippet, 'ms', 'Microsoft’s own snippet')
} finally {
  await browser.close()
}
