import { readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { basename } from 'node:path'
import nodeResolve from '@rollup/plugin-node-resolve'
import terser from '@rollup/plugin-terser'
import typescript from '@rollup/plugin-typescript'
import { dts } from 'rollup-plugin-dts'

const { dependencies, peerDependencies } = JSON.parse(readFileSync('package.json', 'utf8'))
const installed = Object.keys({ ...dependencies, ...peerDependencies })
const external = (id) =>
  id.startsWith('node:') ||
  builtinModules.includes(id) ||
  installed.some((name) => id === name || id.startsWith(`${name}/`))

const compile = (tsconfig) => [
  nodeResolve({ extensions: ['.ts', '.js', '.mjs'] }),
  typescript({
    tsconfig,
    compilerOptions: { noEmit: false },
    noEmitOnError: true,
    // The command line brings the demo along, which lies beside src/.
    filterRoot: import.meta.dirname,
  }),
]

/** Names that start with `_` are ours alone, so they may be shortened. */
const minify = terser({
  ecma: 2020,
  module: true,
  compress: { passes: 3, pure_getters: true, unsafe_arrows: true, unsafe_methods: true },
  mangle: { properties: { regex: /^_/ } },
})

/** Public entries, as package.json names them, by where they run. */
const browserEntries = {
  index: 'src/browser/index.ts',
  consent: 'src/browser/consent/index.ts',
  segment: 'src/browser/adapters/segment.ts',
  amplitude: 'src/browser/adapters/amplitude.ts',
  rudderstack: 'src/browser/adapters/rudderstack.ts',
}
const nodeEntries = {
  capi: 'src/capi/index.ts',
  relay: 'src/relay/index.ts',
  'relay/node': 'src/relay/node.ts',
  'relay/postgres': 'src/relay/postgres.ts',
  audience: 'src/audience/index.ts',
  testing: 'src/testing/index.ts',
}
/** The outbox's thread, and the file that starts it, which looks for the thread beside itself. */
const threadEntries = {
  'relay/outbox/sqlite/link': 'src/relay/outbox/sqlite/link.ts',
  'relay/outbox/sqlite/worker': 'src/relay/outbox/sqlite/worker.ts',
}
/** The command line: an entry without types. */
const binEntries = { cli: 'src/cli/bin.ts' }

const script = (input, file) => ({
  input,
  output: { file, format: 'iife', plugins: [minify] },
  plugins: compile('src/browser/tsconfig.json'),
})

/** A file that goes beside the output as it is. */
const copy = (file) => ({
  name: 'copy',
  generateBundle() {
    this.emitFile({ type: 'asset', fileName: basename(file), source: readFileSync(file, 'utf8') })
  },
})

export default [
  {
    input: browserEntries,
    external,
    output: [
      { dir: 'dist', format: 'es', chunkFileNames: 'chunks/[name].js' },
      {
        dir: 'dist',
        format: 'cjs',
        exports: 'named',
        entryFileNames: '[name].cjs',
        chunkFileNames: 'chunks/[name].cjs',
      },
    ],
    plugins: compile('src/browser/tsconfig.json'),
  },
  script('src/browser/script-tag.ts', 'dist/uetkit.min.js'),
  script('src/browser/script-tag-consent.ts', 'dist/uetkit-consent.min.js'),
  script('src/browser/inspector/main.ts', 'dist/uetkit-inspector.min.js'),
  {
    input: 'src/testing/fake-tag/bat.ts',
    output: { file: 'dist/bat.js', format: 'iife' },
    plugins: compile('src/testing/fake-tag/tsconfig.json'),
  },
  {
    input: { shop: 'demo/shop/shop.ts', lab: 'demo/lab/lab.ts' },
    output: { dir: 'dist/demo', format: 'es', chunkFileNames: '[name].js' },
    plugins: [...compile('demo/tsconfig.json'), copy('demo/shop/shop.css'), copy('demo/lab/lab.css')],
  },
  {
    input: { ...nodeEntries, ...threadEntries, ...binEntries },
    external,
    output: {
      dir: 'dist',
      format: 'es',
      chunkFileNames: 'chunks/[name].js',
      banner: ({ name }) => (name in binEntries ? '#!/usr/bin/env node' : ''),
    },
    plugins: compile('src/tsconfig.json'),
  },
  {
    input: { ...browserEntries, ...nodeEntries },
    external,
    output: { dir: 'dist', format: 'es', chunkFileNames: 'chunks/[name].d.ts' },
    plugins: [dts()],
  },
  {
    input: browserEntries,
    external,
    output: { dir: 'dist', format: 'es', entryFileNames: '[name].d.cts', chunkFileNames: 'chunks/[name].d.cts' },
    plugins: [dts()],
  },
]
