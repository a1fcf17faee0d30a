import { type ChildProcess, fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface Child<Ready> {
  ready: Ready
  pid: number
  /** Milliseconds from the start of the process to its first message. */
  startMs: number
  ask<Answer>(message: object): Promise<Answer>
  /** Megabytes of memory, now and at most so far. Linux only. */
  memory(): { now: number; most: number }
  stop(signal?: NodeJS.Signals): Promise<void>
}

/** Starts a file beside this one and waits for its first message. */
export async function start<Ready>(file: string, args: string[] = [], execArgv: string[] = []): Promise<Child<Ready>> {
  const started = performance.now()
  const child: ChildProcess = fork(fileURLToPath(new URL(file, import.meta.url)), args, {
    execArgv: [...process.execArgv, ...execArgv],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const ready = await next<Ready>(child)
  return {
    ready,
    pid: child.pid!,
    startMs: performance.now() - started,
    ask: (message) => {
      const answer = next(child)
      child.send(message)
      return answer as never
    },
    memory() {
      if (process.platform !== 'linux') return { now: Number.NaN, most: Number.NaN }
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
      const megabytes = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1_024
      return { now: megabytes('VmRSS'), most: megabytes('VmHWM') }
    },
    stop: (signal = 'SIGTERM') =>
      new Promise((resolve) => {
        child.once('exit', () => resolve())
        child.kill(signal)
      }),
  }
}

const next = <Message>(child: ChildProcess): Promise<Message> =>
  new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`${child.spawnargs[1]} ended with ${code}`))
    child.once('exit', ended)
    child.once('message', (message) => {
      child.off('exit', ended)
      resolve(message as Message)
    })
  })
