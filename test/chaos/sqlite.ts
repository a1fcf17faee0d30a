import { parseArgs } from 'node:util'
import { survive } from './survive.ts'

// One relay on SQLite, killed a hundred times. What was accepted must arrive.
const { events, ends } = parseArgs({
  options: { events: { type: 'string', default: '200000' }, ends: { type: 'string', default: '100' } },
}).values

const { counted, holds, seen } = await survive({
  events: Number(events),
  ends: Number(ends),
  clients: 12,
  say: console.log,
})
console.log(counted)
const found = { ...holds, ...seen }
for (const [name, held] of Object.entries(found)) console.log(`${held ? 'ok  ' : 'FAIL'} ${name}`)
process.exit(Object.values(found).every(Boolean) ? 0 : 1)
