import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'

/** What each part of the package may import of ours, besides itself. The first rule that fits a file counts. */
const MAY_IMPORT: [part: RegExp, allowed: RegExp[]][] = [
  [/^core\//, []],
  [/^http\//, []],
  [/^capi\//, [/^(http|core)\//]],
  [/^config\//, [/^core\//]],
  // Hosts' adapters and the script tag stand on createUet, and nothing of the browser's stands on them but its entries.
  [/^browser\/(index|script-tag)\.ts$/, [/^browser\//, /^core\//]],
  [/^browser\/adapters\//, [/^browser\/(uet|types|options|log)\.ts$/, /^core\//]],
  // A bundle of its own: it watches the page and the tracker from outside.
  [/^browser\/inspector\//, [/^browser\/(?!adapters\/|script-tag)/, /^core\//]],
  [/^browser\//, [/^browser\/(?!adapters\/|inspector\/|script-tag|index)/, /^core\//]],
  [/^relay\//, [/^(capi|http|core|config)\//]],
  [/^audience\//, [/^(capi|http|core|config)\//]],
  // The stand-in for the tag runs in a page, so it may not lean on the rest.
  [/^testing\/fake-tag\//, []],
  [/^testing\//, [/^core\//]], // and of that only types
  // The command brings the demo along, which lies beside src/; nothing else may reach out of it.
  [/^cli\/demo\.ts$/, [/^\.\.\/demo\/server\.ts$/]],
  [/^cli\//, [/^(relay|audience|testing|capi|http|core|config)\//]],
]

/** Where Node's own modules have a place. */
const NODE_ALLOWED =
  /^(relay\/(node|config|settings|doctor|listener)\.ts|relay\/outbox\/|audience\/|testing\/(?!fake-tag\/)|cli\/|config\/)/

/** What runs outside of Node too: a browser, a worker at the edge. */
const ANYWHERE = [
  ...['index', 'script-tag', 'consent/index', 'inspector/main'].map((name) => `browser/${name}.ts`),
  ...['amplitude', 'rudderstack', 'segment'].map((name) => `browser/adapters/${name}.ts`),
  'capi/index.ts',
  'relay/index.ts',
  'testing/fake-tag/bat.ts',
]

const IMPORT =
  /^(?:import|export)\s(type\s)?[^;'"]*?from\s+['"]([^'"]+)['"]|^import\s+['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/gm

interface Import {
  file: string
  from: string
  /** Erased by the compiler. */
  typeOnly: boolean
}

const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => file.endsWith('.ts'))

const imports: Import[] = files.flatMap((file) =>
  [...readFileSync(join('src', file), 'utf8').matchAll(IMPORT)].map(([, type, named, bare, dynamic]) => ({
    file,
    from: (named ?? bare ?? dynamic)!,
    typeOnly: type !== undefined,
  })),
)

const ours = imports
  .filter(({ from }) => from.startsWith('.'))
  .map((entry) => ({ ...entry, from: join(dirname(entry.file), entry.from).replaceAll('\\', '/') }))
const foreign = imports.filter(({ from }) => !from.startsWith('.'))

/** Files that are needed to run this one. */
const reached = (file: string) => ours.filter((entry) => entry.file === file && !entry.typeOnly).map(({ from }) => from)

const folder = (file: string) => /^(browser\/\w+\/|testing\/fake-tag\/|[^/]+\/)/.exec(file)![1]
const show = ({ file, from }: Import) => `${file} imports ${from}`

describe('imports', () => {
  it('are found at all', () => {
    expect(ours.length).toBeGreaterThan(200)
    expect(ours).toContainEqual({ file: 'browser/uet.ts', from: 'core/map-uet.ts', typeOnly: false })
    expect(foreign).toContainEqual({ file: 'browser/visitor.ts', from: 'js-cookie', typeOnly: false })
  })

  it('lead to files that are there, with their extension', () => {
    expect(ours.filter(({ from }) => !existsSync(join('src', from))).map(show)).toEqual([])
  })

  it('keep within who may import whom', () => {
    const forbidden = ours.filter(({ file, from }) => {
      const allowed = MAY_IMPORT.find(([part]) => part.test(file))?.[1]
      return !allowed || (folder(file) !== folder(from) && !allowed.some((part) => part.test(from)))
    })
    expect(forbidden.map(show)).toEqual([])
  })

  it('give stand-ins the types of the core, never its rules', () => {
    const rules = ours.filter(
      ({ file, from, typeOnly }) => /^testing\//.test(file) && /^core\//.test(from) && !typeOnly,
    )
    expect(rules.map(show)).toEqual([])
  })

  it('do not run in circles', () => {
    const circles: string[] = []
    const done = new Set<string>()
    const visit = (file: string, path: string[]): void => {
      if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' > '))
      if (done.has(file) || path.includes(file)) return
      for (const from of reached(file)) visit(from, [...path, file])
      done.add(file)
    }
    for (const file of files) visit(file, [])
    expect(circles).toEqual([])
  })

  it('of Node’s modules stay where Node runs', () => {
    const node = foreign.filter(({ from }) => from.startsWith('node:') || builtinModules.includes(from))
    expect(node.length).toBeGreaterThan(10)
    expect(node.filter(({ from }) => !from.startsWith('node:')).map(show)).toEqual([])
    expect(node.filter(({ file }) => !NODE_ALLOWED.test(file)).map(show)).toEqual([])
  })

  it.each(ANYWHERE)('of %s lead to no module of Node', (entry) => {
    const seen = new Set<string>()
    const visit = (file: string): void => {
      if (seen.has(file)) return
      seen.add(file)
      reached(file).forEach(visit)
    }
    visit(entry)
    const node = foreign.filter(({ file, from, typeOnly }) => seen.has(file) && from.startsWith('node:') && !typeOnly)
    expect(node.map(show)).toEqual([])
  })

  it('of packages are dependencies that users get', () => {
    const { dependencies, peerDependencies } = JSON.parse(readFileSync('package.json', 'utf8'))
    const known = Object.keys({ ...dependencies, ...peerDependencies })
    const name = (from: string) =>
      from
        .split('/')
        .slice(0, from.startsWith('@') ? 2 : 1)
        .join('/')
    const unknown = foreign.filter(({ from }) => !from.startsWith('node:') && !known.includes(name(from)))
    expect(unknown.map(show)).toEqual([])
  })

  it('of the browser and of the shared parts bring one small package', () => {
    const light = foreign.filter(({ file }) => /^(core|browser|http)\//.test(file))
    expect([...new Set(light.map(({ from }) => from))]).toEqual(['js-cookie'])
  })
})

describe('importing uetkit in Node', () => {
  it('touches nothing: no global, no timer, no listener, no output', () => {
    const script = `
      const touched = []
      for (const name of ['window', 'document', 'location', 'localStorage', 'sessionStorage'])
        Object.defineProperty(globalThis, name, { configurable: true, get: () => (touched.push(name), undefined) })
      for (const name of ['setTimeout', 'setInterval', 'queueMicrotask', 'fetch'])
        globalThis[name] = () => touched.push(name)
      for (const name of ['on', 'once']) process[name] = () => touched.push('process.' + name)
      for (const name of Object.keys(console)) console[name] = () => touched.push('console.' + name)
      const before = new Set(Reflect.ownKeys(globalThis))
      const uetkit = await import('./src/browser/index.ts')
      const added = Reflect.ownKeys(globalThis).filter((key) => !before.has(key)).map(String)
      process.stdout.write(JSON.stringify({ touched, added, names: Object.keys(uetkit).sort() }))`
    const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '--disable-warning=ExperimentalWarning' },
    })
    expect(JSON.parse(output)).toEqual({
      touched: [],
      added: [],
      names: ['createUet', 'default', 'uetPlugin'],
    })
  })
})
