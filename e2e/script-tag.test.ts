import { describe, expect, it } from 'vitest'
import type { Beacon, Site } from './support/site.ts'
import { commands, scriptTag, useSites } from './support/suite.ts'

const { open } = useSites()
const ORDER = "uetkit('track','Order Completed',{category:'tools',revenue:25})"
/** Kinds in the order in which the tag made them: pings and images overtake each other on the way. */
const inOrder = (beacons: Beacon[]) =>
  beacons.toSorted((a, b) => Number(a.params.bo) - Number(b.params.bo)).map(({ evt }) => evt)
const kinds = (site: Site) => inOrder(site.of())

describe('the script tag', () => {
  it('sends the page load at start and the queued order after it', async () => {
    const site = await open({ pages: { '/': scriptTag() + commands(ORDER) } })
    const [order] = await site.seen('custom')
    expect(order?.params).toMatchObject({
      ti: '97247724',
      ea: 'track',
      el: 'Order Completed',
      ec: 'tools',
      gv: '25',
      asc: 'G',
      en: 'Y',
    })
    expect(order?.params.event_id).toMatch(/^[0-9a-f-]{36}$/)
    expect(kinds(site)).toEqual(['consent', 'pageLoad', 'custom'])
    expect(site.errors).toEqual([])
  })

  it('reads a whole options object from a JSON block', async () => {
    const options = {
      tagId: '97247724',
      consent: { default: 'granted' },
      mapping: { label: 'title', parameters: { search_term: 'q' } },
    }
    const site = await open({
      pages: {
        '/':
          `<script type="application/json" data-uetkit>${JSON.stringify(options)}</script><script async src="/dist/uetkit.min.js"></script>` +
          commands("uetkit('track','Search',{title:'Found',q:'shoes'})"),
      },
    })
    const [event] = await site.seen('custom')
    expect(event?.params).toMatchObject({ el: 'Found', search_term: 'shoes', asc: 'G' })
  })

  it.each([
    ['data-consent-default="denied"', { asc: 'D' }],
    ['data-consent-default="GRANTED"', { asc: 'G' }],
    ['data-consent="off"', { asc: undefined }],
    ['data-consent-default="denied" data-consent-category="ads, marketing"', { asc: 'D' }],
    ['data-consent-default="granted" data-mapping-label="name"', { asc: 'G', el: 'Named' }],
    ['data-consent-default="granted" data-mapping-action="buy"', { asc: 'G', ea: 'buy' }],
    ['data-consent-default="granted" data-mapping-value="amounts.net"', { asc: 'G', gv: '7' }],
    ['data-consent-default="granted" data-events-allow="Other, Bought"', { asc: 'G', el: 'Bought' }],
  ])('understands %s', async (attributes, expected) => {
    const site = await open({
      pages: {
        '/':
          scriptTag(`data-tag-id="97247724" ${attributes}`) +
          commands("uetkit('track','Bought',{name:'Named',amounts:{net:7}})"),
      },
    })
    const [event] = await site.seen('custom')
    const seen = Object.fromEntries(Object.keys(expected).map((key) => [key, event?.params[key]]))
    expect(seen).toEqual(expected)
  })

  it('sends no page load by itself with data-auto-page="false"', async () => {
    const site = await open({
      pages: { '/': scriptTag(undefined, 'data-auto-page="false"') + commands("uetkit('page')", "uetkit('page')") },
    })
    await site.seen('pageLoad', 2)
    await site.quiet()
    expect(site.of('pageLoad')).toHaveLength(2)
  })

  it('starts by the init command where no attribute says how, and plays back what came before it', async () => {
    const site = await open({
      pages: {
        '/':
          '<script async src="/dist/uetkit.min.js"></script>' +
          commands(ORDER, "uetkit('init',{tagId:'97247724',consent:{default:'granted'}})"),
      },
    })
    await site.seen('custom')
    expect(kinds(site)).toEqual(['consent', 'pageLoad', 'custom'])
  })

  it('is harmless when it is on the page twice', async () => {
    const site = await open({ pages: { '/': scriptTag() + commands(ORDER) + scriptTag() } })
    await site.seen('custom')
    await site.quiet()
    expect(kinds(site)).toEqual(['consent', 'pageLoad', 'custom'])
    expect(site.scriptRequests).toBe(1)
  })

  it('answers state and on, and takes a later command at once', async () => {
    const site = await open({ pages: { '/': scriptTag() } })
    await site.seen('pageLoad')
    const state = await site.page.evaluate(() => {
      const { uetkit } = window as never as { uetkit: (...args: unknown[]) => Record<string, unknown> }
      const seen: unknown[] = []
      uetkit('on', 'event', (report: { args: unknown[] }) => seen.push(report.args[1]))
      uetkit('track', 'Signup')
      return { seen, ...(uetkit('state') as { pageLoadId: string }) }
    })
    expect(state).toMatchObject({
      consent: 'granted',
      consentSource: 'default',
      script: 'ready',
      tagIds: ['97247724'],
      queued: 0,
      dropped: 0,
      seen: ['track'],
    })
    expect(state.pageLoadId).toBe(site.of('pageLoad')[0]?.params.mid)
  })

  it('starts several tags, each with its own queue variable and its own consent default', async () => {
    const site = await open({
      pages: { '/': scriptTag('data-tag-id="111,222" data-consent-default="denied"') + commands(ORDER) },
    })
    await site.seen('custom', 2)
    for (const ti of ['111', '222']) {
      const own = site.of().filter(({ params }) => params.ti === ti)
      expect(inOrder(own)).toEqual(['consent', 'pageLoad', 'custom'])
      expect(own.every(({ params, host }) => params.asc === 'D' && host === 'net')).toBe(true)
    }
    expect(site.scriptRequests).toBe(1)
    expect(await site.context.cookies()).toEqual([])
  })
})

const tracker = (options: string) =>
  scriptTag('', 'data-auto-page="true"') + commands(`uetkit('init',${options})`, ORDER)

describe('bad input', () => {
  it.each([
    ['no options', 'undefined', 'tagId', 'use digits'],
    ['a missing tag id', '{consent:false}', 'tagId', 'use digits'],
    ['a tag id that is no number', "{tagId:'UET-1'}", 'tagId', 'UET-1'],
    ['an unknown option', "{tagId:'1',colour:'red'}", 'colour', 'no such option'],
    ['an unknown option in a group', "{tagId:'1',consent:{defualt:'denied'}}", 'consent.defualt', 'no such option'],
    ['a wrong type', "{tagId:'1',consent:{waitForUpdate:'soon'}}", 'consent.waitForUpdate', '0-10000'],
    ['a group that is none', "{tagId:'1',consent:'denied'}", 'consent', 'use group or false'],
    ['a relay without a url', "{tagId:'1',consent:false,relay:{}}", 'relay.url', 'use text'],
    ['TCF beside other consent options', "{tagId:'1',consent:{tcf:true,default:'denied'}}", 'consent.tcf', 'remove'],
  ])('warns once about %s and stays inert', async (_, options, name, remedy) => {
    const site = await open({ pages: { '/': tracker(options) } })
    await site.quiet(150)
    const warnings = site.consoleLines.filter((line) => line.includes('[uetkit]'))
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain(`option ${name} is`)
    expect(warnings[0]).toContain(remedy)
    expect(site.beacons).toEqual([])
    expect(site.scriptRequests).toBe(0)
    expect(site.errors).toEqual([])
  })

  it.each([
    ["uetkit('buy')", 'no such command'],
    ['uetkit()', 'no such command'],
    ['uetkit(Symbol())', 'no such command'],
    ["uetkit('consent','maybe')", "consent() takes 'granted' or 'denied'"],
  ])('warns once about %s and goes on', async (command, message) => {
    const site = await open({ pages: { '/': scriptTag() + commands(command, command, ORDER) } })
    await site.seen('custom')
    expect(site.consoleLines.filter((line) => line.includes(message))).toHaveLength(1)
    expect(kinds(site)).toEqual(['consent', 'pageLoad', 'custom'])
    expect(site.errors).toEqual([])
  })

  it.each([
    "uetkit('track')",
    "uetkit('track','')",
    "uetkit('track',Symbol('x'))",
    "uetkit('track','a',(()=>{const o={};o.o=o;o.category=o;return o})())",
    "uetkit('track','a',{get category(){throw 1},get revenue(){throw 2},products:[{get sku(){throw 3}}]})",
    "uetkit('track','a',new Proxy({},{get(){throw 1},getOwnPropertyDescriptor(){throw 2},ownKeys(){throw 3}}))",
    "uetkit('track','a',{category:Symbol('c'),revenue:10n,currency:()=>1})",
    "uetkit('track','a',{category:'x'.repeat(1e6),products:Array(1e5).fill({sku:'s',price:1})})",
    "uetkit('track','a',5,7)",
    "uetkit('track','a','text',{id:{},time:'never',page:3,consent:[]})",
    "uetkit('page',null,null)",
    "uetkit('page',{url:'http://[',title:9,path:'//['})",
    "uetkit('identify',{},{email:5})",
    "uetkit('identify',Symbol('s'),new Proxy({},{get(){throw 1}}))",
    "uetkit('on','event',()=>{throw 1})",
    "uetkit('on',null,null)",
  ])('survives %s', async (command) => {
    const site = await open({ pages: { '/': scriptTag() + commands("uetkit('track','Before')", command, ORDER) } })
    await site.page.waitForFunction(() => (window as never as { uetq: { uetLoaded?: boolean } }).uetq?.uetLoaded)
    await site.page.evaluate((text) => new Function(text)(), `${command};${ORDER}`)
    const label = 'Order Completed'
    await expect.poll(() => site.of('custom').filter(({ params }) => params.el === label)).toHaveLength(2)
    const labels = site.of('custom').map(({ params }) => params.el)
    expect(labels.filter((name) => name !== 'a')).toEqual(['Before', label, label])
    expect(site.errors).toEqual([])
  })
})
