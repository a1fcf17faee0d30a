import { describeRequest } from '../http/errors.ts'
import { AudienceError, type AudienceErrorCode } from './errors.ts'
import { type Runtime, stopped } from './runtime.ts'
import type { Bytes } from './sources/rows.ts'

export interface DownloadOptions {
  url: string
  headers?: Record<string, string>
  /** The code of an error when nothing comes. */
  code: AudienceErrorCode
}

export interface Download {
  status: number
  headers: Headers
  /** Of a status other than 200 nothing. Throws `AudienceError` when the connection breaks or stands still. */
  body: Bytes
}

const IDLE_MS = 60_000

/**
 * A file of any size, piece by piece. One redirect is followed, without the headers, which may hold the keys of the
 * first place, and only to an address as safe as the first one.
 */
export async function download(
  { fetch, signal }: Runtime,
  { url, headers = {}, code }: DownloadOptions,
): Promise<Download> {
  const abort = new AbortController()
  const where = describeRequest('GET', url)
  let timer: NodeJS.Timeout | undefined
  const alive = () => {
    clearTimeout(timer)
    timer = setTimeout(() => abort.abort(), IDLE_MS)
  }
  const onAbort = () => abort.abort()
  const end = () => {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
  const failed = (error: unknown) => {
    if (signal?.aborted) return stopped()
    const why = abort.signal.aborted ? `nothing came for ${IDLE_MS / 1_000} seconds` : 'the connection broke'
    return new AudienceError(code, `${where}: ${why}. Try again later.`, { cause: error })
  }
  signal?.addEventListener('abort', onAbort, { once: true })
  if (signal?.aborted) onAbort()

  const get = (address: string, withHeaders: Record<string, string>) =>
    fetch(new Request(address, { headers: withHeaders, redirect: 'manual', signal: abort.signal }))

  try {
    alive()
    let response = await get(url, headers)
    const target = response.status >= 300 && response.status < 400 ? response.headers.get('location') : null
    if (target) response = await get(safeTarget(url, target, where, code), {})
    const { status } = response
    if (status === 200) return { status, headers: response.headers, body: pieces(response, alive, end, failed) }
    end()
    await response.body?.cancel().catch(() => {})
    return { status, headers: response.headers, body: nothing() }
  } catch (error) {
    end()
    throw error instanceof AudienceError ? error : failed(error)
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

function safeTarget(from: string, target: string, where: string, code: AudienceErrorCode): string {
  const address = new URL(target, from)
  if (address.protocol === 'https:' || address.origin === new URL(from).origin) return address.href
  throw new AudienceError(
    code,
    `${where}: answered with a redirect to an address without encryption, which is not followed.`,
  )
}

async function* pieces(
  response: Response,
  alive: () => void,
  end: () => void,
  failed: (error: unknown) => Error,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of response.body ?? []) {
      alive()
      yield chunk
      alive()
    }
  } catch (error) {
    throw failed(error)
  } finally {
    end()
  }
}
