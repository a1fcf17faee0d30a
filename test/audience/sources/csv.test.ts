import { stringify } from 'csv-stringify/sync'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { csvRows } from '../../../src/audience/sources/csv.ts'
import type { Columns, SourceRow } from '../../../src/audience/sources/rows.ts'

const columns: Columns = { email: 'email', userId: 'user_id' }

async function* pieces(bytes: Uint8Array, size: number) {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size)
}

async function read(content: string | Uint8Array, over: Partial<Columns> = {}, size = 1 << 16): Promise<SourceRow[]> {
  const rows: SourceRow[] = []
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  for await (const batch of csvRows(pieces(bytes, size), { ...columns, ...over }, 'members.csv')) rows.push(...batch)
  return rows
}

const problem = async (content: string | Uint8Array, over: Partial<Columns> = {}) => {
  const error = await read(content, over).then(
    () => undefined,
    (reason: unknown) => reason as Error,
  )
  expect(error).toMatchObject({ name: 'AudienceError', code: 'source' })
  return error!.message
}

const expected = [
  { email: 'user@example.com', userId: 'A' },
  { email: '', userId: 'B' },
  { email: 'invalid', userId: 'C' },
]

describe('csvRows', () => {
  it.each([
    ['plain', 'user_id,email\nA,user@example.com\nB,\nC,invalid\n'],
    ['without a last line end', 'user_id,email\nA,user@example.com\nB,\nC,invalid'],
    ['byte order mark and CRLF', '\ufeffuser_id,email\r\nA,user@example.com\r\nB,\r\nC,invalid\r\n'],
    ['old Mac line ends', 'user_id,email\rA,user@example.com\rB,\rC,invalid'],
    ['quotes', '"user_id","email"\n"A","user@example.com"\n"B",""\n"C","invalid"\n'],
    ['quotes late', 'user_id,email\nA,user@example.com\nB,\n"C",invalid\n'],
    ['semicolons', 'plan;user_id;email\ngold;A;user@example.com\n;B;\n;C;invalid\n'],
    ['tabs, other case, spaces', ' Email \tUSER_ID\nuser@example.com\tA\n\tB\ninvalid\tC\n'],
    ['pipes', 'email|user_id\nuser@example.com|A\n|B\ninvalid|C'],
    ['empty lines', '\n\nuser_id,email\n\nA,user@example.com\r\n\r\nB,\n\nC,invalid\n\n\n'],
    ['short rows', 'user_id,email,plan\nA,user@example.com\nB\nC,invalid\n'],
    ['a name with separators in quotes', '"a;b;c",user_id,email\nx,A,user@example.com\nx,B\nx,C,invalid'],
  ])('%s', async (_, content) => {
    expect(await read(content)).toEqual(expected)
    expect(await read(content, {}, 1)).toEqual(expected)
  })

  it('reads one column alone', async () => {
    expect(await read('email\na@b.co\n', { userId: undefined })).toEqual([{ email: 'a@b.co', userId: '' }])
    expect(await read('email\na@b.co\n', { userIdOptional: true })).toEqual([{ email: 'a@b.co', userId: '' }])
  })

  it('gives no rows for a header alone', async () => {
    expect(await read('user_id,email\r\n')).toEqual([])
  })

  it('prefers the exact name over one of other case', async () => {
    expect(await read('EMAIL,email\nx,y\n', { userId: undefined })).toEqual([{ email: 'y', userId: '' }])
  })

  const text = fc.string({ unit: fc.constantFrom('a', 'é', '🎉', ' ', ',', ';', '"', '\n', '\r\n', '\t', "'", '=') })
  const table = fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 20 })

  it('reads back every table, quoted or not, in pieces of any size', async () => {
    await fc.assert(
      fc.asyncProperty(table, fc.boolean(), fc.integer({ min: 1, max: 40 }), async (rows, quoted, size) => {
        const content = stringify([['user_id', 'email'], ...rows], { quoted, quoted_empty: true })
        const read_ = await read(content, {}, size)
        expect(read_).toEqual(rows.map(([userId, email]) => ({ userId, email })))
      }),
    )
  })

  it('reads the same with and without the parser', async () => {
    const plain = fc.string({ unit: fc.constantFrom('a', 'é', ' ', ';', '\t', '=', '@', '.') })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(plain, plain)), fc.integer({ min: 1, max: 40 }), async (rows, size) => {
        const lines = rows.map((row) => row.join(','))
        const fast = await read(['email,user_id', ...lines].join('\r\n'), {}, size)
        const slow = await read(['"email",user_id', ...lines].join('\r\n'), {}, size)
        expect(fast).toEqual(slow)
        expect(fast).toEqual(rows.map(([email, userId]) => ({ email, userId })))
      }),
    )
  })

  it.each([
    ['empty', '', /this file is empty/],
    ['only a byte order mark and white space', '\ufeff \r\n\n', /this file is empty/],
    ['no such column', 'id,mail\n1,user@example.com', /no column "email"; found: "id", "mail"\..*--email-column/],
    [
      'no header',
      'A,user@example.com\n',
      /no column "email"; found: "A", \[withheld\]\. The first row looks like a person/,
    ],
    ['a column twice', 'email,user_id,Email,email\n', /"email" is there 2 times/],
    ['JSON', '[{"email": "user@example.com"}]', /this is JSON, not CSV.*ndjson/],
    ['HTML', ' <!doctype html><title>user@example.com', /this is HTML/],
    ['UTF-16', Buffer.from('\ufeffemail\nuser@example.com', 'utf16le'), /UTF-16.*CSV UTF-8/],
    ['Latin-1', Buffer.from('email,user_id\nuser@example.com,Jos\xe9\n', 'latin1'), /not UTF-8/],
    ['cut in a character', Buffer.from('user_id,email\né').subarray(0, -1), /not UTF-8/],
    ['Excel', Buffer.from('PK\x03\x04user@example.com'), /an Excel or zip file/],
    ['gzip', Buffer.from([0x1f, 0x8b, 8, 0]), /a gzip file/],
    ['binary', Buffer.from('email\0user@example.com'), /a binary file/],
    [
      'a quote that never closes',
      'email,user_id\n"user@example.com,A\nB,b\n',
      /a quote that opens in line \d+ is never closed/,
    ],
    ['a stray quote', 'email,user_id\nuser"@example.com,A\n', /line 2 has a quote in the middle/],
    ['a stray closing quote', 'email,user_id\na,b\n"user@example.com"x,A\n', /line 3 has a quote in the middle/],
    ['no line end', 'user@example.com'.repeat(100_000), /line 1 is longer than 1 MB/],
    ['a quoted cell without end', `email\n"${'x'.repeat(3_000_000)}`, /longer than 1 MB|never closed/],
  ])('refuses %s in one clear message without an address', async (_, content, message) => {
    const text = await problem(content)
    expect(text).toMatch(message)
    expect(text).toMatch(/^members\.csv: .*Nothing was sent\.$/)
    expect(text).not.toContain('user@')
  })
})
