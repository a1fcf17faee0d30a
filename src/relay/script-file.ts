/** The script-tag build as an answer: packed once, and not sent again while a browser has it. */
export function createScript(source: string) {
  const plain = new TextEncoder().encode(source)
  let packed: Promise<Uint8Array<ArrayBuffer>> | undefined
  let etag: Promise<string> | undefined

  const gzip = async () => {
    const stream = new Blob([plain]).stream().pipeThrough(new CompressionStream('gzip'))
    return new Uint8Array(await new Response(stream).arrayBuffer())
  }
  const digest = async () => {
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', plain))
    return `W/"${Array.from(hash.subarray(0, 12), (byte) => byte.toString(16).padStart(2, '0')).join('')}"`
  }

  return async (request: Request): Promise<Response> => {
    const headers: Record<string, string> = {
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=3600',
      'cross-origin-resource-policy': 'cross-origin',
      'x-content-type-options': 'nosniff',
      vary: 'Accept-Encoding',
      etag: await (etag ??= digest()),
    }
    const known = request.headers.get('if-none-match') ?? ''
    if (known.split(',').some((tag) => tag.trim() === headers.etag)) return new Response(null, { status: 304, headers })
    if (!/\bgzip\b/.test(request.headers.get('accept-encoding') ?? '')) return new Response(plain, { headers })
    return new Response(await (packed ??= gzip()), { headers: { ...headers, 'content-encoding': 'gzip' } })
  }
}
