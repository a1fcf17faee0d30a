import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import plugin, { uetPlugin } from '../../../src/browser/index.ts'
import type { UetOptions } from '../../../src/browser/options.ts'
import { HOSTILE } from '../../support/hostile.ts'
import type { TagPageOptions } from '../../support/tag-page.ts'
import { openUetPage } from '../../support/uet-page.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

function open(options: Partial<UetOptions> = {}, pageOptions: TagPageOptions = {}) {
  const page = openUetPage(pageOptions)
  return { page, uet: uetPlugin({ tagId: '1', consent: { default: 'denied', category: 'Ads' }, ...options }) }
}

const track = (event: string, properties = {}, more = {}) => ({
  payload: { event, properties, meta: { rid: 'r-1', ts: 5 }, ...more },
})
const view = (properties = {}) => ({ payload: { properties, meta: { rid: 'r-0' } } })
const allow = (Ads: boolean) => ({ options: { context: { consent: { categoryPreferences: { Ads } } } } })

describe('uetPlugin', () => {
  it('is the default export, and names what the host asks for', () => {
    expect(plugin).toBe(uetPlugin)
    const { uet } = open()
    expect(uet).toMatchObject({ name: 'uet', config: { tagId: '1' } })
    expect(Object.keys(uet.methods).sort()).toEqual(['consent', 'on', 'state'])
  })

  it.each<[string, TagPageOptions]>([
    ['there', {}],
    ['blocked', { script: { outcome: 'error' } }],
    ['silent', { script: { outcome: 'never' } }],
  ])('reports itself loaded at once while the tag script is %s, so that no other plugin waits', (_, options) => {
    const { page, uet } = open({}, options)
    expect(uet.loaded()).toBe(true)
    uet.initialize()
    expect(uet.loaded()).toBe(true)
    page.settle(20_000)
    expect(uet.loaded()).toBe(true)
  })

  it('sends page views and events with the host’s id', () => {
    const { page, uet } = open()
    uet.initialize()
    uet.page(view())
    uet.track(track('Order Completed', { category: 'tools', revenue: 25 }))
    page.settle()
    expect(page.lines()).toEqual(['pageLoad /', 'custom Order Completed'])
    expect(page.events()[0]?.params).toMatchObject({ ea: 'track', ec: 'tools', gv: '25', event_id: 'r-1', asc: 'D' })
  })

  it('takes address and title of a page view from the host, as it states them', () => {
    const { page, uet } = open({}, { url: 'https://shop.example.com/a?q=1#h', title: 'A' })
    // What the host's page() sends along: the location without its fragment.
    const properties = {
      title: 'A',
      url: 'https://shop.example.com/a?q=1',
      path: '/a',
      hash: '#h',
      search: '?q=1',
      width: 1,
      height: 1,
    }
    uet.page(view(properties))
    page.window.history.pushState({}, '', '/b')
    uet.page(view({ ...properties, title: 'B', url: 'https://shop.example.com/b', path: '/b' }))
    page.settle()
    expect(page.lines()).toEqual(['pageLoad /a?q=1#h', 'pageLoad /b'])
    expect(page.beacons().map(({ params }) => params.tl)).toEqual(['A', 'B'])
  })

  it('starts with the first call where the host does not initialise, and once', () => {
    const { page, uet } = open()
    uet.track(track('Signup'))
    uet.initialize()
    uet.initialize()
    page.settle()
    expect(page.lines()).toEqual(['pageLoad /', 'custom Signup'])
  })

  it('follows the consent that a call carries before it sends the call', () => {
    const { page, uet } = open()
    uet.initialize()
    page.settle()
    uet.track(track('One', {}, allow(true)))
    uet.track(track('Two'))
    uet.track(track('Three', {}, allow(false)))
    expect(page.events().map(({ params }) => `${params.el} ${params.asc}`)).toEqual(['One G', 'Two G', 'Three D'])
    expect(page.pings().map(({ params }) => `${params.src} ${params.asc}`)).toEqual([
      'default D',
      'update G',
      'update D',
    ])
  })

  it('has methods for consent, state and reports', () => {
    const { page, uet } = open()
    const seen: unknown[] = []
    const stop = uet.methods.on('event', ({ event }) => seen.push(event.id))
    uet.methods.consent('granted')
    expect(uet.methods.state()).toMatchObject({ consent: 'granted', consentSource: 'api', script: 'loading' })
    uet.track(track('Signup'))
    stop()
    uet.track(track('Signup'))
    expect(seen).toEqual(['r-1'])
    expect(page.errors).toEqual([])
  })

  it('sends hashes of whom the host identifies, only while consent is granted', async () => {
    const { page, uet } = open()
    const who = { payload: { userId: 'u-1', traits: { email: ' Ex.Ample+tag@Contoso.com ' } } }
    uet.identify(who)
    uet.track(track('Denied'))
    page.settle()
    uet.methods.consent('granted')
    uet.identify(who)
    uet.track(track('Granted'))
    await vi.waitFor(() => expect(page.events()).toHaveLength(2), { timeout: 5000 })
    const [denied, granted] = page.events().map(({ params }) => params)
    expect(denied).not.toHaveProperty('pid')
    expect(granted?.pid).toMatch(/^em=eec6fed9[0-9a-f]{49}476bd5e$/)
    for (const { url } of page.requests) expect(decodeURIComponent(url).toLowerCase()).not.toMatch(/contoso|u-1/)
    uet.reset()
    uet.track(track('After'))
    expect(page.events()[2]?.params).not.toHaveProperty('pid')
  })

  it.each(HOSTILE)('throws nothing at its host, given %s', (_, make) => {
    const { page, uet } = open()
    const hooks = ['initialize', 'page', 'track', 'identify', 'reset'] as const
    for (const hook of hooks) {
      const call = uet[hook] as (argument: unknown) => void
      expect(() => call(make()), hook).not.toThrow()
      expect(() => call({ payload: make(), instance: make() }), hook).not.toThrow()
      const payload = {
        event: make(),
        properties: make(),
        traits: make(),
        userId: make(),
        meta: make(),
        options: make(),
        context: make(),
      }
      expect(() => call({ payload, instance: { user: make() } }), hook).not.toThrow()
      expect(
        () => call({ payload: { ...payload, event: 'Odd', meta: { rid: make(), ts: make() } } }),
        hook,
      ).not.toThrow()
    }
    uet.track(track('After'))
    page.setVisibility('hidden')
    page.settle()
    expect(page.errors).toEqual([])
    expect(page.events().at(-1)?.params.el).toBe('After')
  })

  it('with wrong options stays inert, and still throws nothing at its host', () => {
    const { page, uet } = open({ tagId: 'x' })
    uet.initialize()
    uet.page(view())
    uet.track(track('Signup'))
    uet.methods.consent('granted')
    page.settle()
    expect(uet.loaded()).toBe(true)
    expect(uet.methods.state().script).toBe('off')
    expect(page.requests).toEqual([])
    expect(page.warnings).toHaveLength(1)
  })

  it('leaves the host’s objects as they are', () => {
    const { page, uet } = open()
    const argument = track('Cart Viewed', { products: [{ sku: 'a' }] }, allow(true))
    const before = structuredClone(argument)
    uet.track(argument)
    page.settle()
    uet.track(argument)
    expect(argument).toEqual(before)
  })
})
