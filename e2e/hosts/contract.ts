import { expect, it } from 'vitest'
import type { UetOptions } from '../../src/browser/index.ts'
import type { Beacon, Site, SiteOptions } from '../support/site.ts'
import type { useSites } from '../support/suite.ts'
import { bundle } from './bundle.ts'
import { type Call, type Driver, type Neighbour, type Preferences, type Setup, THROWN } from './driver.ts'

/** What has to leave the page: the kind of beacon, and those of its parameters that matter. */
type Wire = [evt: string, params?: Record<string, unknown>]

interface Case {
  what: string
  options?: Partial<UetOptions>
  consent?: Preferences
  neighbours?: Neighbour[]
  /** Calls, and what they send. The first calls are made before the library has started. */
  steps: [calls: Call[], wire: Wire[]][]
}

const ORDER: Call = ['track', 'Order Completed', { category: 'tools', revenue: 25, currency: 'EUR' }]
const ORDERED: Wire = ['custom', { ea: 'track', el: 'Order Completed', ec: 'tools', gv: '25', gc: 'EUR', asc: 'G' }]
const START: Wire[] = [
  ['consent', { src: 'default', asc: 'G' }],
  ['pageLoad', { asc: 'G', p: 'https://shop.example/' }],
]
const EMAIL = { email: ' Jane@Example.com ' }
// SHA-256 of jane@example.com
const PID = 'em=8c87b489ce35cf2e2f39f80e282cb2e804932a56a213983eeeb428407d43b52d'

/** Calls → beacons. Every adapter passes the same table. */
const CASES: Case[] = [
  {
    what: 'a page view, an order, a revenue of nothing, products, and what is mapped',
    options: { mapping: { parameters: { coupon: 'codes.0' } } },
    steps: [
      [
        [
          ['page'],
          ORDER,
          ['track', 'Free', { revenue: 0 }],
          ['track', 'Product Added', { product_id: 'p1', price: 5, codes: ['SAVE'] }],
        ],
        [
          ...START,
          ORDERED,
          ['custom', { el: 'Free', gv: '0' }],
          ['custom', { el: 'Product Added', pagetype: 'cart', prodid: 'p1', coupon: 'SAVE' }],
        ],
      ],
    ],
  },
  {
    what: 'an event before any page view, later page views of a single-page application, consent from a property',
    options: { consent: { default: 'granted', property: 'ads.storage' } },
    steps: [
      [
        [['track', 'First'], ['page'], ['track', 'Second']],
        [...START, ['custom', { el: 'First' }], ['custom', { el: 'Second' }]],
      ],
      [
        [['go', '/shoes?size=9'], ['page']],
        [['pageLoad', { p: 'https://shop.example/shoes?size=9', r: 'https://shop.example/', spa: 'Y' }]],
      ],
      [
        [
          ['track', 'Odd', { ads: { storage: 'no' } }],
          ['track', 'Refused', { ads: { storage: ' Denied ' } }],
        ],
        [
          ['custom', { el: 'Odd', asc: 'G' }],
          ['consent', { src: 'update', asc: 'D' }],
          ['custom', { el: 'Refused', asc: 'D' }],
        ],
      ],
    ],
  },
  {
    what: 'each answer to the consent tool once, and who the visitor is only while they consent',
    options: { consent: { category: 'Advertising' } },
    consent: { Advertising: false, Analytics: true },
    steps: [
      [
        [['page'], ['identify', 'user-1', EMAIL], ['track', 'One']],
        [
          ['consent', { src: 'default', asc: 'D' }],
          ['pageLoad', { asc: 'D', pid: undefined, vid: undefined }],
          ['custom', { el: 'One', asc: 'D', pid: undefined, vid: undefined }],
        ],
      ],
      [
        [
          ['consent', { Advertising: true, Analytics: true }],
          ['track', 'Two'],
          ['track', 'Three'],
        ],
        [
          ['consent', { src: 'update', asc: 'G' }],
          ['pid', { asc: 'G', pid: PID }],
          ['custom', { el: 'Two', asc: 'G', pid: PID }],
          ['custom', { el: 'Three', asc: 'G', pid: PID }],
        ],
      ],
      [[['reset'], ['track', 'Four']], [['custom', { el: 'Four', asc: 'G', pid: undefined }]]],
      [
        [['identify', 'user-2', EMAIL], ORDER],
        [
          ['pid', { pid: PID }],
          ['custom', { ...ORDERED[1], pid: PID }],
        ],
      ],
      [
        [
          ['consent', { Advertising: false, Analytics: true }],
          ['track', 'Five'],
        ],
        [
          ['consent', { src: 'update', asc: 'D' }],
          ['custom', { el: 'Five', asc: 'D', pid: undefined, vid: undefined }],
        ],
      ],
    ],
  },
  {
    what: 'all of it between plugins that throw',
    neighbours: [
      { place: 'in front', calls: 'throws' },
      { place: 'behind', start: 'throws', calls: 'throws' },
    ],
    steps: [
      [
        [['page'], ORDER],
        [...START, ORDERED],
      ],
      [[['track', 'Again']], [['custom', { el: 'Again' }]]],
    ],
  },
]

const inOrder = (beacons: Beacon[]) => beacons.toSorted((a, b) => Number(a.params.bo) - Number(b.params.bo))

export interface Shop extends Site {
  /** Makes calls one after the other, each after the one before has been taken. */
  calls(...calls: Call[]): Promise<void>
  seenByOthers(): Promise<Driver['seen']>
}

/** Opens pages on which one library runs, with our plugin and others in it. */
export function useHost({ open }: ReturnType<typeof useSites>, pageScript: string) {
  return {
    async open(setup: Partial<Setup> = {}, site: SiteOptions = {}): Promise<Shop> {
      const full: Setup = { calls: [], ...setup, options: { ...OPTIONS, ...setup.options } }
      const opened = await open({
        ...site,
        scripts: { '/host.js': await bundle(`e2e/hosts/pages/${pageScript}.ts`) },
        pages: {
          '/': `<script>window.setup=${JSON.stringify(full)}</script><script src="/host.js"></script>`,
          ...site.pages,
        },
      })
      const { page } = opened
      return Object.assign(opened, {
        async calls(...calls: Call[]) {
          for (const call of calls) await page.evaluate(async (one) => void (await window.driver.call(...one)), call)
        },
        seenByOthers: () => page.evaluate(() => window.driver.seen),
      })
    },
  }
}

declare global {
  interface Window {
    driver: Driver
  }
}

const OPTIONS: UetOptions = { tagId: '97247724', consent: { default: 'granted', category: 'Advertising' } }

export type Host = ReturnType<typeof useHost>

/** The suite that every adapter passes. */
export function contract(host: Host): void {
  it.each(CASES)('$what', async ({ steps, ...setup }) => {
    const site = await host.open({ ...setup, calls: steps[0]![0] } as Setup)
    for (const [index, [calls, wire]] of steps.entries()) {
      const before = index ? site.of().length : 0
      if (index) await site.calls(...calls)
      await expect.poll(() => site.of().length, { timeout: 8_000 }).toBeGreaterThanOrEqual(before + wire.length)
      if (index === steps.length - 1) await site.quiet(150)
      const left = inOrder(site.of().slice(before)).map(({ evt, params }, place): Wire => {
        const wanted = Object.keys(wire[place]?.[1] ?? {})
        return [evt, Object.fromEntries(wanted.map((name) => [name, params[name]]))]
      })
      expect(left).toEqual(wire.map(([evt, params = {}]) => [evt, params]))
    }
    // One event has one id, in the library and on the wire.
    const sent = site.of('custom').map(({ params: { el, event_id } }) => ({ name: el, id: event_id }))
    const others = await site.seenByOthers()
    expect(others.filter(({ name }) => sent.some((event) => event.name === name))).toEqual(sent)
    expect(site.scriptRequests).toBe(1)
    expect(site.errors.filter((message) => !message.includes(THROWN))).toEqual([])
  })

  it.each([
    ['when the tag script is blocked', {}, 'network-error', 'blocked'],
    ['when its own options are wrong', { tagId: 'x' }, 'ok', 'off'],
  ] as const)('holds nobody up %s', async (_, options, tagScript, status) => {
    const site = await host.open({ calls: [['page'], ORDER], options: options as never }, { tagScript })
    await site.page.evaluate(() => window.driver.ready.then(() => {}))
    await expect.poll(async () => (await site.seenByOthers()).map(({ name }) => name)).toEqual(['Order Completed'])
    expect(await site.page.evaluate(() => window.driver.uet.state().script)).toBe(status)
    expect(site.of()).toEqual([])
    expect(site.consoleLines.filter((line) => line.includes('[uetkit]'))).toHaveLength(status === 'off' ? 1 : 0)
    expect(site.errors).toEqual([])
  })
}
