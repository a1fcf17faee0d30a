import { connect, type Socket } from 'node:net'

/** One HTTP/1.1 request in bytes, with a place for an id of `ID_LENGTH` characters in each of its events. */
export interface Template {
  bytes: Buffer
  /** Where ids begin. */
  places: number[]
}

export const ID_LENGTH = 36
const PLACE = '#'.repeat(ID_LENGTH)

/** A request of `count` events, each about 440 bytes of JSON. */
export function template(host: string, origin: string, count: number): Template {
  const event = {
    type: 'track',
    id: PLACE,
    name: 'Order Completed',
    time: 0,
    consent: 'granted',
    page: { loadId: '0b0f9a63-5a4f-4a0e-9d4c-6b5d3f3b1c11', url: `${origin}/thanks?order=8841`, title: 'Thank you' },
    properties: { category: 'tools', revenue: 25, currency: 'EUR', order_id: 'A-8841' },
    user: { anonymousId: '5c1e4f0acb6b11f0a1b20242ac120002', msclkid: '292049a17e2413e3a4081719e839afe6' },
  }
  const events = Array.from({ length: count }, () => ({ ...event, time: Date.now() }))
  const body = JSON.stringify({ v: 1, key: 'pk_bench', sentAt: Date.now(), events })
  const head = [
    'POST /v1/e HTTP/1.1',
    `Host: ${host}`,
    `Origin: ${origin}`,
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36',
    'Content-Type: text/plain;charset=UTF-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ]
  const bytes = Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`)
  const places: number[] = []
  for (let at = bytes.indexOf(PLACE); at >= 0; at = bytes.indexOf(PLACE, at + 1)) {
    places.push(at)
    at += ID_LENGTH - 1
  }
  return { bytes, places }
}

let lastId = 0
/** Ids that say when they were made: 13 digits of milliseconds, then a number. */
const nextId = () => `${Date.now()}-${process.pid}-${++lastId}`.padEnd(ID_LENGTH, '-')

export interface Measured {
  requests: number
  /** Answers that were not 2xx, by status. */
  refused: Record<string, number>
  seconds: number
  /** Milliseconds, sorted. */
  latencies: number[]
}

export interface Drive {
  port: number
  request: Template
  connections: number
  /** Ends after so many seconds, */
  seconds?: number
  /** or so many requests. */
  requests?: number
  /**
   * Requests a second, whatever the answers take: latency then counts from when a request was due, so that a stall is not
   * hidden by fewer requests. As fast as answers come when left out.
   */
  rate?: number
}

/** Sends requests over kept-alive connections, with as little work of its own as possible. */
export async function drive({ port, request, connections, seconds = 3_600, requests, rate }: Drive): Promise<Measured> {
  const latencies: number[] = []
  const refused: Record<string, number> = {}
  const idle: Connection[] = []
  const late: number[] = []
  let sent = 0
  let running = true
  const most = requests ?? Number.POSITIVE_INFINITY
  const bytes = Buffer.from(request.bytes)
  const started = performance.now()
  let done: () => void
  const finished = new Promise<void>((resolve) => {
    done = resolve
  })

  const send = (connection: Connection, due: number) => {
    sent += 1
    for (const place of request.places) bytes.write(nextId(), place, 'latin1')
    connection.send(Buffer.from(bytes), due)
  }
  const answered = (connection: Connection, status: number, due: number) => {
    latencies.push(performance.now() - due)
    if (status >= 300) refused[status] = (refused[status] ?? 0) + 1
    if (sent >= most) running = false
    if (latencies.length === sent && !running) return done()
    if (rate === undefined) {
      if (running) send(connection, performance.now())
    } else if (late.length > 0) send(connection, late.shift()!)
    else idle.push(connection)
  }
  const all = await Promise.all(Array.from({ length: connections }, () => open(port, answered)))
  let pacer: ReturnType<typeof setInterval> | undefined
  if (rate === undefined) for (const connection of all) send(connection, performance.now())
  else {
    idle.push(...all)
    let due = performance.now()
    pacer = setInterval(() => {
      for (; running && due <= performance.now(); due += 1_000 / rate) {
        // In turns: the server ends a connection that is left idle.
        const connection = idle.shift()
        if (connection) send(connection, due)
        else late.push(due)
      }
    }, 1)
  }
  const timer = setTimeout(() => {
    running = false
    late.length = 0
    if (latencies.length === sent) done()
  }, seconds * 1_000)
  await finished
  clearTimeout(timer)
  clearInterval(pacer)
  for (const connection of all) connection.end()
  const elapsed = (performance.now() - started) / 1_000
  return { requests: latencies.length, refused, seconds: elapsed, latencies: latencies.sort((a, b) => a - b) }
}

interface Connection {
  send(bytes: Buffer, due: number): void
  end(): void
}

/** One request at a time; of an answer only the status and the length of the body are read. */
function open(port: number, answered: (connection: Connection, status: number, due: number) => void) {
  return new Promise<Connection>((resolve, reject) => {
    const socket: Socket = connect(port, '127.0.0.1')
    let text = ''
    let due = 0
    const connection: Connection = {
      send(bytes, at) {
        due = at
        socket.write(bytes)
      },
      end: () => socket.destroy(),
    }
    socket.setNoDelay()
    socket.once('error', reject)
    socket.once('connect', () => resolve(connection))
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      const end = text.indexOf('\r\n\r\n')
      if (end < 0) return
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? 0)
      if (text.length < end + 4 + length) return
      const status = Number(text.slice(9, 12))
      text = ''
      answered(connection, status, due)
    })
  })
}

export const percentile = (sorted: number[], part: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
