// This file must start on any Node that runs ES modules, so it imports nothing before it knows the version.
const NEEDED = [22, 13] as const

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1])) {
  const message = `this is Node ${process.versions.node}; uetkit on the command line needs ${NEEDED.join('.')} or later. Install it from https://nodejs.org/`
  if (process.argv.includes('--json')) console.log(JSON.stringify({ error: { code: 'node_version', message } }))
  else console.error(`uetkit: ${message}`)
  process.exitCode = 2
} else {
  if (process.argv.slice(2).find((word) => !word.startsWith('-')) === 'relay') {
    const { becomeSmall } = await import('./small-memory.ts')
    becomeSmall()
  }
  // `uetkit … | head` closes the pipe early, which is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
  const { main } = await import('./main.ts')
  process.exitCode = await main(process.argv.slice(2))
}

export {}
