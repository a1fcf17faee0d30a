import { describe, expect, it } from 'vitest'
import type { Site } from './support/site.ts'
import { commands, STUB, scriptTag, useSites } from './support/suite.ts'

const { open } = useSites()
const RELAY = 'https://relay.example/v1/e'
const tag = (state = 'granted', extra = '') =>
  scriptTag(
    `data-tag-id="97247724" data-consent-default="${state}" data-relay-url="${RELAY}" data-relay-key="pk"`,
    extra,
  )

interface Batch {
  type: string | undefined
  events: { id: string; name?: string; type: string; consent: string; user: object; conversion?: object }[]
}

/** Answers in the relay's place, by a list of statuses whose last one stays; 0 = no answer. */
async function mount(site: Site, ...statuses: number[]): Promise<Batch[]> {
  const batches: Batch[] = []
  await site.context.route(RELAY, (route) => {
    const request = route.request()
    const { events } = JSON.parse(request.postData() ?? '{}')
    batches.push({ type: request.headers()['content-type'], events })
    const status = statuses.length > 1 ? statuses.shift()! : statuses[0]!
    return status ? route.fulfill({ status, body: '{}' }) : route.abort()
  })
  return batches
}
const names = (batches: Batch[]) => batches.map(({ events }) => events.map(({ name, type }) => name ?? type))
const run = (site: Site, code: string) => site.page.evaluate((text) => new Function(text)(), code)

describe('the browser sender', () => {
  it('sends an event with the id, the values and the ids that the tag has, and no preflight', async () => {
    const site = await open({ path: '/nothing', pages: { '/nothing': '', '/': tag() + STUB } })
    const batches = await mount(site, 202)
    await site.page.goto(`${site.origin}/?msclkid=292049a17e2413e3a4081719e839afe6`)
    await site.seen('pageLoad')
    await run(site, "uetkit('track','Order Completed',{category:'tools',revenue:25,currency:'EUR'})")
    const [beacon] = await site.seen('custom')
    await expect.poll(() => batches).toHaveLength(1)
    const [{ type, events }] = batches as [Batch]
    expect(type).toBe('text/plain;charset=UTF-8')
    expect(events).toMatchObject([
      {
        type: 'track',
        id: beacon?.params.event_id,
        name: 'Order Completed',
        consent: 'granted',
        page: { loadId: beacon?.params.mid },
        conversion: { action: 'track', label: 'Order Completed', category: 'tools', value: 25, currency: 'EUR' },
        user: { anonymousId: beacon?.params.vid, msclkid: '292049a17e2413e3a4081719e839afe6' },
      },
    ])
  })

  it('tries again what got no answer or a temporary refusal, with the same ids, and not what was refused', async () => {
    const site = await open({ path: '/nothing', pages: { '/nothing': '', '/': tag() + STUB } })
    const batches = await mount(site, 0, 503, 400)
    await site.page.goto(`${site.origin}/`)
    await site.seen('pageLoad')
    await run(site, "uetkit('track','A')")
    await expect.poll(() => batches.length, { timeout: 10_000 }).toBe(3)
    await site.quiet(1_500)
    expect(names(batches)).toEqual([['A'], ['A'], ['A']])
    expect(new Set(batches.map(({ events }) => events[0]?.id)).size).toBe(1)
  })

  it('hands what is pending to the next page, while granted', async () => {
    const site = await open({ path: '/nothing', pages: { '/nothing': '', '/': tag() + STUB } })
    const batches = await mount(site, 0)
    await site.page.goto(`${site.origin}/`)
    await site.seen('pageLoad')
    await run(site, "uetkit('track','A');uetkit('track','B')")
    await expect.poll(() => batches.length).toBe(1)
    await site.context.unroute(RELAY)
    const later = await mount(site, 202)
    await site.page.goto(`${site.origin}/next`)
    await expect
      .poll(() => later.flatMap(({ events }) => events.map(({ name }) => name)))
      .toEqual(expect.arrayContaining(['A', 'B']))
    const ids = batches[0]!.events.map(({ id }) => id)
    expect(later.flatMap(({ events }) => events.map(({ id }) => id))).toEqual(expect.arrayContaining(ids))
    await expect.poll(() => site.page.evaluate(() => sessionStorage.getItem('_uetkit_pending'))).toBeNull()
  })

  it('forgets what is pending when consent is withdrawn, on this page and for the next, and tells the relay whose events to delete', async () => {
    const site = await open({ path: '/nothing', pages: { '/nothing': '', '/': tag() + STUB } })
    const batches = await mount(site, 0)
    await site.page.goto(`${site.origin}/?msclkid=292049a17e2413e3a4081719e839afe6`)
    await site.seen('pageLoad')
    await run(site, "uetkit('identify','user-1',{email:'jane@example.com'})")
    await run(site, "uetkit('track','A')")
    await expect.poll(() => batches.length).toBe(1)
    await run(site, "uetkit('consent','denied')")
    await expect.poll(() => batches.length).toBe(2)
    await site.page.goto(`${site.origin}/next`)
    await site.quiet(1_200)
    const [{ events: sent }, withdrawal] = batches as [Batch, Batch]
    expect(sent[0]?.user).toMatchObject({
      anonymousId: expect.stringMatching(/^[0-9a-f]{32}$/),
      msclkid: '292049a17e2413e3a4081719e839afe6',
      em: '8c87b489ce35cf2e2f39f80e282cb2e804932a56a213983eeeb428407d43b52d',
    })
    expect(withdrawal).toEqual({
      type: 'text/plain;charset=UTF-8',
      events: [{ type: 'consent', consent: 'denied', user: sent[0]?.user }],
    })
    expect(batches).toHaveLength(2)
    expect(await site.page.evaluate(() => Object.keys(sessionStorage))).toEqual([])
  })

  it('takes back what is on its way when consent is withdrawn', async () => {
    const site = await open({ path: '/nothing', pages: { '/nothing': '', '/': tag() + STUB } })
    await site.context.route(RELAY, () => {})
    await site.page.goto(`${site.origin}/`)
    await site.seen('pageLoad')
    const failed = site.page.waitForEvent('requestfailed', (request) => request.url() === RELAY)
    await Promise.all([
      site.page.waitForRequest((request) => request.url() === RELAY),
      run(site, "uetkit('track','A')"),
    ])
    await run(site, "uetkit('consent','denied')")
    expect((await failed).failure()?.errorText).toBe('net::ERR_ABORTED')
  })

  it('sends and leaves nothing more once another tab withdrew, though a blocked tag script tells no tab', async () => {
    const pages = { '/nothing': '', '/': tag('denied') + STUB }
    const site = await open({ path: '/nothing', pages, tagScript: 'network-error' })
    const batches = await mount(site, 0)
    await site.page.goto(`${site.origin}/`)
    await run(site, "uetkit('consent','granted');uetkit('track','A')")
    await expect.poll(() => names(batches).flat()).toContain('A')
    const other = await site.context.newPage()
    await other.goto(`${site.origin}/`)
    await other.evaluate("uetkit('consent','denied')")
    await expect.poll(() => names(batches).flat()).toContain('consent')
    const past = batches.length
    await site.quiet(4_000)
    await site.page.goto(`${site.origin}/nothing`)
    await site.quiet()
    expect(
      names(batches.slice(past))
        .flat()
        .filter((name) => name === 'A'),
    ).toEqual([])
    expect(await site.context.cookies()).toEqual([])
    expect(await site.page.evaluate(() => Object.keys(sessionStorage))).toEqual([])
  })

  it('tells the relay of no withdrawal where nothing can have been sent', async () => {
    const site = await open({ path: '/nothing', pages: { '/nothing': '', '/': tag('denied') + STUB } })
    const batches = await mount(site, 202)
    await site.page.goto(`${site.origin}/`)
    await site.seen('pageLoad')
    await run(site, "uetkit('track','A');uetkit('consent','denied')")
    await site.quiet()
    expect(batches).toEqual([])
  })

  it.each(['denied', 'off'])('sends and keeps nothing while consent is %s', async (state) => {
    const attributes =
      state === 'off' ? scriptTag(`data-tag-id="1" data-consent="off" data-relay-url="${RELAY}"`) : tag('denied')
    const site = await open({ path: '/nothing', pages: { '/nothing': '', '/': attributes + STUB } })
    const batches = await mount(site, 202)
    await site.page.goto(`${site.origin}/`)
    await site.seen('pageLoad')
    await run(site, "uetkit('track','A')")
    await site.page.goto(`${site.origin}/next`)
    await site.quiet()
    expect(batches).toEqual([])
    expect(await site.page.evaluate(() => Object.keys(sessionStorage))).toEqual([])
  })

  it('sends page loads only when the tag script is blocked', async () => {
    const blocked = await open({
      path: '/nothing',
      tagScript: 'network-error',
      pages: { '/nothing': '', '/': tag() + commands("uetkit('track','A')") },
    })
    const batches = await mount(blocked, 202)
    await blocked.page.goto(`${blocked.origin}/`)
    await expect.poll(() => names(batches).flat()).toEqual(['page', 'A'])

    const ready = await open({
      path: '/nothing',
      pages: { '/nothing': '', '/': tag() + commands("uetkit('track','A')") },
    })
    const other = await mount(ready, 202)
    await ready.page.goto(`${ready.origin}/`)
    await expect.poll(() => names(other).flat()).toEqual(['A'])
  })

  it('sends many events in batches that browsers let through', async () => {
    const site = await open({ path: '/nothing', pages: { '/nothing': '', '/': tag() + STUB } })
    const batches = await mount(site, 202)
    await site.page.goto(`${site.origin}/`)
    await site.seen('pageLoad')
    await run(site, "for(let n=0;n<60;n++)uetkit('track','Event '+n,{note:'x'.repeat(1500)})")
    await expect.poll(() => names(batches).flat().length, { timeout: 10_000 }).toBe(60)
    expect(names(batches).flat()).toEqual(Array.from({ length: 60 }, (_, n) => `Event ${n}`))
    expect(Math.max(...batches.map(({ events }) => JSON.stringify(events).length))).toBeLessThanOrEqual(60_000)
  })
})
