import { resolve } from 'node:path'
import { build } from 'vite'

/** Page scripts name our sources, for their types, recipes the package; what runs is the built files. */
const alias = [
  { find: /^(\.\.\/)+src\/browser\/index\.ts$/, replacement: resolve('dist/index.js') },
  { find: /^(\.\.\/)+src\/browser\/adapters\/(\w+)\.ts$/, replacement: resolve('dist/$2.js') },
  { find: /^uetkit$/, replacement: resolve('dist/index.js') },
  { find: /^uetkit\/(\w+)$/, replacement: resolve('dist/$1.js') },
]

const bundles = new Map<string, Promise<string>>()

const ENTRY = resolve('e2e/hosts/entry.ts')

/** One classic script out of a file, or of code in place of a file, and all that it imports; made once. */
export function bundle(input: string | { code: string }, minify = false): Promise<string> {
  const key = JSON.stringify([input, minify])
  const made = bundles.get(key) ?? make(input, minify)
  bundles.set(key, made)
  return made
}

async function make(input: string | { code: string }, minify: boolean): Promise<string> {
  const entry = typeof input === 'string' ? input : ENTRY
  const result = await build({
    configFile: false,
    logLevel: 'error',
    resolve: { alias },
    define: { 'process.env.NODE_ENV': '"production"' },
    plugins: [
      {
        name: 'entry',
        enforce: 'pre',
        resolveId: (id) => (id === ENTRY ? id : null),
        load: (id) => (id === ENTRY && typeof input === 'object' ? input.code : null),
      },
    ],
    build: {
      write: false,
      minify,
      rollupOptions: { input: entry, output: { format: 'iife', codeSplitting: false } },
    },
  })
  const [first] = [result].flat() as { output: { type: string; code: string }[] }[]
  return first!.output[0]!.code
}
