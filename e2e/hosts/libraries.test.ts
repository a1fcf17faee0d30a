import type { createInstance, Identify, Revenue } from '@amplitude/analytics-browser'
import type { RudderAnalytics } from '@rudderstack/analytics-js'
import type { AnalyticsBrowser } from '@segment/analytics-next'
import { describe, expect, it } from 'vitest'
import type { UetOptions } from '../../src/browser/index.ts'
import { useSites } from '../support/suite.ts'
import { type Shop, useHost } from './contract.ts'

const sites = useSites()
const labels = (site: Shop) => site.of('custom').map(({ params }) => params.el)
const states = (site: Shop) => site.of('consent').map(({ params: { src, asc } }) => `${src} ${asc}`)
const USER_2 = 'd92b69cfb82cecab45c753f56002b2c0e6d01f132fe39f2c878858dc9528e10b'
const PID = 'em=8c87b489ce35cf2e2f39f80e282cb2e804932a56a213983eeeb428407d43b52d'

describe('who the library knows from an earlier page', () => {
  it.each(['analytics', 'segment', 'rudderstack'])('%s: is told without being identified again', async (name) => {
    const site = await useHostOf(name).open({
      calls: [['page'], ['identify', 'user-1', { email: 'jane@example.com' }]],
    })
    await site.seen('pid')
    await site.page.goto(`${site.origin}/thanks`)
    await site.calls(['track', 'Order Completed'])
    const [order] = await site.seen('custom')
    expect(order?.params).toMatchObject({ el: 'Order Completed', pid: PID })
  })
})

describe('Segment', () => {
  const segment = useHostOf('segment')
  const track = (site: Shop, name: string, integrations: Record<string, boolean>) =>
    site.page.evaluate(
      async ([event, switches]) => {
        await (window.driver.library as AnalyticsBrowser).track(event, {}, { integrations: switches })
      },
      [name, integrations] as const,
    )

  it('respects the integrations switches, by our name and by that of the classic destination', async () => {
    const site = await segment.open({ calls: [['page']] })
    await track(site, 'off', { 'Microsoft Advertising UET': false })
    await track(site, 'classic off', { 'Bing Ads': false })
    await track(site, 'all off', { All: false })
    await track(site, 'only ours', { All: false, 'Microsoft Advertising UET': true })
    await track(site, 'others off', { 'Google Analytics': false })
    await site.seen('custom', 2)
    await site.quiet()
    expect(labels(site)).toEqual(['only ours', 'others off'])
  })

  it.each(['opt-in', 'opt-out'] as const)('follows the consent wrapper of Segment, %s', async (consentModel) => {
    const site = await useHostOf('segment-consent').open({
      calls: [['page'], ['track', 'One']],
      options: { consent: { category: 'Advertising' } } as UetOptions,
      consent: { Advertising: false, Analytics: true },
      host: { consentModel },
    })
    await site.seen('custom')
    await site.calls(['consent', { Advertising: true, Analytics: true }], ['track', 'Two'])
    await site.seen('custom', 2)
    await site.calls(['consent', { Advertising: false, Analytics: true }], ['track', 'Three'])
    await site.seen('custom', 3)
    await site.quiet()
    expect(labels(site)).toEqual(['One', 'Two', 'Three'])
    expect(site.of('custom').map(({ params }) => params.asc)).toEqual(['D', 'G', 'D'])
    expect(states(site)).toEqual(['default D', 'update G', 'update D'])
    expect(site.errors).toEqual([])
  })
})

describe('Amplitude', () => {
  const host = useHostOf('amplitude')
  type Library = {
    amplitude: ReturnType<typeof createInstance>
    Identify: typeof Identify
    Revenue: typeof Revenue
  }

  it('requests nothing while the visitor has opted out, and takes a later opt-out as a refusal', async () => {
    const site = await host.open({ calls: [['track', 'Never']], host: { optOut: true } })
    await site.page.evaluate(() => window.driver.ready.then(() => {}))
    await site.quiet()
    expect(site.scriptRequests).toBe(0)
    expect(site.of()).toEqual([])

    await site.page.evaluate(() => (window.driver.library as Library).amplitude.setOptOut(false))
    await site.calls(['track', 'Seen'])
    await site.seen('custom')
    await site.page.evaluate(() => (window.driver.library as Library).amplitude.setOptOut(true))
    await site.calls(['track', 'Not seen'])
    await site.page.evaluate(() => (window.driver.library as Library).amplitude.setOptOut(false))
    await site.calls(['track', 'Still refused'])
    await site.seen('custom', 2)
    expect(labels(site)).toEqual(['Seen', 'Still refused'])
    expect(states(site)).toEqual(['default G', 'update D'])
    expect(await site.page.evaluate(() => document.cookie)).not.toMatch(/_uet/)
  })

  it('forgets the user at a reset, whatever of theirs is still on its way', async () => {
    const site = await host.open({ calls: [['page']] })
    await site.seen('pageLoad')
    await site.page.evaluate(() => {
      const { amplitude, Identify } = window.driver.library as Library
      amplitude.identify(new Identify().set('email', 'jane@example.com'))
      amplitude.track('Logged Out')
      amplitude.reset()
    })
    await site.seen('custom')
    await site.calls(['track', 'Later'])
    const sent = await site.seen('custom', 2)
    expect(sent.map(({ params: { el, pid } }) => [el, pid])).toEqual([
      ['Logged Out', undefined],
      ['Later', undefined],
    ])
  })

  it('tells of the next user, who came before the grant, once there is one', async () => {
    const synced: string[] = []
    const site = await host.open({
      calls: [['page'], ['identify', 'user-1', {}]],
      options: { idSync: { customerId: '7' } } as UetOptions,
    })
    await site.context.route('https://c.bing.com/**', (route) => {
      synced.push(new URL(route.request().url()).searchParams.get('UID') ?? '')
      return route.fulfill({ status: 204 })
    })
    await site.seen('pageLoad')
    await site.page.evaluate(() => {
      const { amplitude } = window.driver.library as Library
      window.driver.uet.consent('denied')
      amplitude.reset()
      amplitude.setUserId('user-2')
    })
    await site.calls(['track', 'Before'])
    await site.seen('custom')
    synced.length = 0
    await site.page.evaluate(() => window.driver.uet.consent('granted'))
    await expect.poll(() => synced).toContain(USER_2)
  })

  it('sends revenue by the rule of the library: the total, else price times quantity', async () => {
    const site = await host.open({ calls: [['page']] })
    await site.page.evaluate(() => {
      const { amplitude, Revenue } = window.driver.library as Library
      amplitude.revenue(new Revenue().setPrice(3).setQuantity(2).setCurrency('EUR'))
      amplitude.revenue(new Revenue().setPrice(3).setQuantity(2).setRevenue(5))
      amplitude.track({ event_type: 'Paid', revenue: 7, currency: 'USD' })
      amplitude.track({ event_type: 'Priced', price: 4, quantity: 2 }, { category: 'tools' })
      amplitude.track('Own', { revenue: 9 }, { revenue: 1 })
      amplitude.track('Free')
    })
    await site.seen('custom', 6)
    expect(site.of('custom').map(({ params: { el, gv, gc } }) => [el, gv, gc])).toEqual([
      ['revenue_amount', '6', 'EUR'],
      ['revenue_amount', '5', undefined],
      ['Paid', '7', 'USD'],
      ['Priced', '8', undefined],
      ['Own', '9', undefined],
      ['Free', undefined, undefined],
    ])
  })

  it.each([
    ['nothing of what the library makes by itself', undefined, ['Bought']],
    ['what is allowed by name', ['session_start', 'Bought'], ['session_start', 'Bought']],
  ])('sends %s', async (_, allow, expected) => {
    const events = allow && { allow }
    const site = await host.open({ calls: [], options: { ...(events && { events }) } as UetOptions })
    await site.page.evaluate(() => window.driver.ready.then(() => {}))
    await site.page.evaluate(() => {
      document.body.innerHTML = '<button type="button">Buy</button>'
      document.querySelector('button')!.click()
    })
    await site.calls(['track', 'Bought'])
    await site.seen('custom', expected.length)
    await site.quiet()
    expect(labels(site)).toEqual(expected)
    expect(site.of('pageLoad')).toHaveLength(1)
  })

  it('lets the promise of a call resolve to a success', async () => {
    const site = await host.open({ calls: [['page']] })
    const code = await site.page.evaluate(() =>
      (window.driver.library as Library).amplitude.track('Bought').promise.then((result) => result.code),
    )
    expect(code).toBe(200)
  })
})

describe('RudderStack', () => {
  const host = useHostOf('rudderstack')

  it('counts no page load for the page call by which the library reports an ad blocker', async () => {
    const site = await host.open({ calls: [['page']] })
    await site.seen('pageLoad')
    await site.page.evaluate(() => {
      const rudder = window.driver.library as RudderAnalytics
      rudder.page('RudderJS-Initiated', 'ad-block page request', { path: '/ad-blocked' })
      rudder.page('Shop', 'Shoes', { path: '/shoes', url: 'https://shop.example/shoes' })
    })
    await site.seen('pageLoad', 2)
    await site.quiet()
    expect(site.of('pageLoad').map(({ params }) => params.p)).toEqual([
      'https://shop.example/',
      'https://shop.example/shoes',
    ])
  })

  it('is denied where no list names the category', async () => {
    const site = await host.open({
      calls: [['page']],
      consent: { Analytics: true },
      options: { consent: { default: 'granted', category: 'Advertising' } } as UetOptions,
    })
    await site.seen('pageLoad')
    // The default was granted, but nothing granted may leave once it is withdrawn.
    expect(states(site)).toEqual(['default D', 'update D'])
  })
})

function useHostOf(name: string) {
  return useHost(sites, name)
}
