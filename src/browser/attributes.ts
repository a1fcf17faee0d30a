import { warn } from './log.ts'
import { RULES, type UetOptions } from './options.ts'

/** An attribute is text; the kinds of its option tell what was meant. */
function parse(text: string, kinds = ''): unknown {
  if (/^(true|false|off)$/.test(text)) return text === 'true'
  // A list names several of what one text names alone, except where there is no comma.
  if (/list/.test(kinds) && (!/text/.test(kinds) || text.includes(','))) return text.split(/\s*,\s*/)
  return /0-/.test(kinds) ? +text : text
}

/** Options of the script element (`data-consent-default`, …), or of `<script type="application/json" data-uetkit>`. */
export function readAttributes(document: Document): { options?: UetOptions; autoPage: boolean; source?: string } {
  const element = (document.currentScript ?? document.querySelector('script[data-tag-id]')) as HTMLScriptElement | null
  const data: DOMStringMap = element?.dataset ?? {}
  const json = document.querySelector('script[data-uetkit]')?.textContent
  let options: Record<string, unknown> | undefined
  try {
    if (json) options = Object(JSON.parse(json))
  } catch {
    warn('<script data-uetkit> holds no JSON: correct it')
  }
  if (data.tagId) {
    options = {}
    for (const name in data) {
      // data-consent-wait-for-update → dataset.consentWaitForUpdate → consent.waitForUpdate
      const path = name.replace(
        /^(consent|mapping|events|identifiers|relay|idSync|script)([A-Z])/,
        (_, group, letter) => `${group}.${letter.toLowerCase()}`,
      )
      const [group, key] = path.split('.') as [string, string?]
      // Other tools put attributes on scripts too; only what starts like a group of ours is a mistake.
      if (!key && !RULES.has(path)) continue
      const value = parse(data[name]!.trim(), RULES.get(path))
      if (key) Object((options[group] ??= {}))[key] = value
      else options[group] = value
    }
  }
  // A nonce cannot be read from the attribute, and the tag script needs the same one.
  if (options && element?.nonce) options.script = { nonce: element.nonce, ...(options.script as object) }
  return { options: options as never, autoPage: data.autoPage !== 'false', source: element?.src } as never
}
