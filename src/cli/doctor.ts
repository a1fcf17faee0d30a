import { existsSync, readFileSync } from 'node:fs'
import { Command, Option } from 'commander'
import type { Browser, LaunchOptions } from 'playwright'
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
    .action(action<{ wait: number }>(run))
}

async function run({ wait }: { wait: number }, [address = '']: string[]): Promise<Result> {
  if (!/^https?:\/\//.test(address) || !URL.canParse(address))
    throw usageError(`${address} is no address of a page: use https://… or http://…`)
  if (!(wait >= 0)) throw usageError('--wait is a number of milliseconds')
  const browser = await launch()
  try {
    const found = new Map<string, DoctorFinding>()
    for (const visit of VISITS) {
      for (const finding of await examine(browser, address, visit, wait)) {
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

/** Visits in a profile of its own, so that nothing is left from the visit before. */
async function examine(
  browser: Browser,
  address: string,
  visit: Visit,
  wait: number,
): Promise<Omit<DoctorFinding, 'consent'>[]> {
  const context = await browser.newContext()
  try {
    const page = await context.newPage()
    await page.goto(address).catch((cause: unknown) => {
      throw new CliError('page', `${address} could not be opened: ${(cause as Error).message.split('\n')[0]}`, 1)
    })
    // Evaluated by the browser's own tools, so the page's security policy does not stand in the way.
    await page.evaluate(inspectorSource())
    await page.evaluate(
      `Object.values(window[Symbol.for('uetkit')] ?? {}).forEach((uet) => uet.state().consent !== 'unknown' && uet.consent('${visit}'))`,
    )
    await page.waitForTimeout(wait)
    return await page.evaluate("window[Symbol.for('uetkit.inspector')].report().findings")
  } finally {
    await context.close()
  }
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
