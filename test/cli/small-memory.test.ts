import { describe, expect, it } from 'vitest'
import { smallMemoryArgs } from '../../src/cli/small-memory.ts'

const ARGV = ['/usr/bin/node', '/app/cli.js', 'relay', '--json']

describe('smallMemoryArgs', () => {
  it('bounds what V8 may take, and keeps flags and arguments', () => {
    expect(smallMemoryArgs(ARGV, ['--enable-source-maps'], '--no-warnings', 4_096)).toEqual([
      '/usr/bin/node',
      '--enable-source-maps',
      '--max-semi-space-size=4',
      '--max-old-space-size=1024',
      '/app/cli.js',
      'relay',
      '--json',
    ])
  })

  it('does not raise the limit of a small machine', () => {
    expect(smallMemoryArgs(ARGV, [], undefined, 512)?.join(' ')).not.toContain('old-space')
  })

  it.each([
    [['--max-semi-space-size=16'], undefined],
    [['--max_old_space_size=300'], undefined],
    [[], '--no-warnings --max-old-space-size=300'],
    [[], '--max-semi-space-size=8'],
  ])('leaves it to an operator who says so: %j %s', (execArgv, nodeOptions) => {
    expect(smallMemoryArgs(ARGV, execArgv, nodeOptions, 4_096)).toBeUndefined()
  })

  it('changes nothing the second time', () => {
    const [, ...args] = smallMemoryArgs(ARGV, [], undefined, 4_096)!
    expect(smallMemoryArgs(ARGV, args.slice(0, 2), undefined, 1_100)).toBeUndefined()
  })
})
