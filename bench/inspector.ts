import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, Page } from 'playwright'
import { launchChromium } from '../e2e/support/chromium.ts'

/**
 * What the open inspector costs a page with 1,000 events: long tasks of the page with it, beside the same page without
 * it, in turns. The stand-in tag really sends its beacons, to this process, and uetkit its batches for a relay. Run
 * `npm run build` first, then `npm run bench:inspector`.
 *
 * A long task takes more than 50 ms, https://www.w3.org/TR/longtasks-1/. It is counted twice: as the page observes it,
 * and by the processor time that the browser's trace has of each task, which other work on the machine changes little.
 */
const EVENTS = 1_000
const ROUNDS = Number(process.argv[2] ?? 7)
const LONG_MS = 50
/** Main thread tasks with their time, and when the page was opened. */
const TRACE = ['toplevel', '__metadata', 'blink.user_timing']

interface BenchedWindow {
  uetkit(...command: unknown[]): unknown
  uetq?: { uetLoaded?: boolean }
  longTasks: number[]
}

/** How the events come, and what a person does. Run in the page. */
const SCENARIOS: Record<string, (events: number) => Promise<void>> = {
  'twenty at a time, over two seconds': async (events) => {
    for (let index = 0; index < events; index++) {
      if (index % 20 === 0) await new Promise((done) => setTimeout(done, 40))
      ;(window as never as BenchedWindow).uetkit('track', `Event ${index}`, {
        revenue: index,
        currency: 'EUR',
        plan: 'pro',
      })
    }
  },
  'all in one task': async (events) => {
    for (let index = 0; index < events; index++)
      (window as never as BenchedWindow).uetkit('track', `Event ${index}`, {
        revenue: index,
        currency: 'EUR',
        plan: 'pro',
      })
  },
}

const OBSERVE = `
  window.longTasks = []
  new PerformanceObserver((list) => { for (const { duration } of list.getEntries()) longTasks.push(duration) })
    .observe({ type: 'longtask', buffered: true })`

/** What arrived at this process. */
const arrived = { beacons: 0, relayed: new Set<string>() }
const server = createServer((request, response) => {
  const { pathname } = new URL(request.url!, 'http://localhost')
  if (pathname.startsWith('/dist/')) {
    response.setHeader('content-type', 'text/javascript; charset=utf-8')
    return response.end(readFileSync(pathname.slice(1)))
  }
  if (pathname.startsWith('/bat.bing.')) {
    if (/\/action\//.test(pathname)) arrived.beacons++
    return response.writeHead(204).end()
  }
  if (pathname === '/v1/e') {
    let body = ''
    request.on('data', (chunk) => (body += chunk))
    return request.on('end', () => {
      for (const { id } of JSON.parse(body).events) arrived.relayed.add(id)
      response.writeHead(202).end('{}')
    })
  }
  response.setHeader('content-type', 'text/html; charset=utf-8')
  return response.end(`<!doctype html><title>Shop</title><link rel="icon" href="data:,">
    <h1>Shop</h1>${'<p>Things to buy, <a href="#">and more</a>.</p>'.repeat(50)}
    <script src="/dist/uetkit.min.js" data-tag-id="97247724" data-consent-default="granted" data-relay-url="/v1/e"
      data-script-container="false" data-script-src="${origin}/dist/bat.js?beacons=${origin}"></script>`)
})
await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

interface Visit {
  /** Milliseconds of each long task, as the page observed it. */
  observed: number[]
  /** Milliseconds of processor time of each task of the page that took more than 50. */
  busy: number[]
  /** The longest that began after the events were made: all that is the inspector's alone. */
  longestAfter: number
  /** Processor time of all tasks of the page. */
  total: number
}

/** One visit, from the first line of the page until all has arrived and is drawn. */
async function visit(browser: Browser, isInspected: boolean, run: (events: number) => Promise<void>): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  const page = await context.newPage()
  await page.addInitScript(OBSERVE)
  Object.assign(arrived, { beacons: 0, relayed: new Set() })
  await browser.startTracing(page, { categories: TRACE })
  await page.goto(`${origin}/${isInspected ? '?uetkit_inspect=1' : ''}`)
  await page.waitForFunction(() => (window as never as BenchedWindow).uetq?.uetLoaded)
  if (isInspected) await page.locator('uetkit-inspector').waitFor({ state: 'attached' })
  await page.evaluate(run, EVENTS)
  await page.evaluate(() => performance.mark('made'))
  const isThere = () => arrived.beacons >= EVENTS && arrived.relayed.size >= EVENTS
  for (const end = Date.now() + 30_000; !isThere() && Date.now() < end; ) await page.waitForTimeout(100)
  if (!isThere()) throw new Error(`${arrived.beacons} beacons and ${arrived.relayed.size} events at the relay.`)
  if (isInspected) await use(page)
  await page.waitForTimeout(1_500)
  const trace = readTasks(await browser.stopTracing())
  const observed = await page.evaluate(() => (window as never as BenchedWindow).longTasks)
  if (isInspected) await prove(page)
  await context.close()
  return { observed, ...trace }
}

/** What a person does with it: looks for an event, and for more, copies all, hides it and brings it back. */
async function use(page: Page): Promise<void> {
  await page.getByLabel('Filter the timeline').pressSequentially('event 77', { delay: 60 })
  await page.getByLabel('Filter the timeline').fill('')
  await page.getByRole('tab', { name: /Findings/ }).click()
  await page.getByRole('tab', { name: 'Timeline' }).click()
  await page.locator('uetkit-inspector summary').first().click()
  await page.getByRole('button', { name: 'Show older' }).click()
  await page.getByRole('button', { name: 'Copy as JSON' }).click()
  await page.getByRole('button', { name: 'Hide' }).click()
  await page.getByRole('button', { name: /^uetkit: / }).click()
}

interface TraceEvent {
  name: string
  ph: string
  pid: number
  tid: number
  ts: number
  /** Microseconds, and microseconds of processor time. */
  dur?: number
  tdur?: number
  args: { name?: string }
}

/** Tasks of the page's main thread. */
function readTasks(trace: Buffer): Omit<Visit, 'observed'> {
  const { traceEvents } = JSON.parse(trace.toString()) as { traceEvents: TraceEvent[] }
  const made = traceEvents.find(({ name }) => name === 'made')
  const isTask = ({ name, ph, pid, tid }: TraceEvent) =>
    name === 'ThreadControllerImpl::RunTask' && ph === 'X' && pid === made?.pid && tid === made.tid
  const tasks = traceEvents.filter(isTask)
  if (!made || !tasks.length) throw new Error('The trace has no tasks of the page.')
  // Now and then the thread's clock leaps: no task takes more processor time than time.
  const ms = ({ dur = 0, tdur = 0 }: TraceEvent) => Math.min(dur, tdur) / 1000
  return {
    busy: tasks.map(ms).filter((time) => time > LONG_MS),
    longestAfter: Math.max(0, ...tasks.filter(({ ts }) => ts > made.ts).map(ms)),
    total: tasks.map(ms).reduce((sum, time) => sum + time, 0),
  }
}

/** What is quick because it leaves something out is no result. */
async function prove(page: Page): Promise<void> {
  type Handle = { report(): { timeline: { kind: string; beacons: unknown[]; relay: number[] }[] } }
  const seen = await page.evaluate(() => {
    const { timeline } = (window as never as Record<symbol, Handle>)[Symbol.for('uetkit.inspector')]!.report()
    const isWhole = ({ kind, beacons, relay }: (typeof timeline)[0]) =>
      kind === 'event' && beacons.length === 1 && relay.includes(202)
    return timeline.filter(isWhole).length
  })
  if (seen !== EVENTS) throw new Error(`The timeline has ${seen} of ${EVENTS} events with their beacon and answer.`)
}

const most = (values: number[]) => Math.max(0, ...values).toFixed(0)
const counts = (rounds: number[][]) =>
  `${rounds.map(({ length }) => length).join(' ')} (longest ${most(rounds.flat())} ms)`
const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!
const describe = (visits: Visit[]): string =>
  [
    `observed ${counts(visits.map(({ observed }) => observed))}`,
    `by processor time ${counts(visits.map(({ busy }) => busy))}`,
    `longest task once the events were made ${most(visits.map(({ longestAfter }) => longestAfter))} ms`,
    `all tasks ${median(visits.map(({ total }) => total)).toFixed(0)} ms`,
  ].join('; ')

const browser = await launchChromium()
try {
  for (const [name, run] of Object.entries(SCENARIOS)) {
    const without: Visit[] = []
    const withIt: Visit[] = []
    for (let round = 0; round < ROUNDS; round++) {
      without.push(await visit(browser, false, run))
      withIt.push(await visit(browser, true, run))
    }
    console.log(`1,000 events, ${name}: long tasks\n  without: ${describe(without)}\n  with:    ${describe(withIt)}`)
  }
} finally {
  await browser.close()
  server.close()
}
