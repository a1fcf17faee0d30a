import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

// In Microsoft's place: takes everything after a delay, and measures how old events are when they come. It does not
// check them, because its work counts on the same machine. `mode` decides what it does.
let delayMs = 50
let down = false
let received = 0
let ages: number[] = []

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => {
    const now = Date.now()
    if (down) return response.writeHead(503).end()
    // The first 13 digits of an id say when the event was made.
    const ids = Buffer.concat(chunks)
      .toString('latin1')
      .matchAll(/"eventId":"(\d{13})-/g)
    let count = 0
    for (const [, time] of ids) {
      count += 1
      if (ages.length < 1_000_000) ages.push(now - Number(time))
    }
    setTimeout(() => {
      received += count
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ eventsReceived: count }))
    }, delayMs)
  })
})

process.on('message', (message: { delayMs?: number; down?: boolean }) => {
  delayMs = message.delayMs ?? delayMs
  down = message.down ?? down
  process.send!({
    received,
    ages: ages.sort((a, b) => a - b).filter((_, index) => index % Math.ceil(ages.length / 10_000) === 0),
  })
  ages = []
})
server.listen(0, '127.0.0.1', () => process.send!({ port: (server.address() as AddressInfo).port }))
