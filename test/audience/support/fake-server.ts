import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import {
  ConnectionBroken,
  createFakeAdsApi,
  type FakeAdsApi,
  type FakeAdsOptions,
} from '../../../src/testing/fake-ads.ts'

export interface FakeServer {
  fake: FakeAdsApi
  origin: string
  close(): void
}

/** The stand-in on a real port; a connection that should break does. */
export async function fakeServer(options: FakeAdsOptions = {}): Promise<FakeServer> {
  const fake = createFakeAdsApi(options)
  const server: Server = createServer((incoming, outgoing) => {
    const answer = async (request: Request) => {
      try {
        return await fake.fetch(request)
      } catch (error) {
        if (!(error instanceof ConnectionBroken)) throw error
        incoming.socket.destroy()
        return new Response('')
      }
    }
    return getRequestListener(answer, { overrideGlobalObjects: false })(incoming, outgoing)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    fake,
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
