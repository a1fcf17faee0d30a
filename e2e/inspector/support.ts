import type { Browser, Page } from 'playwright'
import { openSite, type Site, type SiteOptions } from '../support/site.ts'

export interface Report {
  findings: { id: string; evidence: string; remedy: string }[]
  timeline: {
    kind: string
    title: string
    detail?: string
    id?: string
    consent?: { state: string; source: string }
    queue?: unknown[]
    call?: { method: string; name?: string; properties: Record<string, unknown> }
    beacons: { evt: string; host?: string; requested: boolean; params: Record<string, string> }[]
    relay: number[]
    earlier?: string
  }[]
}

/** What the open inspector knows. */
export const readReport = (page: Page): Promise<Report> =>
  page.evaluate(() => {
    const page = window as never as Record<symbol, { report(): Report } | undefined>
    return page[Symbol.for('uetkit.inspector')]?.report() ?? { findings: [], timeline: [] }
  })

export const findingIds = async (page: Page): Promise<string[]> => (await readReport(page)).findings.map(({ id }) => id)

/** A website with its inspector open, unless `open` says otherwise. `relay` is the status that a relay answers. */
export async function openInspected(
  browser: Browser,
  {
    path = '/?uetkit_inspect=1',
    relay,
    open = true,
    ...options
  }: SiteOptions & { path?: string; relay?: number; open?: boolean } = {},
): Promise<Site> {
  const site = await openSite(browser, options)
  await site.context.route('https://relay.example/**', (route) =>
    relay ? route.fulfill({ status: relay, headers: { 'Access-Control-Allow-Origin': '*' } }) : route.abort(),
  )
  await site.page.goto(site.origin + path)
  if (open) await site.page.locator('uetkit-inspector').waitFor({ state: 'attached' })
  return site
}
