import type { Page } from 'playwright'

/** What a page did besides running script. */
export interface Work {
  layouts: number
  styles: number
  /** Writes to cookies, localStorage and sessionStorage, which all block the page. */
  storageWrites: number
}

/**
 * A tag that takes everything and does nothing, already running when uetkit arrives: what is measured then is ours alone.
 * For `SiteOptions.before`.
 */
export const SILENT_TAG = `
  window.taken = 0
  window.uetq = { push() { window.taken++ }, beaconParams: { ti: '97247724', mid: '11111111-1111-4111-8111-111111111111' } }`

/** Counts writes to storage from the first line of the page on. For `SiteOptions.before`. */
export const COUNT_WRITES = `
  window.storageWrites = 0
  for (const name of ['setItem', 'removeItem', 'clear']) {
    const original = Storage.prototype[name]
    Storage.prototype[name] = function (...args) { window.storageWrites++; return original.apply(this, args) }
  }
  const cookie = Object.getOwnPropertyDescriptor(Document.prototype, 'cookie')
  Object.defineProperty(document, 'cookie', {
    get() { return cookie.get.call(this) },
    set(text) { window.storageWrites++; cookie.set.call(this, text) },
  })`

type Counting = { storageWrites: number }

/** Runs the steps in a page that was opened with {@link COUNT_WRITES}, and tells what they made the browser do. */
export async function workOf(page: Page, steps: () => Promise<unknown>): Promise<Work> {
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('Performance.enable')
  const read = async (): Promise<Work> => {
    const { metrics } = await devtools.send('Performance.getMetrics')
    const of = (name: string) => metrics.find((metric) => metric.name === name)!.value
    const storageWrites = await page.evaluate(() => (window as never as Counting).storageWrites)
    return { layouts: of('LayoutCount'), styles: of('RecalcStyleCount'), storageWrites }
  }
  const before = await read()
  await steps()
  const after = await read()
  await devtools.detach()
  return {
    layouts: after.layouts - before.layouts,
    styles: after.styles - before.styles,
    storageWrites: after.storageWrites - before.storageWrites,
  }
}
