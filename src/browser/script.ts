import type { UetOptions } from './options.ts'

/** Microsoft's tag script. Always https, also on http and file pages: https://help.ads.microsoft.com/#apex/ads/en/56682/2 */
const TAG_SCRIPT = 'https://bat.bing.com/bat.js'
const TAG_SCRIPT_URL = /\/\/bat\.bing\.(com|net)\/bat\.js/

export interface Snippet {
  /** A tag script that is not ours. */
  _element: HTMLScriptElement | undefined
  /** Whether the page's own snippet runs this very tag. Two of one tag count everything twice. */
  _runs(tagId: string): boolean
}

/** Looks for Microsoft's own snippet among the scripts of the page. */
export function findSnippet({ scripts }: Document): Snippet {
  const found = Array.from(scripts).filter(({ src, text }) => TAG_SCRIPT_URL.test(src || text))
  return {
    _element: found.find(({ src }) => src),
    _runs: (id) => found.some(({ text }) => new RegExp(`\\b(ti|tagId)\\W{1,4}${id}\\b`).test(text)),
  }
}

/** The value for `script.src`: under Trusted Types a string is refused unless the page has a default policy. */
function trustedUrl(
  window: Window,
  url: string,
  policy: NonNullable<UetOptions['script']>['trustedTypesPolicy'],
): unknown {
  if (policy && typeof policy !== 'string') return policy.createScriptURL(url)
  const types = (window as { trustedTypes?: { defaultPolicy: unknown; createPolicy: CreatePolicy } }).trustedTypes
  try {
    if (types && !types.defaultPolicy)
      return types.createPolicy(policy ?? 'uetkit', { createScriptURL: (given) => given }).createScriptURL(url)
  } catch {
    // The page's list of policies does not name ours; without enforcement a plain string still works.
  }
  return url
}

type Policy = { createScriptURL(url: string): unknown }
type CreatePolicy = (name: string, rules: Policy) => Policy

/** Puts the tag script into the page. Throws where the page's policy forbids it. */
export function injectScript(window: Window, script: NonNullable<UetOptions['script']>): HTMLScriptElement {
  const { document } = window
  const element = document.createElement('script')
  element.async = true
  // The tag hashes wrongly when its script is decoded as windows-1252.
  element.charset = 'utf-8'
  if (script.nonce) element.nonce = script.nonce
  element.src = trustedUrl(window, script.src ?? TAG_SCRIPT, script.trustedTypesPolicy) as string
  return (document.head ?? document.documentElement).appendChild(element)
}
