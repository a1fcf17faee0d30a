/** Something that goes wrong with one request. */
export type Fault =
  /** Answers with this status before it looks at the request. */
  | { kind: 'status'; status: number; body?: string; headers?: Record<string, string> }
  /** 429, or another status. `retryAfter` in seconds, or as a date; left out = no header. */
  | { kind: 'throttle'; retryAfter?: number | Date; status?: 429 | 503 }
  /** The connection breaks before the request is looked at. */
  | { kind: 'reset' }
  /** The request is processed, but the connection breaks before the answer. */
  | { kind: 'lost-reply' }
  /** The request is processed, but the answer has no body. */
  | { kind: 'empty' }
  /** No answer until the client gives up. `processed`: the request is processed all the same. */
  | { kind: 'hang'; processed?: boolean }
  /** The answer takes so many milliseconds. */
  | { kind: 'slow'; ms: number }
  /** A page of some proxy, 200 by default. */
  | { kind: 'html'; status?: number }
  /** Elsewhere, which a client with a secret must not follow. */
  | { kind: 'redirect'; location?: string; status?: 301 | 302 | 307 | 308 }
  /** An answer that does not end. */
  | { kind: 'endless' }

export interface Faults {
  inject(fault: Fault, times: number): void
  clear(): void
  /** Answers the request by the next fault, or by `process` when there is none. */
  answer(request: Request, process: () => Promise<Response>): Promise<Response>
}

export function createFaults(): Faults {
  const queue: { fault: Fault; times: number }[] = []
  return {
    inject: (fault, times) => void queue.push({ fault, times }),
    clear: () => void queue.splice(0),
    answer(request, process) {
      const [next] = queue
      if (!next) return process()
      if (--next.times <= 0) queue.shift()
      return suffer(next.fault, request, process)
    },
  }
}

async function suffer(fault: Fault, request: Request, process: () => Promise<Response>): Promise<Response> {
  switch (fault.kind) {
    case 'status':
      return new Response(fault.body ?? null, { status: fault.status, headers: fault.headers ?? {} })
    case 'throttle': {
      const { retryAfter, status = 429 } = fault
      const value = retryAfter instanceof Date ? retryAfter.toUTCString() : retryAfter
      return new Response(null, { status, headers: value === undefined ? {} : { 'retry-after': `${value}` } })
    }
    case 'reset':
      return broken()
    case 'lost-reply':
      await process()
      return broken()
    case 'empty':
      return new Response(null, { status: (await process()).status })
    case 'hang':
      if (fault.processed) await process()
      return new Promise((_, reject) => {
        const end = () => reject(request.signal.reason)
        if (request.signal.aborted) end()
        else request.signal.addEventListener('abort', end, { once: true })
      })
    case 'slow':
      await new Promise((resolve) => setTimeout(resolve, fault.ms))
      return process()
    case 'html':
      return new Response('<!doctype html><title>Sign in to the network</title>', {
        status: fault.status ?? 200,
        headers: { 'content-type': 'text/html' },
      })
    case 'redirect': {
      const { location = 'https://elsewhere.example/', status = 307 } = fault
      return new Response(null, { status, headers: { location } })
    }
    case 'endless': {
      const chunk = new Uint8Array(65_536).fill(32)
      return new Response(new ReadableStream({ pull: (controller) => controller.enqueue(chunk) }))
    }
  }
}

/** A body that fails to arrive: on a socket the connection breaks, and `fetch` rejects while it is read. */
const broken = () =>
  new Response(new ReadableStream({ start: (controller) => controller.error(new TypeError('connection reset')) }))
