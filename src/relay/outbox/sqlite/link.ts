import { Worker } from 'node:worker_threads'
import { type NewEvent, OutboxError, type Stored } from '../outbox.ts'
import { openAppends } from './appends.ts'
import type { Arguments, Batch, Call, CallResult, Reply, Request, WorkerData } from './protocol.ts'
import type { OperationName, Operations } from './store.ts'

/** The worker stands beside this file, as source and as built. */
const WORKER = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url)

interface Waiting {
  resolve(value: unknown): void
  reject(error: OutboxError): void
  /** What it was called with is on its way. */
  letGo?(): void
}

export interface LinkHooks {
  now(): number
  /** Events of a tag were stored that are new. */
  onStored(tagId: string, events: number): void
  onCommit(durationMs: number, events: number): void
  onNotice(notice: 'failed' | 'recovered' | 'set-aside', message: string): void
}

/** Calls the worker's operations. Calls made in the same turn of the event loop travel together. */
export function openLink(data: WorkerData, { now, onStored, onCommit, onNotice }: LinkHooks) {
  const sent = new Map<number, Waiting[]>()
  let calls: Call[] = []
  let waiting: Waiting[] = []
  /** Takes what is appended until something else is called, so that all happens in the order of the calls. */
  let appends: ReturnType<typeof openAppends> | undefined
  let queuedBytes = 0
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
    const callers = waiting
    calls = []
    appends = undefined
    waiting = []
    post(batch)
    for (const { letGo } of callers) letGo?.()
  }

  const queue = (name: OperationName, args: readonly unknown[], caller: Waiting) => {
    if (calls.length === 0) setImmediate(flush)
    calls.push({ name, args })
    waiting.push(caller)
  }
  const closedError = () =>
    new OutboxError('closed', 'The outbox is closed: the relay is stopping. Send again in a moment.')

  function call<Name extends OperationName>(
    name: Name,
    ...args: Arguments<Name>
  ): Promise<ReturnType<Operations[Name]>> {
    if (closed) return Promise.reject(closedError())
    appends = undefined
    return new Promise((resolve, reject) => queue(name, args, { resolve: resolve as Waiting['resolve'], reject }))
  }

  function append(events: readonly NewEvent[], bytes: number): Promise<Stored[]> {
    if (closed) return Promise.reject(closedError())
    queuedBytes += bytes
    if (!appends) {
      appends = openAppends(onStored, (ended) => (queuedBytes -= ended))
      queue('append', appends.args, appends as Waiting)
    }
    return appends.add(events, bytes)
  }

  worker = start()
  return {
    call,
    /** All of one call or none. `bytes` is what they count for in `queuedBytes`. */
    append,
    /** What was appended and is not stored yet. */
    queuedBytes: () => queuedBytes,
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
