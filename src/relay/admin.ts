import { Hono } from 'hono'
import { VERSION } from '../core/version.ts'
import { ADMIN_SCRIPT, ADMIN_STYLE, drawAdminPage } from './admin-page.ts'
import { fromRequest, readBody } from './body.ts'
import type { Glance } from './glance.ts'
import { OutboxError, type OutboxHealth } from './outbox/outbox.ts'
import { Refusal } from './refusal.ts'
import type { SecretSource } from './settings.ts'
import { authenticate } from './signature.ts'

/** A store that does not answer for so long is stuck. */
const PATIENCE_MS = 5_000

export interface AdminOptions {
  health(): Promise<OutboxHealth>
  /** True from the moment the relay is asked to stop. */
  draining(): boolean
  metrics(): Promise<{ type: string; text: string }>
  glance(): Promise<Glance>
  /** Allows retrying dead letters from the page. Without it nobody can. */
  token?: SecretSource | undefined
  /** One dead letter by its `ref`, or all. Answers how many wait again. */
  retry(ref: string | undefined): Promise<number>
}

/** A form of two short fields. */
const MAX_FORM_BYTES = 2_000
/** Guessing a token has to be slow. */
const WRONG_TOKEN_MS = 1_000

/**
 * The operators' half: `/livez` fails when only a restart helps, `/readyz` when no event can be accepted. Microsoft being
 * away makes neither fail. https://kubernetes.io/docs/reference/using-api/health-checks/
 */
export function createAdmin({ health, draining, metrics, glance, token, retry }: AdminOptions) {
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
  const policy = contentPolicy()
  app.get('/', async (context) => {
    const message = MESSAGES[context.req.query('retry') ?? '']
    const html = drawAdminPage(await glance(), { version: VERSION, retry: token !== undefined, message })
    return new Response(html, {
      headers: {
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
        'content-security-policy': await policy,
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
      },
    })
  })
  app.post('/retry', async ({ req }) => {
    const form = new URLSearchParams(new TextDecoder().decode(await readBody(fromRequest(req.raw), MAX_FORM_BYTES)))
    const [given, ref] = [form.get('token') ?? '', form.get('ref') ?? '']
    const known = token !== undefined && (await isToken(token, given))
    if (!known) await new Promise((resolve) => setTimeout(resolve, WRONG_TOKEN_MS))
    const result = !known ? 'refused' : (await retry(ref === '*' ? undefined : ref)) > 0 ? 'done' : 'none'
    return new Response(null, { status: 303, headers: { location: `/?retry=${result}`, 'cache-control': 'no-store' } })
  })
  app.onError((error) => {
    const refused = error instanceof Refusal
    const words = refused || error instanceof OutboxError ? error.message : 'the relay failed; its log says why'
    return new Response(words, {
      status: refused ? error.status : 500,
    })
  })
  app.get('/metrics', async () => {
    const { type, text } = await metrics()
    return new Response(text, { headers: { 'content-type': type, 'cache-control': 'no-store' } })
  })
  for (const path of ['/', '/livez', '/readyz', '/metrics']) {
    app.all(path, () => new Response(null, { status: 405, headers: { allow: 'GET, HEAD' } }))
  }
  app.notFound(() => new Response(null, { status: 404 }))
  return app
}

const MESSAGES: Record<string, string> = {
  done: 'The dead letters wait again and are sent now.',
  none: 'There was nothing to retry.',
  refused: 'The admin token is wrong. Nothing was done.',
}

async function isToken(token: SecretSource, given: string): Promise<boolean> {
  try {
    return (await authenticate([{ serverKey: token }], given)).length > 0
  } catch (error) {
    if (error instanceof Refusal) return false
    throw error
  }
}

/** Exactly the page's own style and script, and nothing from anywhere else. https://www.w3.org/TR/CSP3/ */
async function contentPolicy(): Promise<string> {
  const hash = async (text: string) => {
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
    return `'sha256-${btoa(String.fromCharCode(...digest))}'`
  }
  return [
    "default-src 'none'",
    `script-src ${await hash(ADMIN_SCRIPT)}`,
    `style-src ${await hash(ADMIN_STYLE)}`,
    'img-src data:',
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}
