import type { Browser } from 'playwright'
import { expect } from 'vitest'
import { type Beacon, openSite, type Site, type TagScript } from './site.ts'

/** JavaScript for the page, or what the browser does besides. */
export type Step = string | ((site: Site, relayed: string[]) => Promise<unknown>)

/** What happens on a page, and all that leaves it and stays on it afterwards. */
export interface Trace {
  /** The option `consent`, as JavaScript. */
  consent: string
  /** Further options, as JavaScript: `relay:{…},…`. */
  options?: string
  /** Attributes of our script element. */
  attributes?: string
  /** HTML before ours, e.g. a consent tool. */
  head?: string
  /** JavaScript that runs before anything on every page. */
  before?: string
  /** Cookies from before, `name=value`. */
  had?: string[]
  /** Path and query of the page. */
  at?: string
  tag?: TagScript
  /** Milliseconds until the tag's container answers; before that it takes no command. */
  containerMs?: number
  timezoneId?: string
  /** The build with the consent sources. */
  sources?: true
  steps?: Step[]
  /**
   * Beacons and pings in order: kind of signal, event type or label, then `:G`, `:D` or `:-` (no signal), then what
   * identifies: `+id` session and visitor, `+uid` the site's own, `+click`, `+pid`.
   */
  sent: string
  /** What is stored in the end: `tag`, `tagclick`, `choice`, `click`, `visitor`, `synced`. Default nothing. */
  stored?: string
  /** Labels or types of events that went to the relay. */
  relayed?: string
  /** How many ID-sync images were requested. */
  synced?: number
  /** Decision and what made it. */
  state?: string
  /** Part of the one warning on the console. */
  warned?: string
}

export const RELAY = 'https://relay.example/v1/e'

/** Cookies, localStorage and sessionStorage behind each word of `stored`. */
const STORED: Record<string, [cookies: string[], local: string[], session: string[]]> = {
  tag: [['_uetsid', '_uetvid'], ['_uetsid', '_uetsid_exp', '_uetvid', '_uetvid_exp'], []],
  tagclick: [['_uetmsclkid'], ['_uetmsclkid', '_uetmsclkid_exp'], []],
  choice: [['_uetkit'], [], []],
  click: [['_uetkit_click'], [], []],
  visitor: [['_uetkit_visitor'], [], []],
  synced: [[], [], ['_uetkit_sync']],
}

const words = (text = '') => text.split(' ').filter(Boolean)

function describeBeacon({ evt, host, params }: Beacon): string {
  const { asc, sid, uid, vid, vids, msclkid = 'N', pid, tcf = 'as=G' } = params
  // A cookieless host for what is not granted, and the other way round.
  expect(host).toBe(asc === 'D' || !/as=G/.test(tcf) ? 'net' : 'com')
  expect([sid, vid, vids].filter((value) => value !== undefined)).toHaveLength(sid ? 3 : 0)
  const name = evt === 'consent' ? params.src : evt === 'custom' ? params.el : evt
  return `${name}:${asc ?? '-'}${sid ? '+id' : ''}${uid ? '+uid' : ''}${msclkid === 'N' ? '' : '+click'}${pid ? '+pid' : ''}`
}

/** In the order in which the tags made them: images and pings overtake each other on the way. */
function inOrder(beacons: Beacon[]): Beacon[] {
  const loads = [...new Set(beacons.map(({ params }) => params.mid))]
  const rank = ({ params }: Beacon) => loads.indexOf(params.mid) * 1000 + Number(params.bo)
  return beacons.toSorted((a, b) => rank(a) - rank(b))
}

/** Waits until the tag has made its page load. */
export const READY: Step = ({ page }) =>
  page.waitForFunction(() => (window as never as { uetq: { uetLoaded?: boolean } }).uetq?.uetLoaded)

/** Waits until so many events have reached the relay. */
export const arrived =
  (count: number): Step =>
  (_, relayed) =>
    expect.poll(() => relayed.length).toBe(count)

export const visit =
  (path: string): Step =>
  ({ page, origin }) =>
    page.goto(origin + path, { waitUntil: 'domcontentloaded' })

export async function run(browser: Browser, trace: Trace): Promise<void> {
  const { consent, options = '', head = '', steps = [], at = '/' } = trace
  const html = `${head}<script src="/dist/uetkit${trace.sources ? '-consent' : ''}.min.js" ${trace.attributes ?? ''}></script>
    <script>uetkit('init',{tagId:'1',consent:${consent},${options}})</script>`
  const site = await openSite(browser, {
    pages: { '/': html },
    tagScript: trace.tag ?? 'ok',
    ...(trace.before && { before: trace.before }),
    ...(trace.timezoneId && { timezoneId: trace.timezoneId }),
  })
  const { context, page, origin } = site
  const relayed: string[] = []
  const synced: URL[] = []
  await context.route(RELAY, (route) => {
    const { events } = route.request().postDataJSON() as { events: { consent: string; type: string; name?: string }[] }
    for (const event of events) {
      // Nothing but granted events, and the word that there will be no more of them.
      expect(event.consent).toBe(event.type === 'consent' ? 'denied' : 'granted')
      relayed.push(event.name ?? event.type)
    }
    return route.fulfill({ status: 202, headers: { 'access-control-allow-origin': '*' }, body: '{}' })
  })
  await context.route('https://c.bing.com/**', (route) => {
    synced.push(new URL(route.request().url()))
    return route.fulfill({ status: 204 })
  })
  if (trace.containerMs)
    await context.route('**/p/action/**', async (route) => {
      await new Promise((done) => setTimeout(done, trace.containerMs))
      return route.fallback()
    })
  try {
    for (const cookie of trace.had ?? []) {
      const [name = '', value = ''] = cookie.split('=')
      await context.addCookies([{ name, value, domain: '.shop.example', path: '/' }])
    }
    await page.goto(origin + at, { waitUntil: 'domcontentloaded' })
    for (const step of steps) {
      if (typeof step === 'function') await step(site, relayed)
      else await page.evaluate(step)
    }

    // What must leave has left, and nothing more comes.
    const sent = () => inOrder(site.of()).map(describeBeacon).join(' ')
    await expect.poll(sent, { timeout: 8000 }).toBe(trace.sent)
    await expect.poll(() => relayed.length).toBe(words(trace.relayed).length)
    await expect.poll(() => synced.length).toBe(trace.synced ?? 0)
    await site.quiet(trace.relayed === undefined ? 80 : 300)
    expect(sent()).toBe(trace.sent)
    expect(relayed.join(' ')).toBe(trace.relayed ?? '')
    expect(synced).toHaveLength(trace.synced ?? 0)

    const expected = words(trace.stored).map((word) => STORED[word]!)
    const [cookies, local, session] = [0, 1, 2].map((index) => expected.flatMap((each) => each[index]!).toSorted())
    expect((await context.cookies()).map(({ name }) => name).toSorted()).toEqual(cookies)
    expect(await page.evaluate(() => Object.keys(localStorage).toSorted())).toEqual(local)
    expect(await page.evaluate(() => Object.keys(sessionStorage).toSorted())).toEqual(session)

    if (trace.state) {
      const state = 'Object.values(uetkit("state")).slice(0,2).join(" ")'
      expect(await page.evaluate(state)).toBe(trace.state)
    }
    const warnings = site.consoleLines.filter((line) => line.includes('[uetkit]'))
    expect(warnings).toHaveLength(trace.warned ? 1 : 0)
    if (trace.warned) expect(warnings[0]).toContain(trace.warned)
    expect(site.errors).toEqual([])
  } finally {
    await site.close()
  }
}
