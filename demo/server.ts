import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { type HttpBindings, serve } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { getCookie } from 'hono/cookie'
import { BeaconLog } from './beacon-log.ts'
import { drawPage } from './page.ts'
import { readCart } from './shop/cart.ts'
import { readSettings, writeSettings } from './switches.ts'

export interface Demo {
  url: string
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

const isLoopback = (host = ''): boolean => /^(127\.0\.0\.1|localhost)(:\d+)?$/.test(host)

/** Starts the demo on the loopback interface. A port that is taken is replaced by a free one. */
export async function startDemo({ port = 4600 }: { port?: number } = {}): Promise<Demo> {
  const beacons = new BeaconLog()
  const app = new Hono<{ Bindings: HttpBindings }>()

  const asset = (c: Context, name: string) =>
    c.body(distFile(name), 200, { 'Content-Type': TYPES[name.split('.').at(-1)!]! })

  // A page elsewhere that lets its own name point at this machine must not reach us.
  app.use(async (c, next) =>
    isLoopback(c.req.header('host')) ? next() : c.text('Open the demo by its own address.', 403),
  )

  for (const name of ['uetkit.min.js', 'uetkit-inspector.min.js']) app.get(`/${name}`, (c) => asset(c, name))
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
    beacons.add(c.req.param('host'), new URL(c.req.url).searchParams)
    return c.body(null, 204)
  })

  app.get('/beacons', (c) => c.json(beacons.after(Number(c.req.query('after')) || 0)))
  app.post('/beacons/clear', (c) => {
    beacons.clear()
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
    c.header('Content-Security-Policy', policy(nonce, Boolean(settings.real)))
    return c.html(drawPage(state, settings, url.origin, nonce))
  })

  const listen = (wanted: number) =>
    new Promise<ReturnType<typeof serve>>((resolve, reject) => {
      const server = serve({ fetch: app.fetch, hostname: HOST, port: wanted }, () => resolve(server))
      server.once('error', reject)
    })
  const server = await listen(port).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE') return listen(0)
    throw error
  })

  return {
    url: `http://${HOST}:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        if ('closeAllConnections' in server) server.closeAllConnections()
      }),
  }
}

if (import.meta.main) {
  const { url } = await startDemo({ port: Number(process.env.PORT) || 4600 })
  console.log(`The demo is at ${url}  (Ctrl+C ends it)`)
}
