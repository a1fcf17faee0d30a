import { existsSync, readFileSync } from 'node:fs'
import { Command, Option } from 'commander'
import type { Browser, LaunchOptions, Page } from 'playwright'
import { INSPECT_MARK } from '../core/inspect-mark.ts'
import { action, CliError, type Result, usageError } from './output.ts'

const VISITS = ['denied', 'granted'] as const
type Visit = (typeof VISITS)[number]

/** A finding of the inspector, and with which consent it was made. */
export interface DoctorFinding {
  id: string
  level: 'error' | 'warning'
  title: string
  evidence: string
  remedy: string
  consent: Visit[]
}

/** `uetkit doctor <url>`: what is wrong with tracking on a page, for a visitor who refuses and for one who agrees. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('opens a page in a headless browser, with consent denied and granted, and says what is wrong')
    .argument('<url>', 'the page; it is really visited, so its beacons are really sent')
    .addOption(
      new Option('--wait <ms>', 'how long to watch the page after it has loaded').default(6_000).argParser(Number),
    )
    .addOption(new Option('--timeout <ms>', 'how long the page may take to answer').default(30_000).argParser(Number))
    .action(action<DoctorOptions>(run))
}

interface DoctorOptions {
  wait: number
  timeout: number
}

async function run({ wait, timeout }: DoctorOptions, [address = '']: string[]): Promise<Result> {
  if (!/^https?:\/\//.test(address) || !URL.canParse(address))
    throw usageError(`${address} is no address of a page: use https://… or http://…`)
  if (!(wait >= 0)) throw usageError('--wait is a number of milliseconds')
  if (!(timeout > 0)) throw usageError('--timeout is a number of milliseconds above 0')
  const browser = await launch()
  try {
    const found = new Map<string, DoctorFinding>()
    for (const visit of VISITS) {
      for (const finding of await examine(browser, address, visit, { wait, timeout })) {
        const known = found.get(finding.id)
        if (known) known.consent.push(visit)
        else found.set(finding.id, { ...finding, consent: [visit] })
      }
    }
    const findings = [...found.values()]
    return {
      document: { url: address, findings },
      text: findings.length
        ? findings.map(describe).join('\n')
        : `Nothing is wrong as far as can be seen from ${address}`,
      exitCode: findings.length ? 3 : 0,
    }
  } finally {
    await browser.close()
  }
}

const describe = ({ level, id, title, evidence, remedy, consent }: DoctorFinding): string =>
  `${level}: ${title} (${id}, consent ${consent.join(' and ')})\n  ${evidence}\n  ${remedy}`

async function launch(): Promise<Browser> {
  const playwright = await import('playwright').catch((cause: unknown) => {
    throw new CliError('playwright', 'the doctor needs Playwright: npm install playwright', 2, { cause })
  })
  const executablePath = process.env.UETKIT_CHROMIUM
  const options: LaunchOptions = executablePath ? { executablePath, args: ['--no-sandbox'] } : {}
  try {
    return await playwright.chromium.launch(options)
  } catch (cause) {
    const remedy = 'run npx playwright install chromium, or set UETKIT_CHROMIUM to a browser'
    throw new CliError('browser', `no browser could be started: ${remedy}`, 1, { cause })
  }
}

/** Trackers may start late, and pages send on to others: how often the doctor looks again. */
const LOOK_MS = 200

/** Visits in a profile of its own, so that nothing is left from the visit before. */
async function examine(
  browser: Browser,
  address: string,
  visit: Visit,
  { wait, timeout }: DoctorOptions,
): Promise<Omit<DoctorFinding, 'consent'>[]> {
  const fail = (why: string) => new CliError('page', `${address} ${why}`, 1)
  const context = await browser.newContext()
  try {
    await context.addInitScript(fromTheStart(inspectorSource()))
    const page = await context.newPage()
    // What a page loads without end must not keep the doctor from looking at it.
    const answer = await page.goto(address, { waitUntil: 'domcontentloaded', timeout }).catch((cause: Error) => {
      throw fail(`could not be opened: ${cause.message.split('\n')[0]}`)
    })
    if (answer && !answer.ok()) throw fail(`answered ${answer.status()}`)
    const start = Date.now()
    for (let past = 0; past < wait; past = Date.now() - start) {
      await ask(page, visit, past > wait / 2)
      await page.waitForTimeout(LOOK_MS)
    }
    return await page.evaluate("window[Symbol.for('uetkit.inspector')].report().findings")
  } finally {
    await context.close()
  }
}

/**
 * The inspector as a script that runs before any of the page, so that it misses nothing. The browser's own tools run it:
 * the page's security policy does not stand in the way. The page's script tag must not fetch another one.
 */
const fromTheStart = (source: string): string => `
  if (window === top && /^http/.test(location.protocol))
    new MutationObserver((changes, observer) => {
      if (!document.documentElement) return
      observer.disconnect();
      ${source}
      window.name = window.name.replace(' ${INSPECT_MARK}', '')
    }).observe(document, { childList: true })`

/** Gives the visitor's answer to each tracker once: after its first page load, as people do, unless that keeps it waiting. */
async function ask(page: Page, visit: Visit, isLate: boolean): Promise<void> {
  const answer = page.evaluate(`(() => {
    const asked = (window[Symbol.for('uetkit.doctor')] ??= new WeakSet())
    const { timeline } = window[Symbol.for('uetkit.inspector')].report()
    const loads = timeline.flatMap(({ beacons }) => beacons).filter(({ evt }) => evt === 'pageLoad')
    for (const uet of Object.values(window[Symbol.for('uetkit')] ?? {})) {
      const { consent, script, tagIds } = uet.state()
      // A tag that runs may still wait for its own settings before it sends.
      const isStarting = script === 'loading' || (script === 'ready' && !loads.some(({ params }) => tagIds.includes(params.ti)))
      if (asked.has(uet) || consent === 'unknown' || (isStarting && !${isLate})) continue
      asked.add(uet)
      uet.consent('${visit}')
    }
  })()`)
  // Between two pages there is nobody to ask.
  await answer.catch(() => page.waitForLoadState('domcontentloaded'))
}

/** The built inspector is beside us in the package, and in dist/ for the sources. */
function inspectorSource(): string {
  const places = ['./', '../', '../../dist/'].map(
    (place) => new URL(`${place}uetkit-inspector.min.js`, import.meta.url),
  )
  const found = places.find((place) => existsSync(place))
  if (!found) throw new CliError('build', 'uetkit-inspector.min.js is not built: run npm run build', 1)
  return readFileSync(found, 'utf8')
}
