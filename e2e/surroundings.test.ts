import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { serveSite } from './support/server.ts'
import { openSite } from './support/site.ts'
import { commands, STUB, scriptTag, useSites } from './support/suite.ts'

const { open, browser } = useSites()
const ORDER = "uetkit('track','Order Completed',{revenue:25})"
const MICROSOFT = 'https://bat.bing.com https://bat.bing.net'

type Calls = { uetkit(command: string, ...args: unknown[]): Record<string, unknown> }

describe('content security policies', () => {
  it('loads the tag script by the nonce of our own, with nothing but Microsoft’s hosts allowed', async () => {
    const nonce = 'r4nd0m'
    const policy = `default-src 'none'; script-src 'nonce-${nonce}' https://bat.bing.com; img-src ${MICROSOFT}; connect-src ${MICROSOFT}`
    const html = (scriptTag() + commands(ORDER)).replaceAll('<script', `<script nonce="${nonce}"`)
    const site = await open({ pages: { '/': { html, headers: { 'content-security-policy': policy } } } })
    expect((await site.seen('custom'))[0]?.params).toMatchObject({ gv: '25', asc: 'G' })
    expect(site.of('consent')).toHaveLength(1)
    expect(site.consoleLines.filter((line) => /policy|violat/i.test(line))).toEqual([])
    expect(site.errors).toEqual([])
  })

  it('passes the nonce on under strict-dynamic', async () => {
    const policy = "script-src 'nonce-abc' 'strict-dynamic'; object-src 'none'; base-uri 'none'"
    const html = (scriptTag() + commands(ORDER)).replaceAll('<script', '<script nonce="abc"')
    const site = await open({ pages: { '/': { html, headers: { 'content-security-policy': policy } } } })
    expect(await site.seen('custom')).toHaveLength(1)
    const copied = await site.page.evaluate(
      () => document.querySelector<HTMLScriptElement>('script[src*="bat.js"]')?.nonce,
    )
    expect(copied).toBe('abc')
  })

  it.each([
    ['our policy allowed', "require-trusted-types-for 'script'; trusted-types uetkit", ''],
    [
      'a policy of the page',
      "require-trusted-types-for 'script'; trusted-types page",
      "const policy=trustedTypes.createPolicy('page',{createScriptURL:(url)=>url});",
    ],
  ])('works under Trusted Types with %s', async (_, policy, setup) => {
    const script = setup ? 'script:{trustedTypesPolicy:policy}' : 'script:{}'
    const site = await open({
      pages: {
        '/': {
          html: `<script async src="/dist/uetkit.min.js"></script>${commands(
            `${setup}uetkit('init',{tagId:'1',consent:{default:'granted'},${script}})`,
            ORDER,
          )}`,
          headers: { 'content-security-policy': policy },
        },
      },
    })
    expect((await site.seen('custom'))[0]?.params).toMatchObject({ el: 'Order Completed', gv: '25' })
  })

  it('counts as blocked, without an error, where Trusted Types forbid every policy of ours', async () => {
    const site = await open({
      pages: {
        '/': {
          html: scriptTag() + commands(ORDER),
          headers: { 'content-security-policy': "require-trusted-types-for 'script'; trusted-types 'none'" },
        },
      },
    })
    await site.page.waitForFunction(() => (window as never as Calls).uetkit('state').script === 'blocked')
    expect(await site.page.evaluate(() => (window as never as Calls).uetkit('state').scriptReason)).toBe('forbidden')
    expect(site.errors).toEqual([])
  })
})

describe('places a page can be in', () => {
  it('works in an iframe', async () => {
    const site = await open({
      pages: { '/': '<iframe src="/inner"></iframe>', '/inner': scriptTag() + commands(ORDER) },
    })
    expect((await site.seen('custom'))[0]?.params).toMatchObject({ gv: '25' })
    expect((await site.seen('pageLoad'))[0]?.params.ifm).toBe('1')
  })

  it('breaks nothing in a sandboxed iframe, where cookies and storage throw even in the tag script', async () => {
    const site = await open({
      pages: { '/': '<iframe sandbox="allow-scripts" src="/inner"></iframe>', '/inner': scriptTag() + commands(ORDER) },
    })
    const inner = site.page.frames()[1]!
    await inner.waitForFunction(() => (window as never as Calls).uetkit?.('state')?.script === 'blocked')
    expect(await inner.evaluate(() => (window as never as Calls).uetkit('state'))).toMatchObject({
      consent: 'granted',
      scriptReason: 'forbidden',
      queued: 1,
    })
    expect(site.errors).toEqual([])
  })

  it('works on http pages', async () => {
    const site = await openSite(browser(), {
      origin: 'http://shop.example',
      pages: { '/': scriptTag() + commands("uetkit('identify','u',{email:'a@b.example'})", ORDER) },
    })
    await site.page.goto('http://shop.example/')
    const [order] = await site.seen('custom')
    expect(order?.params).toMatchObject({ gv: '25', asc: 'G' })
    expect(order?.params.event_id).toMatch(/^[0-9a-f-]{36}$/)
    // Web Crypto is missing here, and a raw address never leaves.
    expect(order?.params.pid).toBeUndefined()
    expect(site.errors).toEqual([])
    await site.close()
  })

  it('works on file pages', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'uetkit-'))
    const tag = scriptTag().replace('/dist/uetkit.min.js', pathToFileURL(resolve('dist/uetkit.min.js')).href)
    await writeFile(join(folder, 'page.html'), `<!doctype html><title>File</title><body>${tag}${commands(ORDER)}`)
    const site = await openSite(browser())
    await site.page.goto(pathToFileURL(join(folder, 'page.html')).href)
    expect((await site.seen('custom'))[0]?.params).toMatchObject({ gv: '25' })
    expect(site.errors).toEqual([])
    await site.close()
  })
})

/** Prerendering and the back/forward cache want a real server: an intercepted page is neither prerendered nor kept. */
describe('pages that come back or are made ahead', () => {
  const closing: (() => unknown)[] = []
  afterEach(() => Promise.all(closing.splice(0).map((close) => close())))

  async function serve(pages: Record<string, string>) {
    const site = await serveSite(pages)
    closing.push(site.close)
    const kinds = () =>
      site.hits.map(({ searchParams }) => searchParams.get('evt')).filter((evt) => !/Hide|Show/.test(evt!))
    return { ...site, kinds }
  }

  it('counts nothing twice when the page comes back from the back/forward cache', async () => {
    const pages: Record<string, string> = { '/away': 'away' }
    const { origin, kinds, page, tag } = await serve(pages)
    pages['/'] = `${tag()}${STUB}<script>addEventListener('pageshow',(e)=>{window.kept=e.persisted})</script>`
    await page.goto(`${origin}/`)
    await expect.poll(kinds).toContain('pageLoad')
    await page.goto(`${origin}/away`)
    await page.goBack({ waitUntil: 'commit' })
    await page.waitForFunction(() => (window as never as { kept?: boolean }).kept)
    await page.evaluate(() => (window as never as Calls).uetkit('track', 'Back'))
    await expect.poll(kinds).toContain('custom')
    expect(kinds().filter((evt) => evt === 'pageLoad')).toHaveLength(1)
  })

  it('sends nothing from a prerendered page before it is shown', async () => {
    const pages: Record<string, string> = {}
    const { kinds, tag, visit } = await serve(pages)
    const note = "const note=(what)=>fetch('/action/0?evt='+what)"
    pages['/next'] = `<script>${note};if(document.prerendering)note('ahead');
      document.addEventListener('prerenderingchange',()=>note('shown'))</script>${tag()}${STUB}`
    pages['/'] = `<script type="speculationrules">{"prerender":[{"urls":["/next"],"eagerness":"immediate"}]}</script>
      <script>setTimeout(()=>location.href='/next',2000)</script>`
    visit('/')
    await expect.poll(kinds, { timeout: 10_000 }).toContain('pageLoad')
    expect(kinds().slice(0, 2)).toEqual(['ahead', 'shown'])
    expect(kinds().filter((evt) => evt === 'pageLoad')).toHaveLength(1)
  })
})
