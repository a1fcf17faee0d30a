import type { ConsentConfig, TagWindow, TcfConfig, UserSignals } from './types.ts'

/** A site that Microsoft judged non-compliant: denied, whatever it pushes. */
export const isStrict = (signals: UserSignals | undefined): boolean => Boolean(signals?.sb && signals.ec)

/** Whether the tag must behave as denied although nobody told it so. */
export function shouldEnforce(facts: {
  window: TagWindow
  signals: UserSignals | undefined
  siteHasSpoken: boolean
  tcf: TcfConfig
}): boolean {
  const { window, signals, siteHasSpoken, tcf } = facts
  if (isStrict(signals)) return true
  if (siteHasSpoken) return false
  if (tcf.loaded && (!tcf.auto || (tcf.gdprApplies && tcf.vendorAllowed))) return false
  if (signals === undefined) return timeZone(window) === 'Europe/Amsterdam'
  const { bi, dt, ea, ec, at, ah, pt } = signals
  return Boolean(bi || (dt && ea) || (ec && !at && (ah || !pt)))
}

function timeZone(window: TagWindow): string | undefined {
  return window.Intl.DateTimeFormat().resolvedOptions().timeZone
}

/** Google's Consent Mode state, as its tags leave it on the page. */
export function readGoogleState(window: TagWindow): { update?: boolean; default?: boolean } {
  const data = (window as unknown as { google_tag_data?: GoogleTagData }).google_tag_data
  return data?.ics?.entries?.ad_storage ?? {}
}

interface GoogleTagData {
  ics?: { entries?: { ad_storage?: { update?: boolean; default?: boolean } } }
}

/** `cdb`: three bytes, version, consent platform (not detected here), flags. */
export function detectionBlob(facts: {
  window: TagWindow
  hasTcfApi: boolean
  consent: ConsentConfig
  signals: UserSignals | undefined
}): string {
  const google = readGoogleState(facts.window)
  const flags =
    ((google.update ?? google.default) === true ? 2 : 0) |
    (facts.hasTcfApi ? 4 : 0) |
    (facts.consent.enforced ? 8 : 0) |
    (facts.signals === undefined ? 0 : 16)
  return facts.window
    .btoa(String.fromCharCode(1, 0, flags))
    .replace(/\+/g, '-')
    .replace(/\//g, '_')
}
