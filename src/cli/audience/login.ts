import { spawn } from 'node:child_process'
import type { Command } from 'commander'
import { type Account, createAdsClient } from '../../audience/ads/client.ts'
import { signInByBrowser } from '../../audience/ads/login.ts'
import { type AudienceSettings, readAudienceConfig } from '../../audience/config.ts'
import { type Runtime, systemRuntime } from '../../audience/runtime.ts'
import { ConfigError } from '../../config/errors.ts'
import { note, type Result } from '../output.ts'
import { untilDone } from '../signals.ts'
import { type AudienceFlags, loadAudienceConfig } from './config.ts'

export type LoginFlags = AudienceFlags & { port?: number; browser: boolean }

/** `uetkit audience login`: signs in, stores the token, and shows which accounts it reaches. */
export async function login(flags: LoginFlags, _: string[], command: Command): Promise<Result> {
  return untilDone((signal) => signIn(flags, command, signal))
}

async function signIn(flags: LoginFlags, command: Command, signal: AbortSignal): Promise<Result> {
  const loaded = loadAudienceConfig(flags)
  const settings = readAudienceConfig(loaded.audience, loaded)
  const { store, ...app } = settings.app()
  const runtime = systemRuntime({ signal })
  await signInByBrowser({
    ...{ app, store, runtime, endpoints: settings.endpoints, port: flags.port },
    onAddress: (url) => {
      note(command, `Sign in with an account that may use Microsoft Advertising:\n${url}`)
      if (flags.browser) open(url)
    },
  })
  const { accounts, problem } = await reach(settings, runtime)
  const text = [
    `Signed in. The refresh token is stored in ${store.place}.`,
    ...accounts.map(line),
    ...(problem ? [problem] : []),
  ]
  return { document: { storedIn: store.place, accounts, problem }, text: text.join('\n'), exitCode: problem ? 3 : 0 }
}

const line = ({ id, number, name, customerId }: Account): string =>
  `  account ${name} (${number}): "customerId": "${customerId}", "accountId": "${id}"`

/** The accounts that the new token reaches, and what is wrong with the ids of the configuration. */
async function reach(
  settings: AudienceSettings,
  runtime: Runtime,
): Promise<{ accounts: Account[]; problem: string | null }> {
  const [customerId, accountId] = [settings.owner('Customer'), settings.owner('Account')]
  if (!settings.knowsAccounts) return { accounts: [], problem: null }
  try {
    const credentials = settings.credentials({ ids: false })
    const accounts = await createAdsClient({ credentials, endpoints: settings.endpoints, runtime }).accounts()
    const fits = accounts.some((account) => account.id === accountId && account.customerId === customerId)
    if (!accounts.length) return { accounts, problem: 'This sign-in reaches no account of Microsoft Advertising.' }
    if (fits) return { accounts, problem: null }
    const found = accountId
      ? `accountId ${accountId} with customerId ${customerId} is none of these accounts`
      : 'customerId and accountId are not set'
    return { accounts, problem: `In the configuration, ${found}. Take both from the line of your account.` }
  } catch (error) {
    if (error instanceof ConfigError) return { accounts: [], problem: error.message }
    return { accounts: [], problem: `The accounts could not be checked: ${(error as Error).message}` }
  }
}

const OPENERS: Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>> = {
  darwin: ['open'],
  // `start` would take & in the address for the end of the command.
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
}

/** Tries to open the browser; the address stands in the terminal anyway. */
function open(url: string): void {
  const [program, ...args] = OPENERS[process.platform] ?? ['xdg-open']
  const child = spawn(program, [...args, url], { stdio: 'ignore', detached: true })
  child.on('error', () => {})
  child.unref()
}
