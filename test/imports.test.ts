import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { describe, expect, it } from 'vitest'

/** Each folder of `src`, and the folders it may import from besides itself. */
const MAY: Record<string, string[]> = {
  core: [],
  http: [],
  config: [],
  browser: ['core'],
  capi: ['core', 'http'],
  relay: ['core', 'http', 'capi', 'config'],
  audience: ['core', 'http', 'config'],
  testing: ['core'],
  cli: ['core', 'http', 'capi', 'config', 'relay', 'audience', 'testing'],
}
/** Folders that run outside of Node too. */
const ANYWHERE = /^(core|http|browser|capi)\//

const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => file.endsWith('.ts'))

const importsOf = (file: string) =>
  [
    ...readFileSync(join('src', file), 'utf8').matchAll(
      /^(?:import|export)\b([^'"]*?)\bfrom '([^']+)'|^import '([^']+)'/gm,
    ),
  ].map(([, clause = '', from, bare]) => ({ name: (from ?? bare)!, type: /^\s*type\b/.test(clause) }))

describe('imports', () => {
  it('knows every folder', () => {
    expect([...new Set(files.map((file) => file.split('/')[0]))].filter((name) => !MAY[name!])).toEqual([])
  })

  it('go down only, from folder to folder', () => {
    const wrong = files.flatMap((file) => {
      const folder = file.split('/')[0]!
      return importsOf(file)
        .filter(({ name }) => name.startsWith('.'))
        .map(({ name }) => posix.join(posix.dirname(file), name))
        .filter((target) => ![folder, ...MAY[folder]!].includes(target.split('/')[0]!))
        .map((target) => `${file} → ${target}`)
    })
    expect(wrong).toEqual([])
  })

  it('bring Node to no place that runs without it', () => {
    const wrong = files
      .filter((file) => ANYWHERE.test(file))
      .flatMap((file) => importsOf(file).map(({ name }) => `${file} → ${name}`))
      .filter((line) => / → node:/.test(line))
    expect(wrong).toEqual([])
  })

  it('bring no library to the core', () => {
    const wrong = files
      .filter((file) => file.startsWith('core/'))
      .flatMap((file) => importsOf(file).filter(({ name }) => !name.startsWith('.')))
    expect(wrong).toEqual([])
  })

  it('give stand-ins the types of the core, never its rules', () => {
    const wrong = files
      .filter((file) => file.startsWith('testing/'))
      .flatMap((file) => importsOf(file).map((found) => ({ file, ...found })))
      .filter(({ name, type }) => name.includes('/core/') && !type)
    expect(wrong).toEqual([])
  })
})
