import { Refusal } from './refusal.ts'

const decoder = new TextDecoder()

const tooLarge = (limit: number) => new Refusal(413, 'too_large', `the body is larger than ${limit} bytes`)

/**
 * The bytes of a body, never more than `limit`, neither on the wire nor unpacked: a gzip bomb is cut off where it
 * passes the limit.
 *
 * @param gzip Whether `Content-Encoding: gzip` is understood.
 */
export async function readBody(request: Request, limit: number, gzip = false): Promise<Uint8Array<ArrayBuffer>> {
  const encoding = request.headers.get('content-encoding')?.trim().toLowerCase() ?? ''
  const packed = encoding === 'gzip' && gzip
  if (!packed && encoding !== '' && encoding !== 'identity') {
    throw new Refusal(415, 'content_encoding', `Content-Encoding: allowed is ${gzip ? 'gzip or none' : 'none'}`)
  }
  const length = request.headers.get('content-length')
  if (length !== null && Number(length) > limit) throw tooLarge(limit)
  try {
    // A body of stated length is no longer than that: https://www.rfc-editor.org/rfc/rfc9112#section-6.3
    if (length !== null && !packed) return new Uint8Array(await request.arrayBuffer())
    if (!request.body) return new Uint8Array()
    const stream = packed ? request.body.pipeThrough(new DecompressionStream('gzip')) : request.body
    return await collect(stream as ReadableStream<Uint8Array>, limit)
  } catch (error) {
    if (error instanceof Refusal) throw error
    throw new Refusal(400, 'incomplete_body', 'the body could not be read to its end')
  }
}

async function collect(stream: ReadableStream<Uint8Array>, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const reader = stream.getReader()
  const chunks: Uint8Array[] = []
  let size = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    size += value.byteLength
    if (size > limit) {
      reader.cancel().catch(() => {})
      throw tooLarge(limit)
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
