import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { OutboxError } from '../outbox.ts'
import { errorResult, isDamage, isFatal, outboxError } from './errors.ts'
import { type OpenDatabase, openDatabase } from './open.ts'
import type { AppendAnswer, Arguments, Batch, Call, CallResult, Reply, Request, WorkerData } from './protocol.ts'
import { partOf } from './rows.ts'
import { openStore, type Store } from './store.ts'

/**
 * The thread that owns the database, so that waiting for the disk never holds up the relay. Everything that arrived
 * while the last commit ran goes into the next one: one fsync for all of it.
 */
const port = parentPort as MessagePort
const room = workerData as WorkerData
const REOPEN_AFTER_MS = 1_000

let opened: (OpenDatabase & { store: Store }) | undefined
let failure: { error: OutboxError; at: number } | undefined
let damage: unknown

const tell = (reply: Reply) => port.postMessage(reply)

function open(now: number) {
  if (opened) return opened
  if (failure && performance.now() - failure.at < REOPEN_AFTER_MS) throw failure.error
  try {
    const file = openDatabase(room.path, now, damage)
    damage = undefined
    if (file.setAside) tell({ notice: 'set-aside', message: file.setAside })
    opened = { ...file, store: openStore(file.db, room) }
    if (failure) tell({ notice: 'recovered', message: `${room.path} works again.` })
    failure = undefined
    return opened
  } catch (error) {
    throw fail(error)
  }
}

/** Gives the database up; it is opened again by a later call. */
function fail(cause: unknown): OutboxError {
  const error = outboxError(cause, room.path)
  if (!failure || failure.error.message !== error.message) tell({ notice: 'failed', message: error.message })
  failure = { error, at: performance.now() }
  if (isDamage(cause)) damage = cause
  try {
    opened?.db.close()
  } catch {
    // There is nothing left to save in this connection.
  }
  opened = undefined
  return error
}

/** Runs the calls in one transaction. When one of them spoils it, each runs in its own. */
function execute(now: number, calls: Call[]): CallResult[] {
  let begun = false
  try {
    const { db, store, checkPlace } = open(now)
    try {
      db.exec('BEGIN IMMEDIATE')
      begun = true
      store.begun()
      const results = calls.map((call) => operate(store, now, call))
      store.flush(now)
      db.exec('COMMIT')
      store.committed()
      checkPlace()
      return results
    } catch (error) {
      store.rolledBack()
      if (isFatal(error) || error instanceof OutboxError) throw fail(error)
      if (db.isTransaction) db.exec('ROLLBACK')
      throw error
    }
  } catch (error) {
    if (begun && opened) {
      if (calls.length > 1) return calls.flatMap((call) => execute(now, [call]))
      const [call] = calls
      if (call?.name === 'append' && (call.args as Arguments<'append'>)[1].length > 1) return [appendEach(now, call)]
    }
    return calls.map(() => errorResult(outboxError(error, room.path)))
  }
}

/** The appends of a call, each in its own transaction. */
function appendEach(now: number, { args }: Call): CallResult {
  const [rows, ends] = args as Arguments<'append'>
  const answer: AppendAnswer = { duplicates: [], refused: [] }
  let from = 0
  ends.forEach((to, at) => {
    const start = from
    from = to
    const [result] = execute(now, [{ name: 'append', args: [partOf(rows, start, to), [to - start]] }])
    if ('error' in result!) return void answer.refused.push({ at, error: result.error })
    const { duplicates, refused } = result!.value as AppendAnswer
    for (const row of duplicates) answer.duplicates.push(start + row)
    for (const { error } of refused) answer.refused.push({ at, error })
  })
  return { value: answer }
}

/** How many events of an append call are stored now. */
function countStored({ args }: Call, result: CallResult): number {
  if (!('value' in result)) return 0
  const [rows, ends] = args as Arguments<'append'>
  const { refused } = result.value as AppendAnswer
  return refused.reduce((sum, { at }) => sum - (ends[at]! - (ends[at - 1] ?? 0)), rows.ids.length)
}

function operate(store: Store, now: number, { name, args }: Call): CallResult {
  const run = store.operations[name] as (now: number, ...args: unknown[]) => unknown
  try {
    return { value: run(now, ...args) }
  } catch (error) {
    // Refused before anything was written: the others go on.
    if (error instanceof OutboxError) return errorResult(error)
    throw error
  }
}

function work(batches: Batch[]) {
  const now = batches.at(-1)!.now
  const started = performance.now()
  const results = execute(
    now,
    batches.flatMap(({ calls }) => calls),
  )
  const commitMs = performance.now() - started
  let events = 0
  for (const { id, calls } of batches) {
    const own = results.splice(0, calls.length)
    calls.forEach((call, index) => {
      if (call.name === 'append') events += countStored(call, own[index]!)
    })
    tell({ id, results: own })
  }
  if (events > 0) tell({ commitMs, events })
}

function close() {
  try {
    opened?.db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    opened?.db.close()
  } catch {
    // What was committed is safe; the next start finishes the rest.
  }
  port.close()
}

port.on('message', (first: Request) => {
  const requests = [first]
  for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port)) requests.push(next.message)
  const batches = requests.filter((request) => request !== 'close')
  if (batches.length > 0) work(batches)
  if (batches.length < requests.length) close()
})
