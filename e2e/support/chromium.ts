import { execFileSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, chromium } from 'playwright'

/** Keeps a fresh Chromium quiet: it looks up nothing by itself. */
export const FLAGS = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // What no test answers goes nowhere.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
]

const NAMES = ['google-chrome', 'google-chrome-stable', 'chromium', 'chromium-browser', 'chrome.exe']
const PLACES = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  `${process.env.PROGRAMFILES}\\Google\\Chrome\\Application\\chrome.exe`,
  `${process.env.LOCALAPPDATA}\\Google\\Chrome\\Application\\chrome.exe`,
]

const isExecutable = (path: string) => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const installed = (): string | undefined =>
  [
    ...(process.env.PATH ?? '').split(delimiter).flatMap((folder) => NAMES.map((name) => join(folder, name))),
    ...PLACES,
  ].find(isExecutable)

const playwrightOwn = (): string | undefined => {
  const path = chromium.executablePath()
  return path && existsSync(path) ? path : undefined
}

const run = (command: string, ...args: string[]) => {
  try {
    execFileSync(command, args, { stdio: 'ignore', timeout: 300_000 })
    return true
  } catch {
    return false
  }
}

/** Finds a browser, or installs one: `UETKIT_CHROMIUM`, Playwright's, an installed one, a download, Debian's package. */
export function findChromium(): string {
  const wanted = process.env.UETKIT_CHROMIUM
  if (wanted) {
    if (isExecutable(wanted)) return wanted
    throw new Error(`UETKIT_CHROMIUM is ${wanted}, which cannot be executed. Set it to a Chrome or Chromium binary.`)
  }
  const found = playwrightOwn() ?? installed()
  if (found) return found
  console.log('No browser found: installing Chromium …')
  run(process.execPath, join('node_modules', 'playwright', 'cli.js'), 'install', 'chromium')
  const downloaded = playwrightOwn()
  if (downloaded) return downloaded
  if (existsSync('/etc/debian_version') && process.getuid?.() === 0) {
    run('apt-get', 'update', '-qq')
    run('apt-get', 'install', '-y', '-qq', '--no-install-recommends', 'chromium')
  }
  const packaged = installed()
  if (packaged) return packaged
  throw new Error('No browser could be found or installed. Install Chrome or Chromium, or set UETKIT_CHROMIUM to one.')
}

export const launchChromium = (executablePath = findChromium()): Promise<Browser> =>
  chromium.launch({ executablePath, args: FLAGS })
