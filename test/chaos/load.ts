import { randomUUID } from 'node:crypto'

export interface Load {
  /** Ids that a relay answered for with a 202. */
  accepted: Set<string>
  /** Requests that were answered with something else, or not at all, and were sent again. */
  refused: Record<string, number>
  stop(): Promise<void>
}

const PER_REQUEST = 20

/**
 * Browsers that send events to whichever relay runs, again and again until they hear a 202, as a sender does that wants
 * to lose nothing.
 */
export function startLoad(urls: () => string[], { clients, origin }: { clients: number; origin: string }): Load {
  const accepted = new Set<string>()
  const refused: Record<string, number> = {}
  let running = true

  const send = async (body: string): Promise<boolean> => {
    const open = urls()
    const url = open[Math.floor(Math.random() * open.length)]
    let status = 'no relay'
    try {
      if (!url) throw new Error(status)
      const answer = await fetch(`${url}/v1/e`, {
        method: 'POST',
        body,
        headers: { 'content-type': 'text/plain;charset=UTF-8', origin, 'user-agent': 'Mozilla/5.0 (chaos)' },
        signal: AbortSignal.timeout(15_000),
      })
      const receipt = (await answer.json()) as { accepted?: number }
      if (answer.status === 202 && receipt.accepted === PER_REQUEST) return true
      status = `${answer.status}`
    } catch (error) {
      if (url) status = (error as Error).name
    }
    refused[status] = (refused[status] ?? 0) + 1
    await new Promise((done) => setTimeout(done, 100 + Math.random() * 400))
    return false
  }

  const client = async () => {
    while (running) {
      const events = Array.from({ length: PER_REQUEST }, () => ({
        type: 'track',
        id: randomUUID(),
        name: 'Order Completed',
        time: Date.now(),
        consent: 'granted',
        page: { url: `${origin}/thanks` },
        properties: { revenue: 25, currency: 'EUR' },
        user: { anonymousId: randomUUID().replaceAll('-', '') },
      }))
      const body = JSON.stringify({ v: 1, key: 'pk_chaos', sentAt: Date.now(), events })
      let done = false
      while (!done && running) done = await send(body)
      if (done) for (const { id } of events) accepted.add(id)
    }
  }
  const all = Array.from({ length: clients }, client)
  return {
    accepted,
    refused,
    stop: async () => {
      running = false
      await Promise.all(all)
    },
  }
}
