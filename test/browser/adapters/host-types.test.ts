import { readdirSync, readFileSync } from 'node:fs'
import type { Types } from '@amplitude/analytics-browser'
import type { RSACustomIntegration } from '@rudderstack/analytics-js'
import type { Plugin as SegmentPlugin } from '@segment/analytics-next'
import type { AnalyticsPlugin } from 'analytics'
import { describe, expect, it } from 'vitest'
import { uetAmplitudePlugin } from '../../../src/browser/adapters/amplitude.ts'
import { uetPlugin } from '../../../src/browser/adapters/analytics.ts'
import { uetRudderStackIntegration } from '../../../src/browser/adapters/rudderstack.ts'
import { uetSegmentPlugin } from '../../../src/browser/adapters/segment.ts'

const options = { tagId: '97247724', consent: false } as const

describe("each adapter is its host's plugin", () => {
  // The annotations are the test: the type checker holds them to the hosts' own types.
  it('of analytics', () => {
    const plugin: AnalyticsPlugin = uetPlugin(options)
    expect(plugin.name).toBe('uet')
    expect(plugin.loaded?.()).toBe(true)
  })

  it('of analytics-next', () => {
    const plugin: SegmentPlugin = uetSegmentPlugin(options)
    expect(plugin).toMatchObject({ name: 'Microsoft Advertising UET', type: 'destination' })
    expect(plugin.isLoaded()).toBe(true)
  })

  it('of Amplitude', () => {
    const plugin: Types.DestinationPlugin<Types.BrowserClient, Types.BrowserConfig> = uetAmplitudePlugin(options)
    const plain: Types.Plugin = uetAmplitudePlugin(options)
    expect(plugin.type).toBe(plain.type)
  })

  it('of RudderStack', () => {
    const integration: RSACustomIntegration = uetRudderStackIntegration(options)
    expect(integration.isReady(undefined as never, undefined as never)).toBe(true)
  })
})

describe('no adapter depends on a host', () => {
  const folder = 'src/browser/adapters'
  it.each(readdirSync(folder))('%s imports our own files only', (name) => {
    const imports = [...readFileSync(`${folder}/${name}`, 'utf8').matchAll(/from '([^']+)'/g)].map(([, from]) => from!)
    expect(imports.length).toBeGreaterThan(0)
    expect(imports.filter((from) => !from.startsWith('.'))).toEqual([])
    // Nor on another adapter: what they share is in host.ts.
    expect(imports.filter((from) => /^\.\/(?!host\.ts$)/.test(from))).toEqual([])
  })
})

describe('without a window, as on a server', () => {
  it.each([
    ['analytics', () => uetPlugin(options).track({ payload: { event: 'a' } })],
    ['segment', () => uetSegmentPlugin(options).track({ event: { event: 'a' } })],
    ['rudderstack', () => uetRudderStackIntegration(options).track(0, 0, { message: {} })],
  ])('%s does nothing', (_, call) => {
    expect(call).not.toThrow()
  })

  it('amplitude answers its host', async () => {
    const event = { event_type: 'a' }
    await expect(uetAmplitudePlugin(options).execute(event)).resolves.toEqual({ event, code: 200, message: 'UET' })
  })
})
