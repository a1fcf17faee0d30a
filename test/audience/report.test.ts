import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { rowLog } from '../../src/audience/report.ts'
import { scratch } from './support/scratch.ts'

let directory: string
beforeEach(() => {
  directory = scratch()
})
afterEach(() => rmSync(directory, { recursive: true }))

const report = (cohort: string, ids: string[]) => {
  const log = rowLog(directory)
  for (const id of ids) log.set(log.append(id), { status: 'added', reason: '' })
  log.write(join(directory, 'report.csv'), cohort, [])
  log.close()
  return (parse(readFileSync(join(directory, 'report.csv'))) as string[][]).slice(1)
}

describe('the report', () => {
  it('has a line for each row and each removed person', () => {
    const log = rowLog(directory)
    for (const id of ['a', 'b', 'c', 'd']) log.append(id)
    log.set(1, { status: 'added', reason: '' })
    log.set(2, { status: 'excluded', reason: 'Unresolved Mapping' })
    log.set(3, { status: 'unchanged', reason: '' })
    log.set(3, { status: 'failed', reason: 'EmailMustBeHashed' })
    const path = join(directory, 'new', 'report.csv')
    log.write(path, 'co,1', [{ outcome: { status: 'removed', reason: '' }, count: 2 }])
    log.close()
    expect(readFileSync(path, 'utf8')).toBe(
      [
        'cohort_id,row,user_id,status,reason',
        '"co,1",1,a,added,',
        '"co,1",2,b,excluded,Unresolved Mapping',
        '"co,1",3,c,failed,EmailMustBeHashed',
        '"co,1",4,d,failed,Unknown',
        '"co,1",,,removed,',
        '"co,1",,,removed,',
        '',
      ].join('\n'),
    )
    if (process.platform !== 'win32') expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readdirSync(directory)).toEqual(['new'])
  })

  it.each([
    ['user@example.com', '[withheld]'],
    ['crm:user%40example.com', '[withheld]'],
    ['=1+1', "'=1+1"],
    ['+cmd', "'+cmd"],
    ['-5', '-5'],
    ['+49', '+49'],
    ['a,"b"', 'a,"b"'],
    ['two\r\nlines', 'two lines'],
    ['', ''],
  ])('writes the user id %j as %j', (id, expected) => {
    expect(report('c', [id, 'next'])).toEqual([
      ['c', '1', expected, 'added', ''],
      ['c', '2', 'next', 'added', ''],
    ])
  })

  it('keeps rows apart for every user id, also beyond what is held in memory', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1, maxLength: 20 }), (ids) => {
        expect(report('c', ids).map(([, row]) => row)).toEqual(ids.map((_, index) => `${index + 1}`))
      }),
      { numRuns: 30 },
    )
    const long = Array.from({ length: 300 }, (_, index) => `${index}-${'é'.repeat(5_000)}`)
    expect(report('c', long).map(([, , id]) => id)).toEqual(long)
  })
})
