import { mapCapi } from '../src/core/map-capi.ts'
import { NOW, purchase } from '../test/support/events.ts'

/** What mapping costs, as a multiple of `JSON.stringify` of the same event: that ratio means the same on any machine. */
const ROUNDS = 15
const EVENTS = 5_000
const options = { now: NOW, clientIpAddress: '203.0.113.7', clientUserAgent: 'Mozilla/5.0 (X11; Linux x86_64)' }
const { em: _, ...user } = purchase.user!
const cases = {
  'a purchase with two products': purchase,
  'the same, as a browser with uetkit sends it': {
    ...purchase,
    conversion: { action: 'track', label: 'Order Completed', category: 'checkout', value: 59.9, currency: 'EUR' },
  },
  'a sign-up': { ...purchase, name: 'Signed Up', properties: { plan: 'pro' } },
  'a page': { ...purchase, type: 'page' as const, properties: {} },
  'a purchase with a raw e-mail address': { ...purchase, user: { ...user, email: 'jane.doe@example.com' } },
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!

/** Microseconds of processor time for one event, of all threads, so that other work on the machine counts little. */
async function cost(run: () => unknown): Promise<number> {
  const started = process.cpuUsage()
  for (let n = 0; n < EVENTS; n++) await run()
  const { user, system } = process.cpuUsage(started)
  return (user + system) / EVENTS
}

for (const [name, event] of Object.entries(cases)) {
  const map: number[] = []
  const json: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    json.push(await cost(async () => JSON.stringify(event)))
    map.push(await cost(() => mapCapi(event, options)))
  }
  const [mapping, text] = [median(map), median(json)]
  console.log(`${name}: ${(mapping / text).toFixed(1)} × JSON.stringify (${mapping.toFixed(1)} µs)`)
}
