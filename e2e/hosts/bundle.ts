import { resolve } from 'node:path'
import { build } from 'vite'

/** Page scripts name our sources, for their types; what runs is the built files. */
const alias = [
  { find: /^(\.\.\/)+src\/browser\/index\.ts$/, replacement: resolve('dist/index.js') },
  { find: /^(\.\.\/)+src\/browser\/adapters\/(\w+)\.ts$/, replacement: resolve('dist/$2.js') },
]

const bundles = new Map<string, Promise<string>>()

/** One classic script out of an entry file, or code of its own, and all that it imports; made once. */
export function bundle(input: string, minify = false): Promise<string> {
  const made = bundles.get(input) ?? make(input, minify)
  bundles.set(input, made)
  return made
}

async function make(input: string, minify: boolean): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: 'error',
    resolve: { alias },
    define: { 'process.env.NODE_ENV': '"production"' },
    build: {
      write: false,
      minify,
      rollupOptions: { input, output: { format: 'iife', codeSplitting: false } },
    },
  })
  const [first] = [result].flat() as { output: { type: string; code: string }[] }[]
  return first!.output[0]!.code
}
