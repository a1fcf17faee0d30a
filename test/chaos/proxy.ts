import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface Proxy {
  port: number
  /** Breaks every connection and leads new ones elsewhere, as an address does that a failover moves. */
  lead(target: number): void
  /** Breaks every connection, and takes no new one for so long. */
  cut(ms: number): Promise<void>
  close(): void
}

/** A stretch of network that can be cut. */
export async function startProxy(first: number): Promise<Proxy> {
  let target = first
  const sockets = new Set<Socket>()
  let broken = false
  const server = createServer((near) => {
    if (broken) return near.destroy()
    const far = connect(target, '127.0.0.1')
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket)
      socket.pipe(other)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
    }
    return
  })
  const breakAll = () => {
    for (const socket of sockets) socket.destroy()
  }
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    port: (server.address() as AddressInfo).port,
    lead(next) {
      target = next
      breakAll()
    },
    async cut(ms) {
      broken = true
      breakAll()
      await new Promise((done) => setTimeout(done, ms))
      broken = false
    },
    close: () => {
      breakAll()
      server.close()
    },
  }
}
