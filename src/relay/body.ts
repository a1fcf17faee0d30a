import { Refusal } from './refusal.ts'

/** The headers of a request, however a platform holds them. Names in lower case. */
export interface HeaderReader {
  get(name: string): string | null
}

/** As much of a request as the doors need. */
export interface DoorRequest {
  headers: HeaderReader
  /** The body as it came, or undefined when it is larger than `limit`. Rejects when it breaks off. */
  bytes(limit: number): Promise<Uint8Array | undefined>
}

const decoder = new TextDecoder()

/** A request of the web platform, for the doors. */
export const fromRequest = (request: Request): DoorRequest => ({
  headers: request.headers,
  bytes: async (limit) => {
    const length = request.headers.get('content-length')
    if (length !== null && Number(length) > limit) return undefined
    // A body of stated length is no longer than that: https://www.rfc-editor.org/rfc/rfc9112#section-6.3
    if (length !== null) return new Uint8Array(await request.arrayBuffer())
    return request.body ? collect(request.body, limit) : new Uint8Array()
  },
})

/**
 * The bytes of a body, never more than `limit`, neither on the wire nor unpacked: a gzip bomb is cut off where it
 * passes the limit.
 *
 * @param gzip Whether `Content-Encoding: gzip` is understood.
 */
export async function readBody(request: DoorRequest, limit: number, gzip = false): Promise<Uint8Array> {
  const encoding = request.headers.get('content-encoding')?.trim().toLowerCase() ?? ''
  const packed = encoding === 'gzip' && gzip
  if (!packed && encoding !== '' && encoding !== 'identity') {
    throw new Refusal(415, 'content_encoding', `Content-Encoding: allowed is ${gzip ? 'gzip or none' : 'none'}`)
  }
  let bytes: Uint8Array | undefined
  try {
    bytes = await request.bytes(limit)
    if (packed && bytes) bytes = await collect(unpack(bytes), limit)
  } catch {
    throw new Refusal(400, 'incomplete_body', 'the body could not be read to its end')
  }
  if (!bytes) throw new Refusal(413, 'too_large', `the body is larger than ${limit} bytes`)
  return bytes
}

const unpack = (bytes: Uint8Array): ReadableStream<Uint8Array> =>
  new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream('gzip'))

/** Undefined as soon as it is more than `limit`. */
async function collect(stream: ReadableStream<Uint8Array>, limit: number): Promise<Uint8Array | undefined> {
  const reader = stream.getReader()
  const chunks: Uint8Array[] = []
  let size = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    size += value.byteLength
    if (size > limit) {
      reader.cancel().catch(() => {})
      return undefined
    }
    chunks.push(value)
  }
  const bytes = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.byteLength
  }
  return bytes
}

/** JSON as it came: objects may hold any key, `__proto__` included, so read own properties only. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes))
  } catch {
    throw new Refusal(400, 'invalid_json', 'the body is not JSON')
  }
}
