import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

/** The file and every chunk that it brings along. */
function bundleOf(file: string, seen = new Map<string, string>()): Map<string, string> {
  if (seen.has(file)) return seen
  const text = readFileSync(file, 'utf8')
  seen.set(file, text)
  for (const [, chunk] of text.matchAll(/from '\.\/((?:chunks\/)?[\w./-]+)'/g)) {
    bundleOf(`${file.replace(/[^/]*$/, '')}${chunk}`, seen)
  }
  return seen
}

it('uetkit/capi runs without Node: it imports nothing but libphonenumber-js', () => {
  expect(readdirSync('dist')).toContain('capi.js')
  const imports = [...bundleOf('dist/capi.js').values()].flatMap((text) =>
    [...text.matchAll(/from '([^.'][^']*)'/g)].map(([, name]) => name),
  )
  expect([...new Set(imports)]).toEqual(['libphonenumber-js'])
})

it('uetkit/capi gives what it promises', async () => {
  const name = 'uetkit/capi'
  expect(Object.keys(await import(name)).sort()).toEqual([
    'CAPI_URL',
    'CapiEventError',
    'createCapiClient',
    'hashIdentifier',
    'normalizeEmail',
    'normalizePhone',
    'toCapiEvent',
  ])
})
