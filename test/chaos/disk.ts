import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { sqliteOutbox } from '../../src/relay/outbox/sqlite.ts'

// What disks do: they fill up, fail to sync, and lose power. Whatever was acknowledged must still be there. Needs Linux,
// root, and for single faults strace, mkfs.ext4 or perl; what cannot be run here is named.
const ROUNDS = Number(process.argv[2] ?? 5)
const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms))
const run = (command: string, ...args: string[]) => execFileSync(command, args, { stdio: 'pipe' })

const folder = mkdtempSync(join(tmpdir(), 'uetkit-disk-'))
let failed = false

const writers = new Set<{ kill(): Promise<unknown> }>()

/** A process that appends, and what it was told. */
function startWriter(path: string, ...prefix: string[]) {
  const command = [...prefix, process.execPath, fileURLToPath(new URL('writer.ts', import.meta.url)), path]
  const child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] })
  const acknowledged: string[] = []
  const said: string[] = []
  createInterface(child.stdout).on('line', (line) => acknowledged.push(...line.split(' ')))
  createInterface(child.stderr).on('line', (line) => said.push(line))
  const ended = new Promise((resolve) => child.once('close', resolve))
  const writer = {
    acknowledged,
    said,
    until: async (what: () => boolean, ms = 60_000) => {
      for (const end = Date.now() + ms; Date.now() < end && !what(); ) await sleep(20)
      if (!what()) throw new Error(`in vain: ${what}; ${said.slice(-3).join(' | ')}`)
    },
    kill: () => {
      writers.delete(writer)
      // strace passes no SIGKILL on.
      if (prefix.length > 0) run('pkill', '-KILL', '-P', `${child.pid}`)
      else child.kill('SIGKILL')
      return ended
    },
  }
  writers.add(writer)
  return writer
}

/** How many of these ids the store does not know. */
async function countUnknown(path: string, ids: readonly string[]): Promise<number> {
  const outbox = sqliteOutbox(path, { minFreeBytes: 0 })
  let unknown = 0
  for (let start = 0; start < ids.length; start += 1_000) {
    const events = ids
      .slice(start, start + 1_000)
      .map((id) => ({ tagId: '1', id, name: '', eventTime: Date.now(), subjects: [], body: '' }))
    unknown += (await outbox.append(events)).filter((answer) => answer === 'stored').length
  }
  await outbox.close()
  return unknown
}

/** Acknowledged events that are not there: neither known, nor, should they be known, waiting. */
async function countLost(path: string, ids: readonly string[]): Promise<number> {
  const unknown = await countUnknown(path, ids)
  const outbox = sqliteOutbox(path)
  const [books] = await outbox.counts()
  await outbox.close()
  return unknown + Math.max(0, ids.length - books!.waiting)
}

async function scenario(name: string, act: () => Promise<string>) {
  try {
    console.log(`ok   ${name}: ${await act()}`)
  } catch (error) {
    const { code, message } = error as { code?: unknown; message: string }
    const missing = code === 'ENOENT' || /must be superuser|Operation not permitted|permission denied/i.test(message)
    if (!missing) failed = true
    for (const writer of writers) await writer.kill()
    console.log(`${missing ? 'SKIP' : 'FAIL'} ${name}: ${message.split('\n')[0]}`)
  }
}

const none = (lost: number) => {
  if (lost > 0) throw new Error(`${lost} acknowledged events are gone`)
}

await scenario('a disk that fills up, and has room again', async () => {
  const disk = mkdtempSync(join(folder, 'full-'))
  run('mount', '-t', 'tmpfs', '-o', 'size=24m', 'none', disk)
  try {
    writeFileSync(join(disk, 'filler'), Buffer.alloc(12 * 1_048_576))
    const path = join(disk, 'relay.db')
    const writer = startWriter(path)
    await writer.until(() => writer.said.includes('refused full'))
    const before = writer.acknowledged.length
    rmSync(join(disk, 'filler'))
    await writer.until(() => writer.acknowledged.length > before + 1_000)
    await writer.kill()
    // The copy has room for looking.
    run('cp', '-a', disk, join(folder, 'full-copy'))
    none(await countLost(join(folder, 'full-copy', 'relay.db'), writer.acknowledged))
    return `${writer.acknowledged.length} acknowledged, ${before} of them before it was full`
  } finally {
    run('umount', disk)
  }
})

await scenario('a sync that fails', async () => {
  const path = join(folder, 'sync', 'relay.db')
  const writer = startWriter(
    path,
    'strace',
    '-f',
    '-qq',
    '-o',
    '/dev/null',
    '-e',
    'trace=fsync',
    '-e',
    'inject=fsync:error=EIO:when=60+200',
  )
  await writer.until(() => writer.said.some((line) => line.startsWith('failed')))
  const before = writer.acknowledged.length
  await writer.until(
    () => writer.said.some((line) => line.startsWith('recovered')) && writer.acknowledged.length > before,
  )
  await writer.kill()
  none(await countLost(path, writer.acknowledged))
  return `${writer.acknowledged.length} acknowledged, ${before} of them before the failure`
})

await scenario(`a power cut, ${ROUNDS} times`, async () => {
  const image = join(folder, 'image')
  const disk = mkdtempSync(join(folder, 'power-'))
  run('truncate', '-s', '256M', image)
  run('mkfs.ext4', '-q', image)
  const acknowledged: string[] = []
  const during: string[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    run('mount', '-o', 'loop', image, disk)
    const writer = startWriter(join(disk, 'relay.db'))
    await writer.until(() => writer.acknowledged.length > 500)
    await sleep(Math.random() * 1_000)
    // An acknowledgement that comes while the file system is being stopped proves nothing: a sync that is under way then
    // may return without an error, which no machine without power does. It is counted apart.
    const before = writer.acknowledged.length
    // The file system stops at once and writes nothing more: FS_IOC_SHUTDOWN without a flush of its journal.
    run('perl', '-e', `open F, "<", "${disk}"; my $f = pack("L", 2); ioctl(F, 0x8004587d, $f) or die "ioctl: $!"`)
    await writer.kill()
    run('umount', disk)
    acknowledged.push(...writer.acknowledged.slice(0, before))
    during.push(...writer.acknowledged.slice(before))
  }
  run('mount', '-o', 'loop', image, disk)
  try {
    none(await countLost(join(disk, 'relay.db'), acknowledged))
    const gone = await countUnknown(join(disk, 'relay.db'), during)
    return `${acknowledged.length} acknowledged before a cut, none gone; ${during.length} during one, ${gone} gone`
  } finally {
    run('umount', disk)
  }
})

rmSync(folder, { recursive: true })
process.exit(failed ? 1 : 0)
