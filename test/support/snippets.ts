import { readFileSync } from 'node:fs'

/** A code block of a page of documentation. */
export interface Snippet {
  lang: string
  code: string
  /** What its first line says: `// src/uet.ts`. */
  path: string | undefined
}

export function snippets(file: string): Snippet[] {
  return [...readFileSync(file, 'utf8').matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, lang = '', code = '']) => ({
    lang,
    code,
    path: /^(?:\/\/|<!--) ([\w$+./-]+\.\w+)/.exec(code)?.[1],
  }))
}
