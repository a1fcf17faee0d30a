// The relay as it is built, in a process of its own.
const built = new URL('../../dist/relay/node.js', import.meta.url).href
const { startRelay } = (await import(built)) as typeof import('../../src/relay/node.ts')
const relay = await startRelay(JSON.parse(process.argv[2]!))
process.send!({ port: Number(new URL(relay.url).port), adminUrl: relay.adminUrl })
process.on('SIGTERM', () => void relay.close().then(() => process.exit(0)))
