import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { Command, InvalidArgumentError, Option } from 'commander'
import { isTagId } from '../core/identifiers.ts'
import { CREDENTIALS } from './audience/config.ts'
import { action, CliError, note, print } from './output.ts'
import { untilSignal } from './signals.ts'

interface MockFlags {
  port: number
  tag: Record<string, string>
}

const TAGS = { '97247724': 'mock-token' }
const CAPI_PATHS = /^\/(v1\/|c\.gif$|CampaignManagement\/v13\/UetTagAuthKey\/)/

/** `uetkit mock`: Microsoft's side on one port, for trying things out. */
export function mockCommand(): Command {
  return new Command('mock')
    .description('stand-ins for the Conversions API and the Ads API; nothing leaves this machine')
    .addOption(new Option('--port <n>', 'port on 127.0.0.1').default(8790).argParser(toPort))
    .addOption(
      new Option('--tag <id=token>', 'a tag and its token, repeatable')
        .default(TAGS, '97247724=mock-token')
        .argParser(addTag),
    )
    .action(action<MockFlags>(run))
}

async function run(
  { port, tag: tags, json }: MockFlags & { json?: boolean },
  _: string[],
  command: Command,
): Promise<undefined> {
  const { createFakeAdsApi, createFakeCapi } = await import('../testing/index.ts')
  const capi = createFakeCapi({ tags })
  const ads = createFakeAdsApi()
  const answer = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url)
    if (pathname === '/') return Response.json(describe())
    return CAPI_PATHS.test(pathname) ? capi.fetch(request) : ads.fetch(request)
  }
  const describe = () => ({
    capi: {
      eventsReceived: capi.oracle.total,
      distinct: capi.oracle.distinct,
      latest: capi.oracle.accepted.slice(-100),
    },
    ads: { lists: ads.lists().map((list) => ({ ...list, members: list.members.size })), violations: ads.violations },
  })
  const server = createServer(getRequestListener(answer, { overrideGlobalObjects: false }))
  const stopped = untilSignal()
  await new Promise<void>((resolve, reject) => {
    server.once('error', ({ message }) =>
      reject(new CliError('port', `cannot listen: ${message}. Choose another port with --port`)),
    )
    server.listen(port, '127.0.0.1', resolve)
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const document = {
    url,
    capi: { url, tags },
    ads: { endpoints: ads.endpoints(url), credentials: ads.credentials },
  }
  if (json) print(command, JSON.stringify(document))
  else {
    note(command, `stand-ins listen on ${url}, which also shows what they received`)
    note(command, `  relay:    "capi": { "url": "${url}" }, or UETKIT_CAPI_URL=${url}`)
    note(
      command,
      `  tags:     ${Object.entries(tags)
        .map(([id, token]) => `${id} with token ${token}`)
        .join(', ')}`,
    )
    note(command, `  audience: "endpoints": ${JSON.stringify(document.ads.endpoints)}`)
    for (const [key, variable] of Object.entries(CREDENTIALS)) {
      note(command, `            export ${variable}=${ads.credentials[key as keyof typeof CREDENTIALS]}`)
    }
  }
  await stopped
  server.closeAllConnections()
  server.close()
  return undefined
}

function toPort(text: string): number {
  const port = Number(text)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new InvalidArgumentError('a port, 0 to 65535')
  return port
}

function addTag(text: string, tags: Record<string, string>): Record<string, string> {
  const [, id, token] = /^(\d+)=(.+)$/.exec(text) ?? []
  if (!token || !isTagId(id!)) throw new InvalidArgumentError('a tag id and a token, such as 97247724=secret')
  return { ...(tags === TAGS ? {} : tags), [id!]: token }
}
