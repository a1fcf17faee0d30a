import type { AddressInfo } from 'node:net'
import { type HttpBindings, serve } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { createFakeCapi, type FakeCapi } from '../../src/testing/fake-capi.ts'

export interface Microsoft {
  url: string
  capi: FakeCapi
  /** Event id → when each copy of it was taken, ms since the epoch. */
  taken: Map<string, number[]>
  /** Events that were taken by a request whose answer did not arrive. */
  unanswered: Set<string>
  /** Told when a request was processed whose answer does not arrive. */
  onLostReply(listener: () => void): void
  close(): void
}

/** The stand-in Conversions API on a socket, which remembers when it took what, and misbehaves by a table. */
export async function startMicrosoft(tags: Record<string, string>): Promise<Microsoft> {
  const taken = new Map<string, number[]>()
  const capi = createFakeCapi({
    tags,
    keep: 1,
    rule: (event) => {
      const id = `${event.eventId}`
      taken.set(id, [...(taken.get(id) ?? []), Date.now()])
      return undefined
    },
  })
  const unanswered = new Set<string>()
  let requests = 0
  let lostReply = () => {}
  const fetch = async (request: Request, { incoming }: HttpBindings) => {
    requests += 1
    const loseReply = requests % 40 === 5
    if (requests % 57 === 0) capi.inject({ kind: 'status', status: 503 })
    if (requests % 71 === 0) capi.inject({ kind: 'throttle', retryAfter: 1 })
    if (requests % 5 === 0) capi.inject({ kind: 'slow', ms: 400 })
    if (!loseReply) return capi.fetch(request)
    const { data } = (await request.clone().json()) as { data: { eventId: string }[] }
    for (const { eventId } of data) unanswered.add(eventId)
    await capi.fetch(request)
    lostReply()
    incoming.socket.destroy()
    return RESPONSE_ALREADY_SENT
  }
  return new Promise((resolve) => {
    const server = serve(
      {
        fetch: (request, env) => fetch(request, env as HttpBindings),
        port: 0,
        hostname: '127.0.0.1',
        overrideGlobalObjects: false,
      },
      () => {
        const { port } = server.address() as AddressInfo
        resolve({
          url: `http://127.0.0.1:${port}`,
          capi,
          taken,
          unanswered,
          onLostReply: (listener) => (lostReply = listener),
          close: () => server.close(),
        })
      },
    )
  })
}
