import { readFileSync } from 'node:fs'
import { ConfigError } from './errors.ts'

/** Read from the working directory when no other file is named. */
export const CONFIG_FILE = 'uetkit.config.json'

/**
 * The content of a JSON file.
 *
 * @throws ConfigError without any of the content, which may hold what should not be shown.
 */
export function readJsonFile(path: string): unknown {
  let content: string
  try {
    content = readFileSync(path, 'utf8')
  } catch (error) {
    throw new ConfigError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code}). Check --config`)
  }
  try {
    return JSON.parse(content)
  } catch (error) {
    // The message of the parser quotes the text around the fault, which may be anything.
    const [, position] = /position (\d+)/.exec((error as Error).message) ?? []
    const line = position ? `, line ${content.slice(0, Number(position)).split('\n').length}` : ''
    throw new ConfigError(`${path} is not JSON${line}`)
  }
}
