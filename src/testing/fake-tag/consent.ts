import { isStorageAllowed, type Sender } from './beacon.ts'
import { isStrict, readGoogleState, shouldEnforce } from './enforcement.ts'
import { enableTcf, hasTcfApi } from './tcf.ts'
import type { ConsentConfig, Tag, UserSignals } from './types.ts'

const MAX_WAIT_MS = 10_000

export const initialConsent = (): ConsentConfig => ({
  enabled: false,
  adStorageAllowed: true,
  adStorageUpdated: false,
  enforced: false,
  waitForUpdate: 0,
})

export interface Consent {
  /** `push('consent', action, params)`. */
  consent(action: unknown, params: unknown): void
  /** `push('config', name, params)`. */
  config(name: unknown, params: unknown): void
  /** Whether the tag would have to enforce denial as things stand. */
  mustEnforce(): boolean
  /** Whether Google's Consent Mode has only a default so far, so that an update may follow. */
  hasGoogleDefault(): boolean
  /** Takes over Google's Consent Mode state; false where there is none, or only a default and that is not wanted yet. */
  adoptGoogle(acceptDefault: boolean): boolean
  adoptTcf(onAnswer: () => void): void
  /** Puts enforcement in force, or lifts it, where that changes something. */
  settle(): void
}

/**
 * Who may store: the site's signals, then a consent platform, then what Microsoft enforces.
 * Denied is the exact word `denied`; every other value, even a missing one, grants.
 */
export function createConsent(
  tag: Tag,
  sender: Sender,
  signals: () => UserSignals | undefined,
  hooks: { onUpdate(): void; onTcfAnswer(): void },
): Consent {
  const { window, live } = tag
  const { consent: state, tcf } = live.uetConfig
  let siteHasSpoken = false

  const announce = (source: string): void => {
    sender.ping('consent', [['src', source]])
    const adStorageConsent = isStorageAllowed(live.uetConfig)
    window.document.dispatchEvent(new window.CustomEvent('UetConsent', { bubbles: true, detail: { adStorageConsent } }))
  }

  const mustEnforce = (): boolean => shouldEnforce({ window, signals: signals(), siteHasSpoken, tcf })

  const settle = (): void => {
    const must = mustEnforce()
    if (must === state.enforced) return
    state.enabled = must
    state.enforced = must
    state.adStorageAllowed = !must
    announce(must ? 'enforced' : 'unenforced')
  }

  const apply = (action: 'default' | 'update', params: Record<string, unknown>): void => {
    const decides = 'ad_storage' in params
    if (action === 'update' && !decides) return
    siteHasSpoken = true
    if (state.enforced) {
      state.enforced = false
      state.adStorageAllowed = true
    }
    state.enabled = true
    if (decides && (action === 'update' || !state.adStorageUpdated)) {
      state.adStorageAllowed = params.ad_storage !== 'denied'
    }
    if (action === 'update') state.adStorageUpdated = true
    const wait = Number.parseInt(String(params.wait_for_update), 10)
    if (action === 'default' && wait > 0) state.waitForUpdate = Math.min(wait, MAX_WAIT_MS)
    announce(action)
    if (action === 'update') hooks.onUpdate()
  }

  /** Tag manager templates mark their calls, and the container decides whether they count. */
  const isForTagManager = (params: Record<string, unknown>): boolean => {
    const { source } = params
    if (typeof source !== 'string' || !source.startsWith('gtm_')) return false
    if (source !== 'gtm_update') return true
    if (signals()?.ec || signals()?.ea) return false
    sender.ping('gtmConsent', [['gasc', params.ad_storage === 'denied' ? 'D' : 'G']])
    return true
  }

  return {
    consent(action, params) {
      if (action !== 'default' && action !== 'update') return
      if (typeof params !== 'object' || params === null || isStrict(signals())) return
      const given = params as Record<string, unknown>
      if (!isForTagManager(given)) apply(action, given)
    },
    config(name, params) {
      const isOn = (params as { enabled?: unknown } | null | undefined)?.enabled === true
      if (name === 'tcf' && isOn && !isStrict(signals())) enableTcf(tag, sender, false, hooks.onTcfAnswer)
    },
    mustEnforce,
    hasGoogleDefault: () => readGoogleState(window).default !== undefined,
    adoptGoogle(acceptDefault) {
      const google = readGoogleState(window)
      const isGranted = google.update ?? (acceptDefault ? google.default : undefined)
      if (isGranted === undefined) return false
      apply(google.update === undefined ? 'default' : 'update', { ad_storage: isGranted ? 'granted' : 'denied' })
      return true
    },
    adoptTcf(onAnswer) {
      if (hasTcfApi(tag)) enableTcf(tag, sender, true, onAnswer)
    },
    settle,
  }
}
