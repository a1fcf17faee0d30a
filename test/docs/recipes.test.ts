import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import ts from 'typescript'
import { beforeAll, describe, expect, it } from 'vitest'
import { snippets } from '../support/snippets.ts'
import { FRAMEWORKS } from './frameworks.ts'

const PAGES = [...readdirSync('docs/hosts').map((name) => `docs/hosts/${name}`), 'docs/migrate-from-segment.md']

/** Where the snippets would lie if the pages were folders; nothing is written. */
const ROOT = resolve('docs/.snippets')
const SOURCES: Record<string, string> = {
  uetkit: 'index.ts',
  'uetkit/consent': 'consent/index.ts',
  'uetkit/segment': 'adapters/segment.ts',
  'uetkit/amplitude': 'adapters/amplitude.ts',
  'uetkit/rudderstack': 'adapters/rudderstack.ts',
}

/** A component's script is what can be checked without its compiler. */
const scriptOf = (code: string) => /<script[^>]*>([\s\S]*?)<\/script>/.exec(code)?.[1] ?? ''

const WRONG = join(ROOT, 'wrong.tsx')
const files = new Map<string, string>([
  [join(ROOT, 'frameworks.d.ts'), FRAMEWORKS],
  [WRONG, "import { createUet } from 'uetkit'\ncreateUet({ tag: '1' })\nexport const Page = () => <main />"],
])
const blocks: { page: string; name: string; file: string }[] = []
for (const page of PAGES) {
  for (const [index, { lang, code, path }] of snippets(page).entries()) {
    if (!/^(ts|tsx|js|vue|svelte)$/.test(lang)) continue
    const isComponent = /vue|svelte/.test(lang)
    const name = `${path?.replace(/\.(vue|svelte)$/, '') ?? `block-${index}`}`.replace(/\.\w+$/, '')
    const extension = isComponent ? 'ts' : lang
    const file = join(ROOT, page, path && !isComponent ? path : `${name}.${extension}`)
    files.set(file, `${isComponent ? scriptOf(code) : code}\nexport {}\n`)
    blocks.push({ page: page.slice('docs/'.length), name: path ?? `block ${index + 1}`, file })
  }
}

const found = new Map<string, string[]>()
beforeAll(() => {
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
    types: [],
    jsx: ts.JsxEmit.ReactJSX,
    strict: true,
    allowJs: true,
    checkJs: true,
    noEmit: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    paths: {
      ...Object.fromEntries(Object.entries(SOURCES).map(([name, path]) => [name, [resolve('src/browser', path)]])),
      '$lib/*': [join(ROOT, 'docs/hosts/svelte.md/src/lib/*')],
    },
  }
  const host = ts.createCompilerHost(options)
  const { fileExists, readFile, getSourceFile, directoryExists } = host
  host.fileExists = (name) => files.has(name) || fileExists.call(host, name)
  host.readFile = (name) => files.get(name) ?? readFile.call(host, name)
  host.directoryExists = (name) => name.startsWith(ROOT) || (directoryExists?.call(host, name) ?? true)
  host.getSourceFile = (name, languageVersion, ...more) => {
    const text = files.get(name)
    return text === undefined
      ? getSourceFile.call(host, name, languageVersion, ...more)
      : ts.createSourceFile(name, text, languageVersion)
  }
  const program = ts.createProgram([...files.keys()], options, host)
  for (const { fileName } of program.getSourceFiles().filter(({ fileName }) => files.has(fileName))) {
    const source = program.getSourceFile(fileName)
    const faults = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]
    const js = fileName.endsWith('.js')
    found.set(
      fileName,
      faults
        // A plain script declares no parameter types.
        .filter(({ code }) => !(js && /^70(06|19|31)$/.test(`${code}`)))
        .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')),
    )
  }
}, 60_000)

describe('recipes compile as they stand', () => {
  it.each(blocks)('$page: $name', ({ file }) => {
    expect(found.get(file)).toEqual([])
  })

  it('and a wrong one would not', () => {
    expect(found.get(WRONG)).toEqual([expect.stringContaining("'tag'"), expect.stringContaining("'main'")])
    expect(found.get(join(ROOT, 'frameworks.d.ts'))).toEqual([])
  })
})
