import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { RULES } from '../src/browser/inspector/findings.ts'
import { main } from '../src/cli/main.ts'
import { STUB } from './support/suite.ts'

const TAG = '97247724'
const OTHER = '55550000'
const CLICK = '0123456789abcdef0123456789abcdef'

interface Served {
  html?: string
  headers?: Record<string, string>
  status?: number
  /** What the doctor has to find, each with the visits that showed it. */
  finds: Record<string, ('denied' | 'granted')[]>
}

let server: Server
let origin: string

/** The stand-in tag script on this server, and its beacons to it. */
const bat = () => `${origin}/bat.js?beacons=${origin}`
const tag = (attributes = 'data-consent-default="denied"', src = bat()) =>
  `<script async src="/uetkit.min.js" data-tag-id="${TAG}" ${attributes} data-script-src="${src}"></script>`
const run = (code: string) => `${STUB}<script>${code}</script>`
/** Runs once the tag has sent its first page load. */
const afterPageLoad = (code: string) =>
  `<script>document.addEventListener('UetEvent', () => setTimeout(() => { ${code} }), { once: true })</script>`
/** Microsoft's own snippet, as far as it can be without Microsoft's host. */
const snippet = (tagId: string, queue = 'foreign') => `<script>// from //bat.bing.com/bat.js
  ((w, q) => { w[q] = w[q] || []; const s = document.createElement('script'); s.src = '${bat()}'
    s.onload = () => { w[q] = new UET({ ti: '${tagId}', q: w[q], enableAutoSpaTracking: true }); w[q].push('pageLoad') }
    document.head.append(s) })(window, '${queue}')</script>`
/** Starts uetkit by script. */
const startLate = () => `const script = document.createElement('script'); script.src = '/uetkit.min.js'
  Object.assign(script.dataset, { tagId: '${TAG}', consentDefault: 'denied', scriptSrc: '${bat()}' })
  document.head.append(script)`
/** What the site does once the visitor agrees. */
const onGrant = (code: string) => `uetkit('on', 'consent', ({ state }) => { if (state === 'granted') { ${code} } })`
const hash = createHash('sha256').update('Jane.Doe@Example.COM').digest('hex')
const FORM = '<input type="email" aria-label="E-mail" value="Jane.Doe@Example.COM">'
const identify = `${FORM}${run(onGrant(`uetkit('identify', null, { email: '${hash}' }); uetkit('track', 'Signed Up')`))}`

const both = ['denied', 'granted'] as const satisfies Served['finds'][string]
const all = (...ids: string[]): Served['finds'] => Object.fromEntries(ids.map((id) => [id, [...both]]))

/** Made when the address of the server is known. */
const PAGES: Record<string, () => Served> = {
  '/good': () => ({ html: tag(), finds: {} }),
  '/without-consent-mode': () => ({ html: tag('data-consent="off"'), finds: all('consent-missing') }),
  '/wrong-events': () => ({
    html:
      tag() +
      run(`uetkit('page'); uetkit('track', 'Order Completed', { revenue: 25 })
        uetkit('track', 'Cart Viewed', { revenue: 'a lot' }); uetkit('track', 'Old', {}, { time: 1 })`) +
      afterPageLoad("try { uetq.push('event', 'x', { revenue_value: 'abc' }) } catch {}"),
    finds: all('double-page-load', 'revenue-without-currency', 'value-dropped', 'tag-refused', 'clock'),
  }),
  '/raw-hash': () => ({ html: tag() + identify, finds: { 'raw-hash': ['granted'] } }),
  // What starts by a tag manager starts after the page has loaded.
  '/raw-hash-late': () => ({
    html: `${identify}<script>setTimeout(() => { ${startLate()} }, 700)</script>`,
    finds: { 'raw-hash': ['granted'] },
  }),
  '/foreign-snippet': () => ({
    html: tag() + snippet(OTHER),
    finds: all('asc-absent', 'foreign-snippet', 'second-tag'),
  }),
  '/tag-twice': () => ({
    html: tag() + afterPageLoad(`window.second = new UET({ ti: '${TAG}', q: [] })`),
    finds: all('tag-twice'),
  }),
  '/consent-late': () => ({
    html: snippet(TAG, 'uetq') + afterPageLoad(startLate()),
    finds: all('consent-late', 'foreign-snippet'),
  }),
  '/spa-twice': () => ({
    html: snippet(TAG, 'uetq') + tag() + afterPageLoad("history.pushState(null, '', '/next'); uetkit('page')"),
    finds: all('foreign-snippet', 'spa-twice'),
  }),
  '/event-without-page-load': () => ({
    html: `<script src="${bat()}"></script><script>
      window.uetq = new UET({ ti: '${TAG}', q: window.uetq, disableAutoPageView: true })</script>${tag()}${run("uetkit('track', 'Signed Up')")}`,
    finds: all('event-without-page-load'),
  }),
  '/script-blocked': () => ({ html: tag(undefined, `${origin}/none.js`), finds: all('script-blocked') }),
  '/relay-refuses': () => ({
    html: tag(`data-consent-default="denied" data-relay-url="/v1/e"`) + run(onGrant("uetkit('track', 'Signed Up')")),
    finds: { 'relay-refused': ['granted'] },
  }),
  // The policy forbids what would go to Microsoft, so nothing leaves this machine.
  '/csp': () => ({
    html: tag(undefined, `${origin}/bat.js`),
    headers: { 'content-security-policy': "default-src 'self' 'unsafe-inline'" },
    finds: all('csp'),
  }),
  [`/click-id?msclkid=${CLICK}`]: () => ({
    html: `<script>history.replaceState(null, '', '/click-id')</script>${tag('data-consent-default="granted"')}`,
    finds: all('click-id-lost'),
  }),
  '/moved': () => ({
    html: '<meta http-equiv="refresh" content="0;url=/without-consent-mode">',
    finds: all('consent-missing'),
  }),
}

beforeAll(async () => {
  process.env.UETKIT_CHROMIUM = inject('chromium')
  server = createServer(({ url = '' }, answer) => {
    const { pathname } = new URL(url, 'http://127.0.0.1')
    if (pathname === '/silent') return
    const script = /^\/(uetkit\.min|bat)\.js$/.exec(pathname)
    answer.setHeader('content-type', `${script ? 'text/javascript' : 'text/html'}; charset=utf-8`)
    if (script) return answer.end(readFileSync(`dist${pathname}`))
    const container = "window[document.currentScript.getAttribute('data-ueto')].setUserSignals({})"
    if (pathname.includes('/p/action/')) return answer.setHeader('content-type', 'text/javascript').end(container)
    if (pathname.startsWith('/bat.bing.')) return answer.writeHead(204).end()
    if (pathname === '/v1/e') return answer.writeHead(403).end()
    const page = (PAGES[url] ?? PAGES[pathname])?.()
    if (!page) return answer.writeHead(404).end('<!doctype html>')
    for (const [name, value] of Object.entries(page.headers ?? {})) answer.setHeader(name, value)
    return answer.end(`<!doctype html><title>Shop</title><link rel="icon" href="data:,">${page.html}`)
  }).listen(0, '127.0.0.1')
  await new Promise((done) => server.once('listening', done))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const call = async (...args: string[]) => {
  let out = ''
  let err = ''
  const exitCode = await main(['doctor', ...args], {
    writeOut: (text) => (out += text),
    writeErr: (text) => (err += text),
  })
  return { exitCode, out, err }
}
const doctor = async (...args: string[]) => {
  const { exitCode, out } = await call(...args, '--json')
  return { exitCode, document: JSON.parse(out) }
}

describe('the doctor', () => {
  it('is shown every finding below', () => {
    const shown = Object.values(PAGES).flatMap((page) => Object.keys(page().finds))
    expect([...new Set([...shown, 'no-tracker'])].sort()).toEqual(RULES.map(({ id }) => id).sort())
  })

  it.each(Object.keys(PAGES))('finds what is wrong with %s, and with which consent', async (path) => {
    const { finds } = PAGES[path]!()
    const { exitCode, document } = await doctor(origin + path, '--wait', '1800')
    const found = document.findings.map(({ id, consent }: { id: string; consent: string[] }) => [id, consent])
    expect(Object.fromEntries(found)).toEqual(finds)
    expect(document.url).toBe(origin + path)
    expect(exitCode).toBe(Object.keys(finds).length ? 3 : 0)
  })

  it('says that uetkit is not there, after it had time to start', async () => {
    PAGES['/plain'] = () => ({ html: '<p>text</p>', finds: {} })
    const { exitCode, document } = await doctor(`${origin}/plain`, '--wait', '5500')
    expect(document.findings).toEqual([
      {
        id: 'no-tracker',
        level: 'error',
        title: 'uetkit does not run here',
        evidence: 'No tracker has started on this page.',
        remedy: expect.stringContaining('script tag'),
        consent: ['denied', 'granted'],
      },
    ])
    expect(exitCode).toBe(3)
  })

  it('tells people in words', async () => {
    const bad = await call(`${origin}/without-consent-mode`, '--wait', '1000')
    expect(bad.out).toBe(
      `warning: No consent signal is sent (consent-missing, consent denied and granted)
  Tag ${TAG} runs without consent mode
  Set consent: { default: 'denied', category: '…' }. Without a signal, Microsoft drops conversions and remarketing from the EEA, the UK and Switzerland.
`,
    )
    const good = await call(`${origin}/good`, '--wait', '500')
    expect(good).toEqual({
      exitCode: 0,
      out: `Nothing is wrong as far as can be seen from ${origin}/good\n`,
      err: '',
    })
  })

  it.each([
    ['no address', ['not-a-page'], 2, 'usage', 'not-a-page is no address of a page'],
    ['another scheme', ['file:///etc/passwd'], 2, 'usage', 'no address of a page'],
    ['an odd --wait', ['https://shop.example/', '--wait', 'long'], 2, 'usage', '--wait is a number'],
    ['an odd --timeout', ['https://shop.example/', '--timeout', '0'], 2, 'usage', '--timeout is a number'],
    ['a port that nobody listens on', ['http://127.0.0.1:1/'], 1, 'page', 'could not be opened'],
    [
      'a page that does not answer',
      ['/silent', '--timeout', '700'],
      1,
      'page',
      'could not be opened: page.goto: Timeout 700ms',
    ],
    ['a page that is not there', ['/missing'], 1, 'page', 'answered 404'],
  ])('says of %s what failed', async (_, [address = '', ...rest], exitCode, code, message) => {
    const result = await doctor(address.startsWith('/') ? origin + address : address, ...rest)
    expect([result.exitCode, result.document.error.code]).toEqual([exitCode, code])
    expect(result.document.error.message).toContain(message)
  })

  it('says which browser it wants where none can be started', async () => {
    process.env.UETKIT_CHROMIUM = '/nowhere/chromium'
    try {
      const { exitCode, document } = await doctor(`${origin}/good`)
      expect([exitCode, document.error.code]).toEqual([1, 'browser'])
      expect(document.error.message).toContain('set UETKIT_CHROMIUM to a browser')
    } finally {
      process.env.UETKIT_CHROMIUM = inject('chromium')
    }
  })
})
