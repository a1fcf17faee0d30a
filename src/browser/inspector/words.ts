import type { ConsentDecision } from '../../core/consent.ts'
import type { ScriptReport } from '../types.ts'
import type { Tone } from './timeline.ts'

interface Words {
  title: string
  detail?: string
  tone?: Tone
}

const SOURCES: Record<string, string> = {
  default: 'the configured default, no signal came yet',
  region: 'the default for the visitor’s region',
  gpc: 'the browser sends Global Privacy Control',
  stored: 'the visitor’s grant on an earlier page',
  category: 'the categories stated with a call',
  property: 'a property of a call',
  api: 'a call of consent()',
  tcf: 'the tag script reads the TCF string by itself',
  off: 'no consent mode',
}

/** Why consent is as it is. */
export const becauseOf = ({ source }: ConsentDecision): string => SOURCES[source] ?? `the consent tool ${source}`

export const consentWords = (decision: ConsentDecision): Words => ({
  title: decision.state === 'unknown' ? 'Consent is not managed' : `Consent ${decision.state}`,
  detail: becauseOf(decision),
  tone: decision.state === 'granted' ? 'good' : 'warn',
})

const BLOCKED: Record<string, string> = {
  network: 'The request failed: a blocker, or the network.',
  empty: 'The answer did not hold Microsoft’s script: a blocker, or a wrong address.',
  timeout: 'No answer came in ten seconds.',
  forbidden: 'The page’s own security policy forbids it.',
}

const SCRIPT: Record<ScriptReport['status'], Words> = {
  off: { title: 'Tag script switched off' },
  waiting: { title: 'Tag script waits', detail: 'for consent, or for the page to be shown' },
  loading: { title: 'Tag script requested' },
  ready: { title: 'Tag script runs', tone: 'good' },
  blocked: { title: 'Tag script blocked', tone: 'bad' },
}

export const blockedWords = (reason = ''): string => BLOCKED[reason] ?? 'The reason is unknown.'

export const scriptWords = ({ status, reason }: ScriptReport): Words => ({
  ...SCRIPT[status],
  ...(status === 'blocked' && { detail: blockedWords(reason) }),
})

/** What the keys of a beacon mean, for those who do not know them by heart. */
export const PARAMS: Record<string, string> = {
  ti: 'tag',
  evt: 'kind',
  ea: 'action',
  el: 'label',
  ec: 'category',
  ev: 'value',
  gv: 'revenue',
  gc: 'currency',
  event_id: 'event id',
  asc: 'ad storage',
  src: 'signal from',
  mid: 'page load id',
  bo: 'number',
  p: 'page',
  r: 'referrer',
  tl: 'title',
  page_path: 'path',
  spa: 'single page',
  vid: 'visitor',
  sid: 'session',
  msclkid: 'click id',
  pid: 'hashed user data',
  prodid: 'products',
  pagetype: 'page type',
  items: 'items',
  transaction_id: 'order',
}
