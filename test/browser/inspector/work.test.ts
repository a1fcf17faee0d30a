import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createWork } from '../../../src/browser/inspector/work.ts'

/** A page's idle time in our hands, and a clock that only jobs move. */
let idle: (() => void)[]
let now: number

beforeEach(() => {
  idle = []
  now = 0
  vi.stubGlobal('window', { requestIdleCallback: (run: () => void) => void idle.push(run) })
  vi.spyOn(performance, 'now').mockImplementation(() => now)
})
afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})
const slice = () => idle.splice(0).forEach((run) => run())

describe('work', () => {
  it('does nothing at once, and then a few milliseconds of it at a time, in order', () => {
    const done: number[] = []
    const onDone = vi.fn()
    const work = createWork(onDone)
    for (let job = 0; job < 10; job++)
      work.add(() => {
        done.push(job)
        now += 1
      })
    expect(done).toEqual([])
    expect(idle).toHaveLength(1)
    slice()
    expect(done).toEqual([0, 1, 2, 3])
    expect(onDone).not.toHaveBeenCalled()
    slice()
    slice()
    expect(done).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(onDone).toHaveBeenCalledOnce()
    expect(idle).toEqual([])
  })

  it('does one job in each slice, however long it takes', () => {
    const done: number[] = []
    const work = createWork(() => {})
    for (let job = 0; job < 3; job++)
      work.add(() => {
        done.push(job)
        now += 1000
      })
    slice()
    expect(done).toEqual([0])
    slice()
    expect(done).toEqual([0, 1])
  })

  it('does what is left at once when it is asked to', () => {
    const done: string[] = []
    const work = createWork(() => done.push('told'))
    work.add(() => {
      done.push('first')
      now += 1000
    })
    work.add(() => done.push('second'))
    work.drain()
    expect(done).toEqual(['first', 'second', 'told'])
    slice()
    expect(done).toHaveLength(3)
  })

  it('works in browsers that give no idle time', () => {
    const timers: (() => void)[] = []
    vi.stubGlobal('window', { setTimeout: (run: () => void) => timers.push(run) })
    const done: string[] = []
    const work = createWork(() => {})
    work.add(() => done.push('job'))
    timers.forEach((run) => run())
    expect(done).toEqual(['job'])
  })
})
