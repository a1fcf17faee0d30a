import { describe, expect, it } from 'vitest'
import { ndjsonRows } from '../../../src/audience/sources/ndjson.ts'
import type { SourceRow } from '../../../src/audience/sources/rows.ts'

async function read(content: string, columns = { email: 'email', userId: 'user_id' }, size = 1 << 16) {
  const bytes = Buffer.from(content)
  const rows: SourceRow[] = []
  async function* pieces() {
    for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size)
  }
  for await (const batch of ndjsonRows(pieces(), columns, 'members.ndjson')) rows.push(...batch)
  return rows
}

describe('ndjsonRows', () => {
  const content = [
    '{"user_id":"A","email":"user@example.com"}',
    '',
    '{"user_id":2}',
    '{"user_id":null,"email":null}\r',
    '{"email":["user@example.com"]}',
    '{"email":5}',
  ].join('\n')

  it.each([1, 7, 1 << 16])('reads rows from pieces of %i bytes', async (size) => {
    expect(await read(content, undefined, size)).toEqual([
      { userId: 'A', email: 'user@example.com' },
      { userId: '2', email: '' },
      { userId: '', email: '' },
      { userId: '', email: '[value]' },
      { userId: '', email: '5' },
    ])
  })

  it('reads dotted paths, a key that has the dots itself first', async () => {
    const columns = { email: 'traits.email', userId: 'id' }
    expect(await read('{"id":1,"traits":{"email":"a@b.co"}}\n{"traits.email":"c@d.co"}', columns)).toEqual([
      { userId: '1', email: 'a@b.co' },
      { userId: '', email: 'c@d.co' },
    ])
  })

  it.each([
    ['empty', '', /this file is empty/],
    ['blank', '\n\n', /this file is empty/],
    ['no JSON', '{"email":"a"}\nuser@example.com\n', /line 2 is no JSON object/],
    ['an array', '["user@example.com"]', /line 1 is no JSON object/],
    [
      'another key',
      '{"mail":"user@example.com"}\n{"x":1,"user@example.com":2}',
      /no row has the key "email"; found: "mail", "x", \[withheld\]/,
    ],
    ['an endless line', `{"email":"${'x'.repeat(2_000_000)}`, /longer than 1 MB|no JSON object/],
  ])('refuses %s', async (_, text, message) => {
    const error = await read(text).then(
      () => undefined,
      (reason: unknown) => reason as Error,
    )
    expect(error).toMatchObject({ name: 'AudienceError', code: 'source' })
    expect(error!.message).toMatch(message)
    expect(error!.message).not.toContain('user@')
  })
})
