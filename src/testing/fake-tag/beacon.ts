import { randomNumber } from './ids.ts'
import type { Storage } from './storage.ts'
import { tcfParam } from './tcf.ts'
import { dropTooLong } from './trim-url.ts'
import type { BeaconParams, LiveState, SentRequest, Tag } from './types.ts'

/** Key and percent-encoded text, in wire order. */
export type Pair = [key: string, encoded: string]

export interface Sender {
  /** Page loads, custom events and late user data: an image from `/action/0`. */
  beacon(evt: 'pageLoad' | 'custom' | 'pid', pairs: Pair[], last?: Pair[]): void
  /** Consent, visibility and duplicates: a `sendBeacon` to `/actionp/0`. */
  ping(evt: 'consent' | 'gtmConsent' | 'pageHide' | 'pageShow' | 'dedup', pairs?: Pair[]): void
  /** A validation error, where `errorBeaconLevel` asks for it. */
  error(message: string): void
}

const COMMON: readonly (keyof BeaconParams)[] = [
  'ti',
  'tm',
  'Tag',
  'EXT_Data',
  'Ver',
  'mid',
  'bo',
  'sid',
  'uid',
  'vid',
  'vids',
  'msclkid',
]

export const pair = (key: string, value: string): Pair => [key, encodeURIComponent(value)]

export const isStorageAllowed = ({ consent, tcf }: LiveState['uetConfig']): boolean =>
  consent.adStorageAllowed && tcf.adStorageAllowed

/** Builds the wire form, sends it, and writes it down. */
export function createSender(
  tag: Tag,
  storage: Storage,
  state: { isMidExternal(): boolean; detectionBlob(): string },
): Sender {
  const { window, options, live, fake, record } = tag
  const isSilenced = storage.isSilenced()
  let holder: HTMLElement | undefined

  const common = (): Pair[] =>
    COMMON.filter((key) => live.beaconParams[key] !== undefined && live.beaconParams[key] !== '').map((key) =>
      pair(key, String(live.beaconParams[key])),
    )

  const signals = (): Pair[] => {
    const { consent } = live.uetConfig
    const tcf = tcfParam(live.uetConfig.tcf)
    const pairs: Pair[] = []
    if (consent.enabled) pairs.push(['asc', consent.adStorageAllowed ? 'G' : 'D'])
    if (tcf !== undefined) pairs.push(pair('tcf', tcf))
    pairs.push(['cdb', state.detectionBlob()])
    if (state.isMidExternal()) pairs.push(['et', 'up'])
    return pairs
  }

  /** Renews the ids even for a silenced tag: the real script writes its cookies there too. */
  const prepare = (): boolean => {
    if (isStorageAllowed(live.uetConfig)) storage.refresh(live.beaconParams)
    else storage.forget(live.beaconParams)
    if (isSilenced) return false
    live.beaconParams.bo += 1
    return true
  }

  const address = (host: string, path: string, query: string): string => {
    const url = `https://${host}${path}?${query}`
    return fake.beacons === undefined ? url : url.replace('https://', `${fake.beacons.replace(/\/$/, '')}/`)
  }

  const write = (kind: SentRequest['kind'], host: string, path: string, query: string): void => {
    record.sent.push({ kind, url: `https://${host}${path}?${query}`, host, path, params: decode(query) })
  }

  const image = (url: string): HTMLElement => {
    if (holder === undefined) {
      holder = window.document.createElement('div')
      holder.id = `batBeacon${randomNumber(window)}`
      holder.style.width = '0px'
      holder.style.height = '0px'
      holder.style.display = 'none'
      holder.style.visibility = 'hidden'
      window.document.body.appendChild(holder)
    }
    const element = window.document.createElement('img')
    element.width = 0
    element.height = 0
    element.style.display = 'none'
    element.style.visibility = 'hidden'
    if (typeof options.alt === 'string') element.alt = options.alt
    element.src = url
    holder.appendChild(element)
    return element
  }

  const host = (): string => (isStorageAllowed(live.uetConfig) ? 'bat.bing.com' : 'bat.bing.net')

  return {
    beacon(evt, pairs, last = []) {
      if (!prepare()) return
      const inFrame: Pair[] = window.self === window.top ? [] : [['ifm', '1']]
      const all: Pair[] = [...common(), ...pairs, ['evt', evt], ...last, ...inFrame, ...signals()]
      const rn: Pair = ['rn', randomNumber(window)]
      const target = host()
      const kept = dropTooLong(all, (candidate) => address(target, '/action/0', join([...candidate, rn])))
      const query = join([...kept, rn])
      write('beacon', target, '/action/0', query)
      const element = image(address(target, '/action/0', query))
      if (evt === 'pid') return
      const uetEvent = join(kept)
      live.snippetEventQueue.push(uetEvent)
      if (live.snippetEventQueue.length > 20) live.snippetEventQueue.shift()
      element.dispatchEvent(new window.CustomEvent('UetEvent', { bubbles: true, detail: { uetEvent } }))
    },
    ping(evt, pairs = []) {
      if (!prepare()) return
      const query = join([...common(), ...pairs, ['evt', evt], ...signals(), ['rn', randomNumber(window)]])
      const target = host()
      write('ping', target, '/actionp/0', query)
      const url = address(target, '/actionp/0', query)
      const isQueued = window.navigator.sendBeacon?.(url) ?? false
      if (!isQueued) image(url)
    },
    error(message) {
      if (isSilenced || !(Number(options.errorBeaconLevel) > 0)) return
      const query = join([pair('ti', live.beaconParams.ti), pair('errMsg', message), ['rn', randomNumber(window)]])
      write('beacon', 'bat.bing.net', '/action-err/0', query)
      image(address('bat.bing.net', '/action-err/0', query))
    },
  }
}

const join = (pairs: readonly Pair[]): string => pairs.map(([key, value]) => `${key}=${value}`).join('&')

function decode(query: string): Record<string, string> {
  const params: Record<string, string> = {}
  for (const part of query.split('&')) {
    const cut = part.indexOf('=')
    const value = part.slice(cut + 1)
    try {
      params[part.slice(0, cut)] = decodeURIComponent(value)
    } catch {
      // The legacy form leaves a bare percent sign as it is.
      params[part.slice(0, cut)] = value
    }
  }
  return params
}
