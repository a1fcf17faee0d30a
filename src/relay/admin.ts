import { Hono } from 'hono'
import type { OutboxHealth } from './outbox/outbox.ts'

/** A store that does not answer for so long is stuck. */
const PATIENCE_MS = 5_000

export interface AdminOptions {
  health(): Promise<OutboxHealth>
  /** True from the moment the relay is asked to stop. */
  draining(): boolean
  metrics(): Promise<{ type: string; text: string }>
}

/**
 * The operators' half: `/livez` fails when only a restart helps, `/readyz` when no event can be accepted. Microsoft being
 * away makes neither fail. https://kubernetes.io/docs/reference/using-api/health-checks/
 */
export function createAdmin({ health, draining, metrics }: AdminOptions) {
  const app = new Hono()
  const checkStore = async (): Promise<OutboxHealth | undefined> => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), PATIENCE_MS)
    })
    try {
      return await Promise.race([health(), late])
    } catch (error) {
      return { writable: false, usedBytes: 0, problem: error instanceof Error ? error.message : String(error) }
    } finally {
      clearTimeout(timer)
    }
  }
  const say = (ok: boolean, problem?: string) =>
    Response.json(ok ? { status: 'ok', ...(problem && { problem }) } : { status: 'failing', problem }, {
      status: ok ? 200 : 503,
      headers: { 'cache-control': 'no-store' },
    })

  app.get('/livez', async () => {
    const store = await checkStore()
    return say(store !== undefined, store ? store.problem : 'the store does not answer')
  })
  app.get('/readyz', async () => {
    if (draining()) return say(false, 'the relay is stopping')
    const store = await checkStore()
    return say(store?.writable ?? false, store ? store.problem : 'the store does not answer')
  })
  app.get('/metrics', async () => {
    const { type, text } = await metrics()
    return new Response(text, { headers: { 'content-type': type, 'cache-control': 'no-store' } })
  })
  for (const path of ['/livez', '/readyz', '/metrics']) {
    app.all(path, () => new Response(null, { status: 405, headers: { allow: 'GET, HEAD' } }))
  }
  app.notFound(() => new Response(null, { status: 404 }))
  return app
}
