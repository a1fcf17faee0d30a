import { openOutbox, readConfig, startRelay } from '../../src/relay/node.ts'
import { withLease } from './lease.ts'

// One relay as a process of its own, so that it can be killed and frozen. Its configuration is the first argument; with a
// second one, leases are so many milliseconds long.
const config = readConfig(JSON.parse(process.argv[2]!))
const leaseMs = Number(process.argv[3])
const relay = await startRelay(config, leaseMs ? { outbox: withLease(openOutbox(config.outbox), leaseMs) } : {})
console.log(relay.url)
process.on('SIGTERM', () => void relay.close().then(() => process.exit(0)))
