import { warn } from './log.ts'
import { GROUPS, isKind, RULES, type UetOptions } from './options.ts'

/** An attribute is text; the kinds of its option tell what was meant. */
function parse(text: string, kinds: string[]): unknown {
  const readings = [text === 'true' || (text === 'false' ? false : text), text ? +text : text, text.split(/\s*,\s*/)]
  // A list names several of what one text names alone, except where there is no comma.
  if (kinds.includes('list') && text.includes(',')) readings.reverse()
  return readings.find((value) => kinds.some((kind) => isKind(value, kind))) ?? text
}

/** Options of the script element (`data-consent-default`, …), or of `<script type="application/json" data-uetkit>`. */
export function readAttributes(document: Document): { options?: UetOptions; autoPage: boolean } {
  const element = (document.currentScript ?? document.querySelector('script[data-tag-id]')) as HTMLScriptElement | null
  const data: DOMStringMap = { ...element?.dataset }
  const json = document.querySelector('script[data-uetkit][type="application/json"]')?.textContent
  const autoPage = data.autoPage !== 'false'
  let options: Record<string, unknown> | undefined
  try {
    if (json) options = JSON.parse(json)
  } catch {
    warn('<script data-uetkit> holds no JSON: correct it')
  }
  if (data.tagId) {
    options = {}
    for (const path in RULES) {
      // consent.waitForUpdate → data-consent-wait-for-update → dataset.consentWaitForUpdate
      const name = path.replace(/\.(.)/, (_, letter: string) => letter.toUpperCase())
      const text = data[name]?.trim()
      delete data[name]
      if (text === undefined) continue
      const [group, key] = path.split('.') as [string, string?]
      const value = parse(text, RULES[path]!)
      if (key) (options[group] ??= {} as object)[key as never] = value as never
      else options[group] = value
    }
    if (data.consent === 'off') options.consent = false
    delete data.consent
    // Other tools put attributes on scripts too; only what starts like a group of ours is a mistake.
    const odd = Object.keys(data).find((name) => GROUPS.some((group) => new RegExp(`^${group}[A-Z]`).test(name)))
    if (odd) warn(`${odd} is no option: correct the attribute`)
  }
  // A nonce cannot be read from the attribute, and the tag script needs the same one.
  if (options && element?.nonce) options.script = { nonce: element.nonce, ...(options.script as object) }
  return { options: options as never, autoPage }
}
