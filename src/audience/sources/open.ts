import { createReadStream } from 'node:fs'
import type { CohortSource } from '../config.ts'
import type { Runtime } from '../runtime.ts'
import { amplitudeCohort } from './amplitude.ts'
import { csvRows } from './csv.ts'
import { ndjsonRows } from './ndjson.ts'
import { type Bytes, type SourceRows, sourceError } from './rows.ts'

const PIECE = 1 << 16
/** Named when nobody names one. */
const USER_ID = 'user_id'

/** The rows of a cohort, wherever they are. */
export async function openSource(
  source: CohortSource,
  cohortId: string,
  amplitudeEndpoint: string | undefined,
  runtime: Runtime,
): Promise<SourceRows> {
  if (source.kind === 'amplitude') {
    const options = { ...source, keys: source.keys(), cohortId, endpoint: amplitudeEndpoint }
    const columns = { email: source.email, userId: USER_ID, userIdOptional: true }
    return csvRows(await amplitudeCohort(options, runtime), columns, 'Amplitude')
  }
  const { path, format, email, userId } = source
  const label = path === '-' ? 'standard input' : path
  const columns = { email, userId: userId ?? USER_ID, userIdOptional: userId === undefined }
  const bytes = path === '-' ? (process.stdin as Bytes) : fileBytes(path, label)
  return format === 'ndjson' ? ndjsonRows(bytes, columns, label) : csvRows(bytes, columns, label)
}

async function* fileBytes(path: string, label: string): Bytes {
  try {
    yield* createReadStream(path, { highWaterMark: PIECE })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw typeof code === 'string' ? sourceError(label, `the file cannot be read (${code}).`) : error
  }
}
