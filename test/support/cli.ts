import { type ChildProcess, spawn } from 'node:child_process'

/** The command line as a process of its own, run from its source. */
export interface CliProcess {
  child: ChildProcess
  /** Resolves with what was printed to standard output once it ends in a line end. */
  firstOutput(): Promise<string>
  /** Resolves when it has ended. */
  ended: Promise<{ code: number | null; out: string; err: string }>
}

export function spawnCli(args: readonly string[], env: Record<string, string> = {}, cwd?: string): CliProcess {
  const bin = new URL('../../src/cli/bin.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [bin, ...args], {
    env: { PATH: process.env.PATH ?? '', ...env },
    ...(cwd !== undefined && { cwd }),
  })
  let out = ''
  let err = ''
  const listeners = new Set<() => void>()
  child.stdout.on('data', (chunk) => {
    out += chunk
    for (const listener of listeners) listener()
  })
  child.stderr.on('data', (chunk) => (err += chunk))
  const ended = new Promise<{ code: number | null; out: string; err: string }>((resolve) =>
    child.on('close', (code) => resolve({ code, out, err })),
  )
  const firstOutput = () =>
    new Promise<string>((resolve, reject) => {
      const look = () => out.endsWith('\n') && resolve(out)
      listeners.add(look)
      ended.then(() => reject(new Error(`ended without output: ${err}`)))
      look()
    })
  return { child, firstOutput, ended }
}
