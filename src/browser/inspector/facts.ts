import type { UetState } from '../types.ts'
import type { Digest } from './digest.ts'
import type { RawHash } from './raw-hashes.ts'
import type { Entry } from './timeline.ts'

/** A request that the page's content security policy forbade. */
export interface Violation {
  directive: string
  /** Host that has to be allowed. */
  host: string
}

/** All that the findings are drawn from. Plain data: they can be tried without a page. */
export interface Facts {
  /** Milliseconds since the page was opened. */
  age: number
  /** Milliseconds since the epoch, by the page's clock. */
  now: number
  /** One for each tracker on the page. */
  trackers: UetState[]
  entries: readonly Entry[]
  digest: Digest
  /** What the tag refused. */
  refusals: string[]
  violations: Violation[]
  /** Microsoft's own snippets, and tag scripts beyond ours. */
  foreignSnippets: number
  /** Ids of tags that run as two instances. */
  doubledTags: string[]
  /** Address with which the visitor arrived, before any script changed it. */
  landing: string
  /** Sent hashes that are hashes of text nobody normalised. */
  rawHashes: RawHash[]
  /** Milliseconds by which the page's clock is ahead of a clock that cannot be set back. */
  clockAhead: number
}

/** Microsoft's hosts, and whatever relay the page talks to. */
const OURS = /(^|\.)bing\.(com|net)$/

/** Hears of forbidden requests, those from before included where the browser keeps reports. */
export function watchPolicy(
  window: Window & typeof globalThis,
  onViolation: (violation: Violation) => void,
): () => void {
  const stop = new AbortController()
  const take = (blocked: string | null | undefined, directive: string) => {
    let host = ''
    try {
      host = new URL(`${blocked}`).hostname
    } catch {}
    if (OURS.test(host)) onViolation({ directive: directive.replace(/-(elem|attr)$/, ''), host })
  }
  window.document.addEventListener(
    'securitypolicyviolation',
    ({ blockedURI, effectiveDirective }) => take(blockedURI, effectiveDirective),
    { signal: stop.signal },
  )
  // https://www.w3.org/TR/reporting-1/#intro
  const { ReportingObserver } = window as never as { ReportingObserver?: ReportingObserverClass }
  const observer =
    ReportingObserver &&
    new ReportingObserver(
      (reports) => {
        for (const { body } of reports) take(body?.blockedURL, body?.effectiveDirective ?? '')
      },
      { types: ['csp-violation'], buffered: true },
    )
  observer?.observe()
  return () => {
    stop.abort()
    observer?.disconnect()
  }
}

interface PolicyReport {
  body?: { blockedURL?: string; effectiveDirective?: string }
}
type ReportingObserverClass = new (
  listener: (reports: PolicyReport[]) => void,
  options: { types: string[]; buffered: boolean },
) => { observe(): void; disconnect(): void }

const TAG_SCRIPT = /\/\/bat\.bing\.(com|net)\/bat\.js/

type Snippet = 'inline' | 'requested' | undefined

/** Microsoft's own snippet in the page, and requests of the tag script that no tracker of ours made. */
export function createSnippetCounter(document: Document): (trackers: number) => number {
  // A page may hold megabytes of inline script: each is read once.
  const known = new WeakMap<HTMLScriptElement, Snippet>()
  const kindOf = ({ src, text }: HTMLScriptElement): Snippet =>
    TAG_SCRIPT.test(src || text) ? (src ? 'requested' : 'inline') : undefined
  return (trackers) => {
    const counts = { inline: 0, requested: 0 }
    for (const script of document.scripts) {
      if (!known.has(script)) known.set(script, kindOf(script))
      const kind = known.get(script)
      if (kind) counts[kind]++
    }
    // A snippet requests the script by itself, and each tracker at most once.
    return Math.max(counts.inline, counts.requested - trackers)
  }
}

/** Tags with more than one running instance. The tag script leaves each under a global of this form. */
export function findDoubledTags(window: Window): string[] {
  const page = window as unknown as Record<string, { beaconParams?: { ti?: unknown } } | undefined>
  const ids = Object.keys(page)
    .filter((name) => /^ueto_[0-9a-f]{10}$/.test(name))
    .map((name) => `${page[name]?.beaconParams?.ti}`)
  return [...new Set(ids.filter((id, index) => ids.indexOf(id) !== index))]
}

/** The page's clock against the one that counts from the opening of the page and cannot be set. */
export const readClock = (performance: Performance): number => Date.now() - (performance.timeOrigin + performance.now())
