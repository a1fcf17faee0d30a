import { describe, expect, it } from 'vitest'
import type { Site, TagScript } from './support/site.ts'
import { commands, ownSnippet, scriptTag, useSites } from './support/suite.ts'

const { open } = useSites()
const ORDER = "uetkit('track','Order Completed',{revenue:25})"

interface Page {
  uetkit(command: string, ...args: unknown[]): Record<string, unknown>
  reports: unknown[]
  uetq: unknown
}

const state = (site: Site) => site.page.evaluate(() => (window as never as Page).uetkit('state'))
const until = (site: Site, status: string) =>
  site.page.waitForFunction((wanted) => (window as never as Page).uetkit('state').script === wanted, status)

describe('a tag script that is blocked', () => {
  it.each([
    ['network-error', 'network'],
    ['empty', 'empty'],
    ['junk', 'empty'],
  ] as [TagScript, string][])('%s is seen, told, and keeps the queue bounded', async (tagScript, reason) => {
    const site = await open({
      tagScript,
      pages: {
        '/':
          scriptTag() +
          commands('reports=[]', "uetkit('on','script',(report)=>reports.push(report))", ORDER) +
          '<script>uetq=window.uetq||[]</script>',
      },
    })
    await until(site, 'blocked')
    await site.page.evaluate(() => {
      for (let count = 0; count < 1000; count++) (window as never as Page).uetkit('track', 'Scrolled')
    })
    expect(await state(site)).toMatchObject({ script: 'blocked', scriptReason: reason, queued: 100, dropped: 901 })
    expect(await site.page.evaluate(() => (window as never as { uetq: unknown[] }).uetq.length)).toBeLessThan(10)
    expect(await site.page.evaluate(() => (window as never as Page).reports)).toContainEqual({
      status: 'blocked',
      reason,
    })
    expect(site.of()).toEqual([])
    // Chromium itself reports the failed request; nothing else may stand on the console.
    expect(site.errors).toEqual([])
  })

  it('that never answers counts as blocked after ten seconds, and works when it comes after all', async () => {
    const site = await open({
      tagScript: { delayMs: 11_000 },
      waitUntil: 'commit',
      pages: { '/': scriptTag() + commands(ORDER) },
    })
    await site.page.waitForFunction(() => (window as never as Page).uetkit?.('state')?.script === 'loading')
    await site.page.waitForFunction(
      () => (window as never as Page).uetkit('state').scriptReason === 'timeout',
      undefined,
      { timeout: 15_000 },
    )
    await until(site, 'ready')
    expect((await site.seen('custom'))[0]?.params).toMatchObject({ el: 'Order Completed', gv: '25' })
    expect(site.of('pageLoad')).toHaveLength(1)
  })

  it('by a content security policy is seen at once', async () => {
    const site = await open({
      pages: { '/': { html: scriptTag(), headers: { 'content-security-policy': "script-src 'self'" } } },
    })
    await until(site, 'blocked')
    expect(await state(site)).toMatchObject({ scriptReason: 'network' })
  })
})

describe('a page that knows the tag already', () => {
  it('keeps what an earlier script queued, behind our consent default', async () => {
    const site = await open({
      pages: {
        '/':
          "<script>window.uetq=window.uetq||[];uetq.push('event','early',{event_label:'theirs'})</script>" +
          scriptTag('data-tag-id="97247724" data-consent-default="denied"') +
          commands(ORDER),
      },
    })
    const events = await site.seen('custom', 2)
    expect(events.map(({ params }) => params.el).sort()).toEqual(['Order Completed', 'theirs'])
    expect(site.of().every(({ params }) => params.asc === 'D')).toBe(true)
    expect(await site.context.cookies()).toEqual([])
  })

  it('runs the same tag by its own snippet: the script is not loaded twice, nothing is counted twice', async () => {
    const site = await open({ pages: { '/': ownSnippet('97247724') + scriptTag() + commands(ORDER) } })
    await site.seen('custom')
    await site.quiet()
    expect(site.scriptRequests).toBe(1)
    expect(site.of('pageLoad')).toHaveLength(1)
    expect(site.of('custom').map(({ params }) => params.el)).toEqual(['Order Completed'])
    expect(await state(site)).toMatchObject({ script: 'ready' })
  })

  it('runs the same tag already: we join the instance', async () => {
    const site = await open({ pages: { '/': ownSnippet('97247724') } })
    await site.seen('pageLoad')
    await site.page.evaluate(() => {
      const script = document.createElement('script')
      script.src = '/dist/uetkit.min.js'
      Object.assign(script.dataset, { tagId: '97247724', consentDefault: 'granted' })
      script.onload = () => (window as never as Page).uetkit('track', 'Later')
      document.head.append(script)
    })
    expect((await site.seen('custom'))[0]?.params).toMatchObject({ el: 'Later', asc: 'G' })
    expect(site.scriptRequests).toBe(1)
    expect(site.of('pageLoad')).toHaveLength(1)
  })

  it.each(['before', 'after'])('leaves the snippet of another tag alone when it stands %s ours', async (where) => {
    const other = ownSnippet('555')
    const ours = scriptTag('data-tag-id="97247724" data-consent-default="denied"').replace('async ', '')
    const site = await open({
      pages: { '/': `${(where === 'before' ? other + ours : ours + other) + commands(ORDER)}` },
    })
    await site.seen('pageLoad', 2)
    await site.seen('custom')
    await site.quiet()
    const of = (ti: string) => site.of().filter(({ params }) => params.ti === ti)
    expect(of('97247724').every(({ params }) => params.asc === 'D')).toBe(true)
    expect(
      of('97247724')
        .map(({ evt }) => evt)
        .sort(),
    ).toEqual(['consent', 'custom', 'pageLoad'])
    expect(of('555').map(({ evt }) => evt)).toContain('pageLoad')
    expect(of('555').filter(({ evt }) => evt === 'custom')).toEqual([])
    expect(
      await site.page.evaluate(() =>
        String((window as never as Record<string, { beaconParams: { ti: unknown } }>).uetq?.beaconParams.ti),
      ),
    ).toBe('555')
  })
})
