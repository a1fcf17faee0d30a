import { describe, expect, it } from 'vitest'
import { snippets } from '../../test/support/snippets.ts'
import type { Beacon, Site } from '../support/site.ts'
import { useSites } from '../support/suite.ts'
import { bundle } from './bundle.ts'

const { open } = useSites()
const recipe = (page: string, lang: string) => snippets(`docs/hosts/${page}.md`).filter((each) => each.lang === lang)
const inOrder = (beacons: Beacon[]) => beacons.toSorted((a, b) => Number(a.params.bo) - Number(b.params.bo))
const told = (site: Site, ...names: string[]) =>
  inOrder(site.of()).map(({ evt, params }) => [evt, ...names.map((name) => params[name])])
/** The recipes' own addresses, on the test's website. */
const here = (code: string) => code.replaceAll('https://www.shop.example/', 'https://shop.example/dist/')
const run = (site: Site, code: string) => site.page.evaluate((text) => new Function(text)(), code)

/**
 * What a container does with a Custom HTML tag: it keeps Consent Mode's state, fills in variables, and puts scripts into
 * the page anew, of whose attributes only these few survive.
 */
const container = (consent: object) => `<script>
  dataLayer = []
  ;(function () {
    var entries = {}, listeners = []
    google_tag_data = { ics: { entries: entries, addListener: function (types, fn) { listeners.push(fn) } } }
    gtag = function (command, kind, states) {
      if (command !== 'consent') return
      for (var type in states) (entries[type] = entries[type] || {})[kind] = states[type] === 'granted'
      listeners.forEach(function (fn) { fn() })
    }
    fireTag = function (html, variables) {
      var box = document.createElement('div')
      box.innerHTML = html.replace(/{{(.*?)}}/g, function (_, name) { return JSON.stringify((variables || {})[name]) })
      box.querySelectorAll('script').forEach(function (old) {
        var script = document.createElement('script')
        ;['src', 'type', 'async', 'id'].forEach(function (name) {
          if (old.hasAttribute(name)) script.setAttribute(name, old.getAttribute(name))
        })
        script.text = old.text
        document.head.appendChild(script)
      })
    }
    ;${JSON.stringify(consent)}.forEach(function (command) { gtag.apply(null, command) })
  })()
</script>`

describe('Google Tag Manager', () => {
  const [tag, purchase, history] = recipe('google-tag-manager', 'html').map(({ code }) => here(code))
  const fire = (html: string, variables = {}) => `fireTag(${JSON.stringify(html)}, ${JSON.stringify(variables)})`
  const ecommerce = {
    transaction_id: 'T1',
    value: 25,
    currency: 'EUR',
    items: [{ item_id: 'p1', item_name: 'Lamp', price: 12.5, quantity: 2 }],
  }

  it('follows the state of the container, and sends its events', async () => {
    const site = await open({ pages: { '/': container([['consent', 'default', { ad_storage: 'denied' }]]) } })
    await run(site, fire(tag!))
    await site.seen('pageLoad')
    await run(site, "gtag('consent','update',{ad_storage:'granted'})")
    await run(site, fire(purchase!, { 'DLV - ecommerce': ecommerce }))
    await site.seen('custom')
    await run(site, `history.pushState({},'','/more');${fire(history!)}`)
    await site.seen('pageLoad', 2)
    await run(site, "gtag('consent','update',{ad_storage:'denied',analytics_storage:'granted'})")
    await run(site, fire(purchase!, {}))
    await site.seen('custom', 2)
    await site.quiet()
    const [order] = site.of('custom')
    expect(order?.params).toMatchObject({
      el: 'Order Completed',
      gv: '25',
      gc: 'EUR',
      prodid: 'p1',
      pagetype: 'purchase',
    })
    expect(site.of('consent').map(({ params: { src, asc } }) => `${src} ${asc}`)).toEqual([
      'default D',
      'update G',
      'update D',
    ])
    expect(site.of('pageLoad', 'custom').map(({ evt, params }) => `${evt} ${params.asc}`)).toEqual([
      'pageLoad D',
      'custom G',
      'pageLoad G',
      'custom D',
    ])
    expect(site.errors).toEqual([])
  })

  it.each([
    ['an answer that was there before the tag', [{ ad_storage: 'denied' }, { ad_storage: 'granted' }], 'G'],
    ['a granted default', [{ ad_storage: 'granted' }], 'G'],
    ['a container that knows nothing', [], 'D'],
  ])('starts with %s', async (_, states, expected) => {
    const commands = states.map((state, index) => ['consent', index ? 'update' : 'default', state])
    const site = await open({ pages: { '/': container(commands) } })
    await run(site, fire(tag!))
    await site.seen('pageLoad')
    await site.quiet(150)
    expect(told(site, 'asc')).toEqual([
      ['consent', expected],
      ['pageLoad', expected],
    ])
  })

  it('is written in the JavaScript that Custom HTML tags take', () => {
    for (const code of [tag, purchase, history]) expect(code).not.toMatch(/=>|\b(const|let)\b|`|\?\.|\?\?/)
  })
})

describe('PostHog', () => {
  it('sends page views, events and who they are of, but not what PostHog makes by itself', async () => {
    const [{ code } = { code: '' }] = recipe('posthog', 'js')
    const site = await open()
    await site.page.addScriptTag({ content: `${code.replace(/^export /gm, '')};window.site={onLoad,onEvent}` })
    const inputs = { tagId: '97247724', script: 'https://shop.example/dist/uetkit.min.js' }
    const event = (name: string, uuid: string, properties = {}, person = {}) =>
      `site.onEvent(${JSON.stringify({
        inputs,
        event: { event: name, uuid, distinct_id: 'u1', timestamp: new Date().toISOString(), properties },
        person: { properties: person },
      })})`
    const view = { $current_url: 'https://shop.example/', $referrer: '$direct', title: '/', ad_storage: 'granted' }
    await run(site, `site.onLoad(${JSON.stringify({ inputs })})`)
    await run(site, event('$pageview', 'e1', view))
    await run(site, event('$autocapture', 'e2'))
    await run(site, event('Order Completed', 'e3', { revenue: 25 }, { email: 'jane@example.com' }))
    await site.seen('custom')
    await site.quiet(150)
    expect(site.of('pageLoad')).toHaveLength(1)
    expect(site.of('custom').map(({ params: { el, gv, event_id, asc } }) => [el, gv, event_id, asc])).toEqual([
      ['Order Completed', '25', 'e3', 'G'],
    ])
    expect(site.of('custom')[0]?.params.pid).toMatch(/^em=8c87b489/)
    expect(site.errors).toEqual([])
  })
})

describe('Snowplow', () => {
  it('sends page views, structured and self-describing events, and follows the consent plugin', async () => {
    const [plugin] = recipe('snowplow', 'ts')
    const script = await bundle({ code: `${plugin!.code};(window as any).makePlugin = uetSnowplowPlugin` })
    const site = await open({ scripts: { '/host.js': script }, pages: { '/': '<script src="/host.js"></script>' } })
    const unstruct = (name: string, data: object) =>
      JSON.stringify({
        schema: 'iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0',
        data: { schema: `iglu:com.acme/${name}/jsonschema/1-0-0`, data },
      })
    const urlSafe = (text: string) => Buffer.from(text).toString('base64url')
    const consent = (event_type: string, consent_scopes: string[]) => ({
      e: 'ue',
      eid: 'c',
      ue_pr: unstruct('consent_preferences', { event_type, consent_scopes }),
    })
    const take = (payload: object) => run(site, `plugin.afterTrack(Object.freeze(${JSON.stringify(payload)}))`)
    await run(site, "window.plugin = makePlugin({ tagId: '97247724', consent: { category: 'advertising' } })")
    await take({ e: 'pv', eid: 'v1', dtm: `${Date.now()}`, url: 'https://shop.example/', page: '/', refr: '' })
    await take(consent('pending', []))
    await take({ e: 'se', eid: 's1', se_ca: 'tools', se_ac: 'buy', se_la: 'Lämp', se_va: '25' })
    await site.seen('custom')
    await take(consent('allow_selected', ['necessary', 'advertising']))
    await take({ e: 'ue', eid: 'u1', ue_px: urlSafe(unstruct('order_completed', { revenue: 5, category: 'Größe' })) })
    await take({ e: 'pp', eid: 'p1' })
    await site.seen('custom', 2)
    await take(consent('deny_all', ['necessary', 'advertising']))
    await take({ e: 'se', eid: 's2', se_ca: 'tools', se_ac: 'look' })
    await site.seen('custom', 3)
    await site.quiet(150)
    const custom = inOrder(site.of('custom')).map(({ params: { el, ec, gv, event_id } }) => [el, ec, gv, event_id])
    expect(custom).toEqual([
      ['Lämp', 'tools', '25', 's1'],
      ['order_completed', 'Größe', '5', 'u1'],
      ['look', 'tools', undefined, 's2'],
    ])
    expect(inOrder(site.of('consent')).map(({ params: { src, asc } }) => `${src} ${asc}`)).toEqual([
      'default D',
      'update G',
      'update D',
    ])
    expect(site.of('pageLoad')).toHaveLength(1)
    expect(site.errors).toEqual([])
  })
})

describe('Jitsu', () => {
  it('finds a factory behind the name that the recipe gives, and shares one tracker with it', async () => {
    const [file] = recipe('jitsu', 'ts')
    const [settings] = recipe('jitsu', 'json').map(({ code }) => JSON.parse(code))
    const { packageCdn, moduleVarName } = settings.deviceOptions
    const site = await open({ scripts: { '/uet-jitsu.js': await bundle({ code: file!.code }) } })
    const path = new URL(packageCdn).pathname
    for (const name of ['One', 'Two']) {
      // Jitsu loads the file for each event too.
      await site.page.addScriptTag({ url: path })
      await run(
        site,
        `const plugin = window[${JSON.stringify(moduleVarName)}](${JSON.stringify(settings.credentials)})
         plugin.initialize({ config: plugin.config, instance: {} })
         plugin.track({ config: plugin.config, instance: {}, payload: {
           type: 'track', event: ${JSON.stringify(name)}, messageId: ${JSON.stringify(name)}, properties: {},
           context: { consent: { categoryPreferences: { Advertising: true } } } } })`,
      )
    }
    await site.seen('custom', 2)
    await site.quiet(150)
    expect(told(site, 'el', 'event_id', 'asc')).toEqual([
      ['consent', undefined, undefined, 'D'],
      ['consent', undefined, undefined, 'G'],
      ['pageLoad', undefined, undefined, 'G'],
      ['custom', 'One', 'One', 'G'],
      ['custom', 'Two', 'Two', 'G'],
    ])
    expect(site.scriptRequests).toBe(1)
  })
})
