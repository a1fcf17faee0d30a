import { Worker } from 'node:worker_threads'
import { type NewEvent, OutboxError, type Stored } from '../outbox.ts'
import type { Arguments, Batch, Call, CallResult, Reply, Request, WorkerData } from './protocol.ts'
import { addRow, emptyRows } from './rows.ts'
import type { OperationName, Operations } from './store.ts'

/** The worker stands beside this file, as source and as built. */
const WORKER = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url)

interface Waiting {
  resolve(value: unknown): void
  reject(error: OutboxError): void
}

export interface LinkHooks {
  now(): number
  onCommit(durationMs: number, events: number): void
  onNotice(notice: 'failed' | 'recovered' | 'set-aside', message: string): void
}

/** Calls the worker's operations. Calls made in the same turn of the event loop travel together. */
export function openLink(data: WorkerData, { now, onCommit, onNotice }: LinkHooks) {
  const sent = new Map<number, Waiting[]>()
  let calls: Call[] = []
  let rows = emptyRows()
  let waiting: Waiting[] = []
  let lastId = 0
  let worker: Worker | undefined
  let closed = false

  const gone = (cause: unknown) => {
    worker = undefined
    const text = cause instanceof Error ? cause.message : `it ended with code ${cause}`
    const error = new OutboxError(
      'unavailable',
      `The thread that writes ${data.path} stopped: ${text}. It is started again.`,
    )
    if (!closed) onNotice('failed', error.message)
    for (const callers of sent.values()) for (const { reject } of callers) reject(error)
    sent.clear()
  }
  const receive = (reply: Reply) => {
    if ('notice' in reply) return onNotice(reply.notice, reply.message)
    if ('commitMs' in reply) return onCommit(reply.commitMs, reply.events)
    const callers = sent.get(reply.id) ?? []
    sent.delete(reply.id)
    // An idle outbox does not keep a program alive that has nothing else to do.
    if (sent.size === 0) worker?.unref()
    callers.forEach(({ resolve, reject }, index) => {
      const result = reply.results[index] as CallResult
      if ('value' in result) return resolve(result.value)
      const { code, message, retryAfterMs } = result.error
      reject(new OutboxError(code, message, { retryAfterMs }))
    })
  }
  const start = () => {
    const started = new Worker(WORKER, {
      workerData: data,
      name: 'uetkit-outbox',
      // Without the flags of this process: some are refused for threads.
      execArgv: [],
      // What it holds is short-lived; by default V8 would give it as much room as the machine allows. It needs a small
      // part of the second figure, by which V8 decides how much to let come together.
      resourceLimits: { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 256 },
    })
    started.on('message', receive)
    started.once('error', (error) => worker === started && gone(error))
    started.once('exit', (code) => worker === started && gone(code))
    started.unref()
    return started
  }
  const post = (request: Request) => {
    worker ??= start()
    worker.ref()
    worker.postMessage(request)
  }
  const flush = () => {
    if (calls.length === 0) return
    const batch: Batch = { id: ++lastId, now: now(), calls }
    sent.set(batch.id, waiting)
    calls = []
    rows = emptyRows()
    waiting = []
    post(batch)
  }

  function call<Name extends OperationName>(
    name: Name,
    ...args: Arguments<Name>
  ): Promise<ReturnType<Operations[Name]>> {
    if (closed) {
      const message = 'The outbox is closed: the relay is stopping. Send again in a moment.'
      return Promise.reject(new OutboxError('closed', message))
    }
    return new Promise((resolve, reject) => {
      if (calls.length === 0) setImmediate(flush)
      calls.push({ name, args })
      waiting.push({ resolve: resolve as (value: unknown) => void, reject })
    })
  }

  worker = start()
  return {
    call,
    async append(events: readonly NewEvent[]): Promise<Stored[]> {
      const from = rows.ids.length
      for (const event of events) addRow(rows, event)
      const stored = new Array<Stored>(events.length).fill('stored')
      for (const index of await call('append', rows, from, rows.ids.length)) stored[index] = 'duplicate'
      return stored
    },
    /** Lets the worker finish what it was asked, and end. */
    async close() {
      if (closed) return
      closed = true
      flush()
      const ending = worker
      if (!ending) return
      const ended = new Promise((resolve) => ending.once('exit', resolve))
      post('close')
      await ended
    },
  }
}
