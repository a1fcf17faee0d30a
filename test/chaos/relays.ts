import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A relay that can be killed, frozen and started again. */
export interface RelayProcess {
  /** Where it listens, while it runs and is not frozen. */
  url(): string | undefined
  start(): Promise<void>
  signal(name: NodeJS.Signals): void
  /** Asks it to end; answers its exit code. */
  stop(): Promise<number | null>
  /** What it wrote to standard error. */
  lines: string[]
}

/** `leaseMs`: other leases than the relay's own. */
export function relayProcess(config: object, leaseMs?: number): RelayProcess {
  const lines: string[] = []
  let child: ChildProcess | undefined
  let url: string | undefined
  return {
    lines,
    url: () => url,
    start: () =>
      new Promise((resolve, reject) => {
        const file = fileURLToPath(new URL('relay-process.ts', import.meta.url))
        const args = [file, JSON.stringify(config), ...(leaseMs === undefined ? [] : [`${leaseMs}`])]
        const own = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
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
      if (!own || own.exitCode !== null || own.signalCode) return own?.exitCode ?? null
      const gone = new Promise<number | null>((resolve) => own.once('exit', resolve))
      own.kill('SIGTERM')
      return gone
    },
  }
}
