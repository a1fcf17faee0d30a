import { describe, expect, it } from 'vitest'
import type { Site } from './support/site.ts'
import { commands, STUB, scriptTag, useSites } from './support/suite.ts'

const { open } = useSites()
const MANUAL = scriptTag('data-tag-id="1" data-consent-default="granted" data-auto-page="false"')

type Calls = { uetkit(command: string, ...args: unknown[]): unknown }
const run = (site: Site, code: string) => site.page.evaluate((text) => new Function(text)(), code)
const loads = (site: Site) => site.of('pageLoad').map(({ params: { p, r, tl, spa } }) => ({ p, r, tl, spa }))
const ready = (site: Site) =>
  site.page.waitForFunction(() => ((window as never as Calls).uetkit('state') as { script: string }).script === 'ready')

describe('page loads', () => {
  it('makes the first page() the page load and each later one an SPA page load of its own', async () => {
    const site = await open({ pages: { '/': MANUAL + STUB }, path: '/?a=1#top' })
    await run(site, "uetkit('page')")
    await site.seen('pageLoad')
    await run(site, "history.pushState({},'','/shoes?size=9');document.title='Shoes';uetkit('page')")
    await site.seen('pageLoad', 2)
    await run(site, "uetkit('page',{path:'/virtual',title:'Virtual'})")
    await site.seen('pageLoad', 3)
    await site.quiet()
    const { origin } = site
    expect(loads(site)).toEqual([
      { p: `${origin}/?a=1#top`, r: '', tl: '/', spa: undefined },
      { p: `${origin}/shoes?size=9`, r: `${origin}/?a=1#top`, tl: 'Shoes', spa: 'Y' },
      { p: `${origin}/virtual`, r: `${origin}/shoes?size=9`, tl: 'Virtual', spa: 'Y' },
    ])
    expect(new Set(site.of('pageLoad').map(({ params }) => params.mid)).size).toBe(3)
  })

  it('makes no page load out of history changes alone', async () => {
    const site = await open({ pages: { '/': scriptTag() + STUB } })
    await site.seen('pageLoad')
    await run(site, "history.pushState({},'','/b');location.hash='#c';history.back()")
    await site.quiet()
    expect(site.of('pageLoad')).toHaveLength(1)
  })

  it("leaves later page loads to the tag script with pageLoads: 'auto', and does not count page() on top", async () => {
    const site = await open({ pages: { '/': scriptTag(undefined, 'data-page-loads="auto"') + STUB } })
    await site.seen('pageLoad')
    await run(site, "history.pushState({},'','/b');uetkit('page')")
    await site.seen('pageLoad', 2)
    await run(site, "history.pushState({},'','/c');uetkit('page')")
    await site.seen('pageLoad', 3)
    await site.quiet()
    expect(loads(site).map(({ p }) => p)).toEqual(['/', '/b', '/c'].map((path) => site.origin + path))
  })

  it('sends an event before any page() after a page load made for it, which the page() call does not repeat', async () => {
    const site = await open({ pages: { '/': MANUAL + commands("uetkit('track','Early')") } })
    await site.seen('custom')
    await run(site, "uetkit('page')")
    await site.quiet()
    const order = site.of().toSorted((a, b) => Number(a.params.bo) - Number(b.params.bo))
    expect(order.map(({ evt }) => evt)).toEqual(['consent', 'pageLoad', 'custom'])
    await run(site, "uetkit('page')")
    expect(await site.seen('pageLoad', 2)).toHaveLength(2)
  })

  it('takes url, path and title of the call', async () => {
    const site = await open({
      pages: { '/': MANUAL + commands("uetkit('page',{url:'https://shop.example/clean?x=1',title:'Clean'})") },
      path: '/?secret=1',
    })
    await site.seen('pageLoad')
    expect(loads(site)).toEqual([{ p: 'https://shop.example/clean?x=1', r: '', tl: 'Clean', spa: undefined }])
  })

  it('keeps the referrer, and the page of later events, where only a title was told', async () => {
    const titled = "uetkit('page',{title:'Told'});uetkit('track','A')"
    const site = await open({ pages: { '/': `<a href="/landing?a=1">go</a>`, '/landing': MANUAL + commands(titled) } })
    await site.page.click('a')
    await site.seen('custom')
    await run(site, "history.pushState({},'','/next');uetkit('page');uetkit('track','B')")
    await site.seen('custom', 2)
    const { origin } = site
    expect(loads(site)[0]).toEqual({ p: `${origin}/landing?a=1`, r: `${origin}/`, tl: 'Told', spa: undefined })
    expect(site.of('custom').map(({ params }) => params.p)).toEqual([`${origin}/landing`, `${origin}/next`])
  })

  it('redacts every address from the very first beacon on', async () => {
    const site = await open({
      pages: {
        '/':
          '<script async src="/dist/uetkit.min.js"></script>' +
          commands(
            "uetkit('init',{tagId:'1',consent:{default:'granted'},redactUrl:(url)=>url.replace(/token=[^&#]*/g,'token=x')})",
            "uetkit('track','A')",
          ),
      },
      path: '/?token=secret-1',
    })
    await site.seen('custom')
    await run(site, "history.pushState({},'','/next?token=secret-2');uetkit('page');uetkit('track','B')")
    await site.seen('custom', 2)
    await site.quiet()
    expect(site.of('pageLoad').map(({ params }) => params.p)).toEqual([
      'https://shop.example/?token=x',
      'https://shop.example/next?token=x',
    ])
    expect(JSON.stringify(site.of('pageLoad', 'custom'))).not.toContain('secret')
  })

  it('leaves only the origin where the redaction fails', async () => {
    const site = await open({
      pages: {
        '/':
          '<script async src="/dist/uetkit.min.js"></script>' +
          commands("uetkit('init',{tagId:'1',consent:{default:'granted'},redactUrl(){throw 1}})"),
      },
      path: '/account/7?token=secret',
    })
    const [load] = await site.seen('pageLoad')
    expect(load?.params.p).toMatch(/^https:\/\/shop\.example\/?$/)
    expect(JSON.stringify(site.beacons)).not.toContain('secret')
  })

  it('gives events the id of the page load they belong to', async () => {
    const site = await open({ pages: { '/': scriptTag() + commands("uetkit('track','A')") } })
    await site.seen('custom')
    await ready(site)
    await run(site, "uetkit('page',{path:'/b'});uetkit('track','B')")
    await site.seen('custom', 2)
    expect(site.of('custom').map(({ params }) => params.mid)).toEqual(
      site.of('pageLoad').map(({ params }) => params.mid),
    )
  })
})
