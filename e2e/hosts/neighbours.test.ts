import { describe, expect, it } from 'vitest'
import type { UetOptions } from '../../src/browser/index.ts'
import { useSites } from '../support/suite.ts'
import { useHost } from './contract.ts'
import { type Call, type Fault, type Neighbour, THROWN } from './driver.ts'

const sites = useSites()

const HOSTS = ['analytics', 'segment', 'amplitude', 'rudderstack', 'jitsu'] as const
const PLACES = ['in front', 'behind'] as const
const FAULTS: Fault[] = ['throws', 'rejects', 'never settles']

/** Where the library itself stops with such a plugin, so that no plugin of it gets an event more: docs/hosts. */
const DEADLY: Record<string, (neighbour: Neighbour) => boolean> = {
  segment: ({ place, start }) => place === 'in front' && start === 'throws',
  amplitude: ({ place, start }) => start === 'never settles' || (place === 'in front' && start !== undefined),
}

const allow = (Advertising: boolean): Call => ['consent', { Advertising }]

const table = HOSTS.flatMap((host) =>
  PLACES.flatMap((place) =>
    FAULTS.flatMap((fault) => [
      { host, what: `${fault} at its start`, neighbour: { place, start: fault } },
      { host, what: `${fault} in each call`, neighbour: { place, calls: fault } },
    ]),
  ),
)

describe.each(table)('$host: a plugin $neighbour.place, which $what', ({ host, neighbour }) => {
  const open = (calls: Call[]) =>
    useHost(sites, host).open({
      calls,
      neighbours: [neighbour],
      consent: { Advertising: true },
      options: { consent: { default: 'granted', category: 'Advertising' } } as UetOptions,
    })
  const others = async (site: Awaited<ReturnType<typeof open>>) =>
    (await site.seenByOthers()).filter(({ name }) => !name.includes('Consent'))

  if (DEADLY[host]?.(neighbour))
    it('stops the library itself, for all its plugins', async () => {
      const site = await open([['page'], ['track', 'One']])
      await site.quiet(500)
      await site.calls(['track', 'Later'])
      await site.quiet(500)
      const sent = site.of('custom').map(({ params: { el, event_id } }) => ({ name: el, id: event_id }))
      expect(sent).toEqual(await others(site))
      expect(sent.map(({ name }) => name)).not.toContain('Later')
    })
  else
    it('neither stops ours nor is stopped', async () => {
      const site = await open([['page'], ['track', 'One'], ['track', 'Two', { revenue: 2 }]])
      await site.seen('custom', 2)
      await site.calls(['identify', 'user-1', { email: 'jane@example.com' }])
      await site.seen('pid')
      await site.calls(['track', 'Three'])
      await site.seen('custom', 3)
      await site.calls(allow(false), ['track', 'Four'])
      await site.seen('custom', 4)
      await site.calls(['reset'], ['track', 'Five'])
      await site.seen('custom', 5)
      await site.quiet(150)

      const sent = site.of('custom').map(({ params }) => params)
      expect(sent.map(({ el, gv, asc, pid }) => [el, gv, asc, pid !== undefined])).toEqual([
        ['One', undefined, 'G', false],
        ['Two', '2', 'G', false],
        ['Three', undefined, 'G', true],
        ['Four', undefined, 'D', false],
        ['Five', undefined, 'D', false],
      ])
      expect(site.of('pageLoad')).toHaveLength(1)
      expect(site.of('consent').map(({ params: { src, asc } }) => `${src} ${asc}`)).toEqual(['default G', 'update D'])
      expect(await others(site)).toEqual(sent.map(({ el, event_id }) => ({ name: el, id: event_id })))
      const met = await site.page.evaluate(() => window.driver.met)
      if (neighbour.calls)
        expect(met.filter((name) => !name.includes('Consent'))).toEqual(
          sent.map(({ el }) => `${neighbour.place}: ${el}`),
        )
      expect(site.errors.filter((message) => !message.includes(THROWN))).toEqual([])
    })
})
