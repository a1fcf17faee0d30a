import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A relay that can be killed, frozen and started again. */
export interface RelayProcess {
  /** Where it listens, while it runs and is not frozen. */
  url(): string | undefined
  start(): Promise<void>
  signal(name: NodeJS.Signals): void
  stop(): Promise<void>
  /** What it wrote to standard error. */
  lines: string[]
}

export function relayProcess(config: object): RelayProcess {
  const lines: string[] = []
  let child: ChildProcess | undefined
  let url: string | undefined
  return {
    lines,
    url: () => url,
    start: () =>
      new Promise((resolve, reject) => {
        const file = fileURLToPath(new URL('relay-process.ts', import.meta.url))
        const own = spawn(process.execPath, [file, JSON.stringify(config)], { stdio: ['ignore', 'pipe', 'pipe'] })
        child = own
        createInterface(own.stderr!).on('line', (line) => lines.push(line))
        createInterface(own.stdout!).once('line', (line) => {
          url = line
          resolve()
        })
        own.once('exit', (code) => {
          if (child === own) url = undefined
          reject(new Error(`a relay ended with ${code}: ${lines.slice(-3).join('\n')}`))
        })
      }),
    signal(name) {
      if (name === 'SIGKILL') url = undefined
      child?.kill(name)
    },
    async stop() {
      const own = child
      if (!own || own.exitCode !== null || own.signalCode) return
      const gone = new Promise((resolve) => own.once('exit', resolve))
      own.kill('SIGTERM')
      await gone
    },
  }
}
