import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { type HttpBindings, type ServerType, serve } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { getCookie } from 'hono/cookie'
import { streamSSE } from 'hono/streaming'
import { untilSignal } from '../src/cli/signals.ts'
import { drawPage } from './page.ts'
import { readCart } from './shop/cart.ts'
import { readSettings, writeSettings } from './switches.ts'
import { createWorld } from './world.ts'

export interface Demo {
  url: string
  /** The relay's page for operators. */
  adminUrl: string
  close(): Promise<void>
}

/** Loopback only: the demo trusts whoever reaches it. */
const HOST = '127.0.0.1'

/** The built files are beside us in the package, and in dist/ for the sources. */
function distFile(name: string): string {
  const places = ['./', '../', '../dist/'].map((place) => new URL(place + name, import.meta.url))
  const found = places.find((place) => existsSync(place))
  if (!found) throw new Error(`${name} is not built. Run \`npm run build\` first.`)
  return readFileSync(found, 'utf8')
}

const TYPES: Record<string, string> = { js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8' }

/** Microsoft's container for each tag, with no flag set. */
const CONTAINER = `window[document.currentScript.getAttribute('data-ueto')].setUserSignals({})`

/** With the stand-in the page can reach nobody but us; a real tag adds Microsoft's hosts. */
const policy = (nonce: string, real: boolean): string => {
  const tag = real ? ' https://bat.bing.com https://bat.bing.net' : ''
  return [
    "default-src 'self'",
    `script-src 'self' 'nonce-${nonce}'${tag}`,
    `img-src 'self' data:${tag}`,
    `connect-src 'self'${tag}`,
    "style-src 'self'",
  ].join('; ')
}

/** Starts the demo on the loopback interface. A port that is taken is replaced by a free one. */
export async function startDemo({ port = 4600 }: { port?: number } = {}): Promise<Demo> {
  const app = new Hono<{ Bindings: HttpBindings }>()
  // Requests that come while the rest still starts wait for it.
  let open = () => {}
  const ready = new Promise<void>((resolve) => (open = resolve))
  const server = await listen(async (request, env) => {
    await ready
    return app.fetch(request, env)
  }, port)
  const origin = `http://${HOST}:${(server.address() as AddressInfo).port}`
  const world = await createWorld(origin)

  const asset = (c: Context, name: string) =>
    c.body(distFile(name), 200, { 'Content-Type': TYPES[name.split('.').at(-1)!]! })

  // A page elsewhere that lets its own name point at this machine must not reach us.
  app.use(async (c, next) =>
    /^(127\.0\.0\.1|localhost)(:\d+)?$/.test(c.req.header('host') ?? '')
      ? next()
      : c.text('Open the demo by its own address.', 403),
  )

  for (const name of ['uetkit', 'uetkit-consent', 'uetkit-inspector'])
    app.get(`/${name}.min.js`, (c) => asset(c, `${name}.min.js`))
  app.get('/demo/:file{[a-z-]+\\.(js|css)}', (c) => asset(c, `demo/${c.req.param('file')}`))

  app.get('/bat.js', async (c) => {
    const answer = c.req.query('answer')
    if (answer === 'blocked') c.env.incoming.socket.destroy()
    if (answer === 'never') return new Promise<Response>(() => {})
    if (answer === 'slow') await new Promise((done) => setTimeout(done, 3000))
    return answer === 'empty' ? c.body('', 200, { 'Content-Type': TYPES.js! }) : asset(c, 'bat.js')
  })
  app.get('/bat.bing.com/p/action/:file', (c) => c.body(CONTAINER, 200, { 'Content-Type': TYPES.js! }))
  app.all('/:host{bat\\.bing\\.(com|net)}/:path{actionp?|action-err}/0', (c) => {
    const params = Object.fromEntries(new URL(c.req.url).searchParams)
    world.news.add('beacon', { time: Date.now(), host: c.req.param('host'), evt: params.evt ?? '', params })
    return c.body(null, 204)
  })

  app.post('/v1/e', (c) => {
    if (!world.isUp()) c.env.incoming.socket.destroy()
    return world.relay.relay.fetch(c.req.raw, { address: HOST })
  })

  app.get('/lab/news', (c) =>
    streamSSE(c, async (stream) => {
      const stop = world.news.follow((item) => void stream.writeSSE({ data: JSON.stringify(item) }))
      await new Promise<void>((done) => stream.onAbort(done))
      stop()
    }),
  )
  app.post('/lab/clear', (c) => {
    world.news.clear()
    return c.body(null, 204)
  })
  app.post('/lab/set', async (c) => {
    world.set(await c.req.json())
    return c.body(null, 204)
  })

  app.get('/:path{(product/[a-z]+|cart|checkout|thanks)?}', (c) => {
    const url = new URL(c.req.url)
    const settings = readSettings(url.searchParams)
    const nonce = randomBytes(16).toString('base64')
    const state = {
      path: url.pathname,
      cart: readCart(getCookie(c, 'cart')),
      order: readCart(getCookie(c, 'order')),
      link: (path: string) => path + writeSettings(settings),
    }
    world.set(settings.values)
    c.header('Content-Security-Policy', policy(nonce, Boolean(settings.real)))
    return c.html(drawPage({ state, settings, origin, nonce, admin: world.relay.adminUrl }))
  })

  open()
  return {
    url: `${origin}/`,
    adminUrl: world.relay.adminUrl,
    close: async () => {
      const closed = new Promise((done) => server.close(done))
      if ('closeAllConnections' in server) server.closeAllConnections()
      await Promise.all([closed, world.close()])
    },
  }
}

async function listen(
  fetch: (request: Request, env: HttpBindings) => Promise<Response>,
  port: number,
): Promise<ServerType> {
  const start = (wanted: number) =>
    new Promise<ServerType>((resolve, reject) => {
      const server = serve({ fetch: fetch as never, hostname: HOST, port: wanted }, () => resolve(server))
      server.once('error', reject)
    })
  try {
    return await start(port)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return start(0)
    throw error
  }
}

if (import.meta.main) {
  const stopped = untilSignal()
  const { url, close } = await startDemo({ port: Number(process.env.PORT) || 4600 })
  console.log(`The demo is at ${url}  (Ctrl+C ends it)`)
  await stopped
  await close()
}
