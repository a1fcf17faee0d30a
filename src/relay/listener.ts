import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import type { DoorAnswer } from './app.ts'
import type { DoorRequest } from './body.ts'
import type { Relay } from './relay.ts'

/**
 * A relay as a listener of `node:http`. What comes to a door is handed over as it is, because making a `Request` and a
 * `Response` for it costs as much as all the rest; anything else goes the common way.
 */
export function createListener(relay: Pick<Relay, 'fetch' | 'doors'>): RequestListener {
  const common = getRequestListener(
    (request, { incoming }) => relay.fetch(request, { address: incoming.socket?.remoteAddress }),
    // A library does not replace the globals of the program it runs in.
    { overrideGlobalObjects: false },
  )
  return (incoming, outgoing) => {
    const door = incoming.method === 'POST' ? relay.doors.get(incoming.url ?? '') : undefined
    if (!door) return common(incoming, outgoing)
    door(fromIncoming(incoming), { address: incoming.socket.remoteAddress }).then(
      ({ status, headers, body }) => answer(outgoing, status, headers, body),
      () => answer(outgoing, 500, {}, ''),
    )
  }
}

const fromIncoming = (incoming: IncomingMessage): DoorRequest => ({
  headers: {
    get: (name) => {
      const value = incoming.headers[name]
      return value === undefined ? null : Array.isArray(value) ? value.join(', ') : value
    },
  },
  bytes: (limit) =>
    new Promise((resolve, reject) => {
      if (Number(incoming.headers['content-length'] ?? 0) > limit) return resolve(undefined)
      let chunks: Buffer[] = []
      let size = 0
      incoming.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size <= limit) return void chunks.push(chunk)
        incoming.pause()
        resolve(undefined)
      })
      incoming.on('end', () => {
        resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks))
        // The request lives on until it is answered.
        chunks = []
      })
      // A connection that ends before its body does raises one, ECONNRESET.
      incoming.on('error', reject)
    }),
})

function answer(outgoing: ServerResponse, status: number, headers: DoorAnswer['headers'], body: string): void {
  if (outgoing.destroyed || outgoing.headersSent) return
  outgoing.writeHead(status, {
    ...headers,
    'content-length': Buffer.byteLength(body),
    // The rest of a body that is too large is not waited for.
    ...(status === 413 && { connection: 'close' }),
  })
  outgoing.end(body)
}
