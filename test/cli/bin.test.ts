import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'

const bin = new URL('../../src/cli/bin.ts', import.meta.url).pathname

/** Runs the command line as if Node were of another version. */
const runAs = (version: string, ...args: string[]) => {
  const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`, bin, ...args],
    { encoding: 'utf8' },
  )
  return { status, stdout, stderr }
}

describe('bin', () => {
  it.each(['20.20.2', '22.12.0', '21.0.0'])('says on Node %s in one line what it needs', (version) => {
    const { status, stdout, stderr } = runAs(version, 'relay')
    expect([status, stdout, stderr.trim().split('\n')]).toEqual([
      2,
      '',
      [expect.stringMatching(new RegExp(`^uetkit: this is Node ${version}; .* needs 22\\.13 or later`))],
    ])
  })

  it('says it as a JSON document too', () => {
    const { status, stdout } = runAs('20.1.0', 'relay', '--json')
    expect([status, JSON.parse(stdout).error.code]).toEqual([2, 'node_version'])
  })

  it.each(['22.13.0', '24.0.0'])('starts on Node %s', (version) => {
    expect(runAs(version, '--version')).toMatchObject({ status: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
  })
})
