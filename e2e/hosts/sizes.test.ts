import { resolve } from 'node:path'
import { brotliCompressSync } from 'node:zlib'
import nodeResolve from '@rollup/plugin-node-resolve'
import terser from '@rollup/plugin-terser'
import { rollup } from 'rollup'
import { beforeAll, describe, expect, it } from 'vitest'

/** One name of one built file, bundled as a site does it: minified, and brotli for the wire. */
async function bundleOf(file: string, name: string) {
  const entry = 'virtual:entry'
  const bundle = await rollup({
    input: entry,
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === entry ? id : null),
        load: (id) => (id === entry ? `export { ${name} } from ${JSON.stringify(resolve('dist', file))}` : null),
      },
      nodeResolve({ browser: true }),
    ],
  })
  const { output } = await bundle.generate({ format: 'es', plugins: [terser({ module: true, ecma: 2020 })] })
  return { code: output[0].code, bytes: brotliCompressSync(output[0].code).length }
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
