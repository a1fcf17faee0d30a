import { Readable } from 'node:stream'
import { type Options, parse } from 'csv-parse'

const MAX_RECORD = 1 << 20

/**
 * Records of a CSV stream (RFC 4180), of any length each. Throws `CsvError` for what is no CSV, and whatever the
 * source throws.
 */
export async function* parseCsv(
  source: AsyncIterable<string | Uint8Array>,
  options: Pick<Options, 'bom' | 'delimiter'> = {},
): AsyncGenerator<string[]> {
  const input = Readable.from(source)
  const parser = parse({
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: MAX_RECORD,
    ...options,
  })
  input.on('error', (error) => parser.destroy(error))
  input.pipe(parser)
  try {
    yield* parser as AsyncIterable<string[]>
  } finally {
    input.destroy()
  }
}
