import { randomUUID } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/**
 * A file that vanishes: its name is taken away as soon as it is open, so that nothing stays behind even after a crash.
 * Made on the first write, readable by its owner only.
 */
export interface TempFile {
  /** Appends bytes and returns the offset at which they start. */
  append(bytes: Uint8Array): number
  /** Fills `into` from `offset` on and returns how many bytes there were. */
  read(into: Uint8Array, offset: number): number
  close(): void
}

export function tempFile(directory: string): TempFile {
  let descriptor: number | undefined
  let path = ''
  let size = 0
  const remove = () => {
    try {
      unlinkSync(path)
      path = ''
    } catch {
      // Windows keeps the name of an open file; close() tries again.
    }
  }
  const open = () => {
    if (descriptor !== undefined) return descriptor
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    path = join(directory, `.uetkit-${randomUUID()}.tmp`)
    descriptor = openSync(path, 'wx+', 0o600)
    remove()
    return descriptor
  }
  return {
    append: (bytes) => {
      const offset = size
      for (let done = 0; done < bytes.length; )
        done += writeSync(open(), bytes, done, bytes.length - done, offset + done)
      size += bytes.length
      return offset
    },
    read: (into, offset) => {
      let done = 0
      while (done < into.length && offset + done < size) {
        const bytes = readSync(open(), into, done, Math.min(into.length - done, size - offset - done), offset + done)
        if (!bytes) break
        done += bytes
      }
      return done
    },
    close: () => {
      if (descriptor === undefined) return
      closeSync(descriptor)
      descriptor = undefined
      if (path) remove()
    },
  }
}
