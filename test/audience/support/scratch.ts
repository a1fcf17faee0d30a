import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

// A store waits for the disk at each change; where there is a disk in memory it does not wait long.
const ROOT = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/** A new folder, for the caller to remove. */
export const scratch = (): string => mkdtempSync(join(ROOT, 'uetkit-test-'))
