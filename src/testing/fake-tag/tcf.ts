import type { Sender } from './beacon.ts'
import type { Tag, TcfConfig } from './types.ts'

/** Microsoft Advertising in the IAB's global vendor list. */
const VENDOR = 1126

type Choices = Record<number, boolean> | undefined

interface TcData {
  gdprApplies?: boolean
  purpose?: { consents?: Choices; legitimateInterests?: Choices }
  vendor?: { consents?: Choices; legitimateInterests?: Choices }
}

type TcfApi = (command: string, version: number, callback: (data: TcData, success: boolean) => void) => void

export const initialTcf = (): TcfConfig => ({
  enabled: false,
  auto: false,
  loaded: false,
  gdprApplies: false,
  vendorAllowed: true,
  adStorageAllowed: true,
  measurementAllowed: true,
  personalizationAllowed: true,
})

function findApi(tag: Tag): TcfApi | undefined {
  const api = (tag.window as unknown as { __tcfapi?: unknown }).__tcfapi
  return typeof api === 'function' ? (api as TcfApi) : undefined
}

export const hasTcfApi = (tag: Tag): boolean => findApi(tag) !== undefined

const allows = (part: TcData['purpose'], id: number): boolean =>
  part?.consents?.[id] === true || part?.legitimateInterests?.[id] === true

function read(config: TcfConfig, data: TcData): void {
  config.loaded = true
  config.gdprApplies = data.gdprApplies === true
  config.vendorAllowed = !config.gdprApplies || allows(data.vendor, VENDOR)
  const purposes = (...ids: number[]): boolean =>
    !config.gdprApplies || (config.vendorAllowed && ids.every((id) => allows(data.purpose, id)))
  config.adStorageAllowed = purposes(1)
  config.measurementAllowed = purposes(7, 9, 10)
  config.personalizationAllowed = purposes(3, 4)
}

/**
 * Subscribes to the page's consent platform. Without one on the page nothing happens, and it is not looked for again.
 * `onAnswer` runs after each answer.
 * See https://help.ads.microsoft.com/#apex/ads/en/60119/1
 */
export function enableTcf(tag: Tag, sender: Sender, auto: boolean, onAnswer: () => void): void {
  const api = findApi(tag)
  const config = tag.live.uetConfig.tcf
  if (api === undefined || config.enabled) return
  config.enabled = true
  config.auto = auto
  api('addEventListener', 2, (data, success) => {
    if (!success) return
    read(config, data)
    sender.ping('consent', [['src', 'tcf']])
    onAnswer()
  })
}

/** The `tcf` parameter: `st` says whether the platform has answered; the rest what it allowed. */
export function tcfParam(config: TcfConfig): string | undefined {
  if (!config.enabled) return undefined
  const parts = [`st=${config.loaded ? 'L' : 'E'}`]
  if (config.auto) parts.push('al=1')
  if (config.loaded) {
    if (config.gdprApplies) parts.push('gdpr=Y')
    if (config.adStorageAllowed) parts.push('as=G')
    if (config.measurementAllowed) parts.push('ms=G')
    if (config.personalizationAllowed) parts.push('pz=G')
  }
  return parts.join('&')
}
