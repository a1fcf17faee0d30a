import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { FakeElement } from '../support/fake-dom.ts'
import type { TagPageOptions } from '../support/tag-page.ts'
import { openUetPage } from '../support/uet-page.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

type Command = (...command: unknown[]) => unknown
type Attributes = Record<string, string>

/** Runs the script tag on a page, as the element with these attributes would. */
async function run(
  attributes: Attributes | undefined,
  setup: { queued?: unknown[][]; json?: string; options?: TagPageOptions } = {},
) {
  const page = openUetPage(setup.options)
  const uetkit = () => page.window.uetkit as Command
  if (setup.queued) {
    const stub = (...command: unknown[]) => void stub.q.push(command)
    stub.q = [] as unknown[][]
    page.window.uetkit = stub
    for (const command of setup.queued) stub(...command)
  }
  const add = (more: Attributes, text = '') => {
    const element = page.document.createElement('script')
    for (const [name, value] of Object.entries(more)) element.setAttribute(name, value)
    Object.assign(element, { text, textContent: text, nonce: more.nonce ?? '' })
    page.document.head.appendChild(element)
    return element as unknown as FakeElement
  }
  if (setup.json !== undefined) add({ type: 'application/json', 'data-uetkit': '' }, setup.json)
  const include = async () => {
    vi.resetModules()
    const element = add(attributes ?? {})
    Object.assign(page.document, { currentScript: element })
    await import('../../src/browser/script-tag.ts')
    Object.assign(page.document, { currentScript: null })
  }
  await include()
  return { page, uetkit, include }
}

const TAG = { 'data-tag-id': '1', 'data-consent-default': 'granted' }
const ORDER = ['track', 'Order Completed', { category: 'tools', revenue: 25 }]

describe('commands', () => {
  it('queued before the script are played back after the page load, in order', async () => {
    const { page } = await run(TAG, { queued: [ORDER, ['track', 'Second']] })
    page.settle()
    expect(page.lines()).toEqual(['pageLoad /', 'custom Order Completed', 'custom Second'])
  })

  it('wait for init where no attribute says how to start', async () => {
    const { page, uetkit } = await run(undefined, { queued: [ORDER] })
    expect(uetkit()('state')).toBeUndefined()
    uetkit()('init', { tagId: '1', consent: false })
    page.settle()
    expect(page.lines()).toEqual(['pageLoad /', 'custom Order Completed'])
    expect(uetkit()('state')).toMatchObject({ script: 'ready' })
  })

  it('give back what the call gives', async () => {
    const { uetkit } = await run(TAG)
    const seen: unknown[] = []
    const stop = uetkit()('on', 'event', () => seen.push(1)) as () => void
    uetkit()('track', 'A')
    stop()
    uetkit()('track', 'B')
    expect(seen).toHaveLength(1)
    expect(uetkit()('state')).toMatchObject({ consent: 'granted', tagIds: ['1'] })
  })

  it('that are unknown or odd warn once and stop nothing', async () => {
    const { page, uetkit } = await run(TAG, {
      queued: [['buy'], [], [null], [Symbol('x')], ['toString'], ['__proto__']],
    })
    for (const name of ['buy', undefined, {}, 5]) expect(uetkit()(name)).toBeUndefined()
    uetkit()(...ORDER)
    page.settle()
    expect(page.warnings.filter((line) => line.includes('no such command'))).toHaveLength(1)
    expect(page.warnings[0]).toMatch(/buy.*use page, track, identify, consent, state, reset, on or init/)
    expect(page.lines()).toEqual(['pageLoad /', 'custom Order Completed'])
    expect(page.errors).toEqual([])
  })

  it('of a second init warn, and the first tracker stays', async () => {
    const { page, uetkit } = await run(TAG)
    uetkit()('init', { tagId: '2', consent: false })
    uetkit()(...ORDER)
    page.settle()
    expect(page.warnings).toEqual([expect.stringContaining('init came twice')])
    expect(page.lines('1')).toEqual(['pageLoad /', 'custom Order Completed'])
    expect(page.lines('2')).toEqual([])
  })
})

describe('the script', () => {
  it('is harmless on the page twice', async () => {
    const { page, uetkit, include } = await run(TAG, { queued: [ORDER] })
    const first = uetkit()
    await include()
    expect(uetkit()).toBe(first)
    page.settle()
    await include()
    page.settle()
    expect(page.lines()).toEqual(['pageLoad /', 'custom Order Completed'])
    expect(page.requests.filter(({ url }) => url.includes('/bat.js'))).toHaveLength(1)
  })

  it('hands its nonce to the tag script', async () => {
    const { page } = await run({ ...TAG, nonce: 'n0' })
    const script = page.scripts().find(({ src }) => src.includes('/bat.js'))
    expect(script?.nonce).toBe('n0')
  })

  it.each<[Attributes, string[]]>([
    [{ 'data-auto-page': 'false' }, []],
    [{ 'data-auto-page': 'true' }, ['pageLoad /']],
    [{}, ['pageLoad /']],
  ])('with %o sends by itself %o', async (attributes, lines) => {
    const { page } = await run({ ...TAG, ...attributes })
    page.settle()
    expect(page.lines()).toEqual(lines)
  })
})

describe('attributes', () => {
  it.each<[what: string, Attributes, wire: Record<string, string | undefined>]>([
    ['a denied default', { 'data-consent-default': 'denied' }, { asc: 'D' }],
    ['consent switched off', { 'data-consent': 'off' }, { asc: undefined }],
    [
      'consent switched off beside a category',
      { 'data-consent': 'off', 'data-consent-category': 'Ads' },
      { asc: undefined },
    ],
    ['consent: false', { 'data-consent': 'false' }, { asc: undefined }],
    ['space around a value', { 'data-consent-default': ' GRANTED ' }, { asc: 'G' }],
    ['an action', { 'data-mapping-action': 'buy' }, { ea: 'buy' }],
    ['paths', { 'data-mapping-label': 'title', 'data-mapping-value': 'net.amount' }, { el: 'T', gv: '7' }],
    ['no e-commerce', { 'data-mapping-ecommerce': 'false' }, { pagetype: undefined }],
    ['e-commerce', { 'data-mapping-ecommerce': 'true' }, { pagetype: 'purchase' }],
    ['an allow list', { 'data-events-allow': 'Other, Order Completed' }, { el: 'Order Completed' }],
    ['a deny list of one', { 'data-events-deny': 'Other' }, { el: 'Order Completed' }],
    ['several tags', { 'data-tag-id': '1,2' }, { ti: '1' }],
    ['one category', { 'data-consent-category': 'Ads' }, { asc: 'G' }],
    ['attributes of other tools', { 'data-cfasync': 'false', 'data-id': 'x', 'data-category': 'C0004' }, { asc: 'G' }],
  ])('%s', async (_, attributes, wire) => {
    const consentOff = 'data-consent' in attributes
    const { page } = await run(
      { 'data-tag-id': '1', ...(!consentOff && { 'data-consent-default': 'granted' }), ...attributes },
      { queued: [['track', 'Order Completed', { title: 'T', net: { amount: 7 } }]] },
    )
    page.settle()
    const params = page.events()[0]?.params ?? {}
    expect(Object.fromEntries(Object.keys(wire).map((key) => [key, params[key]]))).toEqual(wire)
    expect(page.warnings).toEqual([])
  })

  it('of a number: the wait for an update holds the first beacons', async () => {
    const { page } = await run({
      'data-tag-id': '1',
      'data-consent-default': 'denied',
      'data-consent-wait-for-update': '500',
    })
    page.settle(400)
    expect(page.beacons()).toEqual([])
    page.settle(200)
    expect(page.lines()).toEqual(['pageLoad /'])
  })

  it.each<[Attributes, string]>([
    [{ 'data-tag-id': 'UET-1' }, 'option tagId is UET-1 : use digits'],
    [{ 'data-tag-id': '1', 'data-consent-defualt': 'denied' }, 'option consent.defualt is denied : no such option'],
    [
      { 'data-tag-id': '1', 'data-consent-wait-for-update': 'soon' },
      'option consent.waitForUpdate is NaN : use 0-10000',
    ],
    [{ 'data-tag-id': '1', 'data-page-loads': 'never' }, 'option pageLoads is never : use calls or auto'],
    [{ 'data-tag-id': '1', 'data-consent': 'yes' }, 'option consent is yes : use group or false'],
  ])('%o warn once', async (attributes, message) => {
    const { page } = await run(attributes, { queued: [ORDER] })
    page.settle()
    expect(page.warnings).toHaveLength(1)
    expect(page.warnings[0]).toContain(message)
    expect(page.errors).toEqual([])
  })

  it('are found also where the browser does not say which script runs', async () => {
    const page = openUetPage()
    const element = page.document.createElement('script')
    for (const [name, value] of Object.entries(TAG)) element.setAttribute(name, value)
    page.document.head.appendChild(element)
    vi.resetModules()
    await import('../../src/browser/script-tag.ts')
    page.settle()
    expect(page.lines()).toEqual(['pageLoad /'])
  })
})

describe('the JSON block', () => {
  it('holds a whole options object', async () => {
    const json = JSON.stringify({
      tagId: 1,
      consent: { default: 'granted' },
      mapping: { parameters: { search_term: 'q' } },
    })
    const { page } = await run(undefined, { json, queued: [['track', 'Search', { q: 'shoes' }]] })
    page.settle()
    expect(page.events()[0]?.params).toMatchObject({ el: 'Search', search_term: 'shoes', asc: 'G' })
  })

  it.each<[string, string]>([
    ['{tagId:1}', '<script data-uetkit> holds no JSON: correct it'],
    ['[1]', 'option 0 is 1 : no such option'],
    ['"1"', 'option 0 is 1 : no such option'],
    ['null', 'option tagId is'],
    ['{"tagId":"x","consent":false}', 'option tagId is x : use digits'],
  ])('%s warns once', async (json, message) => {
    const { page, uetkit } = await run({ nonce: 'n' }, { json, queued: [ORDER] })
    page.settle()
    expect(page.warnings).toHaveLength(1)
    expect(page.warnings[0]).toContain(message)
    expect(() => uetkit()('track', 'x')).not.toThrow()
    expect(page.requests).toEqual([])
  })
})
