import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { brotliCompressSync } from 'node:zlib'
import nodeResolve from '@rollup/plugin-node-resolve'
import terser from '@rollup/plugin-terser'
import { rollup } from 'rollup'

/**
 * Writes the table of sizes into the README: the script files as they are, and imports as a site's bundler makes them,
 * minified, with all that they need. Run `npm run build` first, then `npm run sizes`.
 */

interface Size {
  minified: number
  brotli: number
}

const measure = (code: string): Size => ({ minified: Buffer.byteLength(code), brotli: brotliCompressSync(code).length })
const fileSize = (name: string): Size => measure(readFileSync(`dist/${name}`, 'utf8'))

/** Built file → names; bundled together, so that what they share counts once. */
async function importSize(imports: Record<string, string>): Promise<Size> {
  const entry = Object.entries(imports)
    .map(([file, name]) => `export { ${name} } from ${JSON.stringify(resolve('dist', file))}`)
    .join('\n')
  const bundle = await rollup({
    input: 'entry',
    plugins: [
      { name: 'entry', resolveId: (id) => (id === 'entry' ? id : null), load: (id) => (id === 'entry' ? entry : null) },
      nodeResolve({ browser: true }),
    ],
    onwarn: (warning) => {
      throw new Error(warning.message)
    },
  })
  const { output } = await bundle.generate({ format: 'es', plugins: [terser({ module: true, ecma: 2020 })] })
  await bundle.close()
  if (output.length > 1 || output[0].imports.length > 0) throw new Error(`${entry}: more than one file was made`)
  return measure(output[0].code)
}

const kB = (bytes: number, sign = '') => `${sign}${(bytes / 1000).toFixed(1)} kB`
const row = (what: string, { minified, brotli }: Size, sign = '') =>
  `| ${what} | ${kB(minified, sign)} | ${kB(brotli, sign)} |`

const core = { 'index.js': 'createUet' }
const coreSize = await importSize(core)
const added = async (file: string, name: string) => {
  const whole = await importSize({ ...core, [file]: name })
  return row(
    `… with \`${name}\` from \`uetkit/consent\``,
    { minified: whole.minified - coreSize.minified, brotli: whole.brotli - coreSize.brotli },
    '+',
  )
}

const ADAPTERS: [file: string, name: string, from: string][] = [
  ['index.js', 'uetPlugin', 'uetkit'],
  ['segment.js', 'uetSegmentPlugin', 'uetkit/segment'],
  ['amplitude.js', 'uetAmplitudePlugin', 'uetkit/amplitude'],
  ['rudderstack.js', 'uetRudderStackIntegration', 'uetkit/rudderstack'],
]
const SOURCES = ['oneTrust', 'cookiebot', 'googleConsentMode', 'custom', 'byRegion']

const rows = [
  '| what a page loads | minified | brotli |',
  '| --- | ---: | ---: |',
  row('`uetkit.min.js`, the script tag', fileSize('uetkit.min.js')),
  row('`uetkit-consent.min.js`, the same with every consent source', fileSize('uetkit-consent.min.js')),
  row('`uetkit-inspector.min.js`, only while somebody inspects', fileSize('uetkit-inspector.min.js')),
  row("`import { createUet } from 'uetkit'`", coreSize),
]
for (const name of SOURCES) rows.push(await added('consent.js', name))
for (const [file, name, from] of ADAPTERS)
  rows.push(row(`\`import { ${name} } from '${from}'\``, await importSize({ [file]: name })))

const readme = readFileSync('README.md', 'utf8')
const place = /(<!-- sizes -->\n)[\s\S]*?(<!-- \/sizes -->)/
if (!place.test(readme))
  throw new Error('README.md: the table goes between <!-- sizes --> and <!-- /sizes -->, which are missing.')
writeFileSync(
  'README.md',
  readme.replace(place, (_, start, end) => `${start}${rows.join('\n')}\n${end}`),
)
console.log(rows.join('\n'))
