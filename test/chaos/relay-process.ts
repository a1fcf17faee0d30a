import { startRelay } from '../../src/relay/node.ts'

// One relay as a process of its own, so that it can be killed and frozen. Its configuration is the first argument.
const relay = await startRelay(JSON.parse(process.argv[2]!))
console.log(relay.url)
process.on('SIGTERM', () => void relay.close().then(() => process.exit(0)))
