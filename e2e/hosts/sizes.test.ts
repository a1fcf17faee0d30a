import { resolve } from 'node:path'
import { brotliCompressSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'
import { bundle } from './bundle.ts'

/** One name of one built file, bundled as a site does it: minified, and brotli for the wire. */
async function bundleOf(file: string, name: string) {
  const from = JSON.stringify(resolve('dist', file))
  const code = await bundle({ code: `import { ${name} } from ${from}; window.made = ${name}` }, true)
  return { code, bytes: brotliCompressSync(code).length }
}

const ADAPTERS = [
  ['index.js', 'uetPlugin', /Segment|Amplitude|Rudder|allowedConsentIds|insert_id/],
  ['segment.js', 'uetSegmentPlugin', /Amplitude|Rudder|allowedConsentIds|insert_id|meta\.rid/],
  ['amplitude.js', 'uetAmplitudePlugin', /Segment|Rudder|allowedConsentIds|messageId|meta\.rid/],
  ['rudderstack.js', 'uetRudderStackIntegration', /Segment|Amplitude|insert_id|meta\.rid/],
] as const

let core: Awaited<ReturnType<typeof bundleOf>>
beforeAll(async () => {
  core = await bundleOf('index.js', 'createUet')
})

describe('an adapter in a site bundle', () => {
  it.each(ADAPTERS)('%s adds at most 0.6 KB to createUet, and nothing of another host', async (file, name, others) => {
    const { bytes, code } = await bundleOf(file, name)
    expect(bytes - core.bytes).toBeLessThanOrEqual(600)
    expect(others.exec(code)?.[0]).toBeUndefined()
  })

  it('leaves createUet alone without any', () => {
    expect(/Segment|Amplitude|Rudder|messageId/.exec(core.code)?.[0]).toBeUndefined()
  })
})
