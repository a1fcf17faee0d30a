import { clickIdOfPage } from './click-id.ts'
import { createCookies } from './cookies.ts'
import { uuidV1Hex } from './ids.ts'
import { createLocalTwins } from './local-twins.ts'
import type { BeaconParams, TagWindow, UetOptions } from './types.ts'

const DAY = 86_400
const SESSION_SECONDS = DAY
const VISITOR_SECONDS = 390 * DAY
const CLICK_SECONDS = 90 * DAY
/** Longer click ids are sent but never stored. */
const MAX_CLICK_ID = 32

const CLICK_PREFIX = '_uet'

export interface Storage {
  /** Reads, renews and where needed makes the ids, and puts them on the beacons. Only while ad storage is allowed. */
  refresh(params: BeaconParams): void
  /** Takes the ids off the beacons. Nothing is deleted, and the signed-in user's id stays, as with the real script. */
  forget(params: BeaconParams): void
  /** Whether the site's do-not-share cookie silences the tag. */
  isSilenced(): boolean
}

/** The tag's ids in cookies and their localStorage twins. */
export function createStorage(window: TagWindow, options: UetOptions): Storage {
  const cookies = createCookies(window, options)
  const twins = createLocalTwins(window)
  const isOff = options.storeConvTrackCookies === false
  const nameOf = (option: unknown, fallback: string): string =>
    typeof option === 'string' && option !== '' ? option : fallback

  const read = (name: string): string | undefined => cookies.read(name) || twins.read(name)

  const write = (name: string, value: string, seconds: number): boolean => {
    const inCookie = cookies.write(name, value, seconds)
    return twins.write(name, value, seconds) || inCookie
  }

  /** An id may be followed by `|` and data of Microsoft's insights script, which is kept. */
  const renew = (name: string, seconds: number, current: string | undefined): { id: string; isNew: boolean } => {
    const stored = read(name)
    const existing = stored?.split('|')[0]
    const id = existing || current || uuidV1Hex(window)
    write(name, existing ? stored! : id, seconds)
    return { id, isNew: !existing }
  }

  const refreshVisitor = (params: BeaconParams): void => {
    if (params.vids === '3') return
    if (options.disableUetVid === true) {
      const existing = read('_uetvid')?.split('|')[0]
      if (existing) Object.assign(params, { vid: existing, vids: '2' })
      return
    }
    const { id, isNew } = renew('_uetvid', VISITOR_SECONDS, params.vid)
    params.vid = id
    params.vids = isNew ? '1' : '0'
  }

  const refreshClick = (): string => {
    const fromCookie = cookies.read('_uetmsclkid')?.replace(CLICK_PREFIX, '')
    const stored = fromCookie || twins.read('_uetmsclkid')
    const id = clickIdOfPage(window) ?? stored
    if (id === undefined) return 'N'
    const suffix = id === stored ? '-0' : '-1'
    if (id.length > MAX_CLICK_ID) return `${id}${suffix}N`
    const inCookie = cookies.write('_uetmsclkid', CLICK_PREFIX + id, CLICK_SECONDS)
    const isStored = twins.write('_uetmsclkid', id, CLICK_SECONDS) || inCookie
    return isStored ? id + suffix : `${id}${suffix}N`
  }

  return {
    refresh(params) {
      if (isOff) return
      params.sid = renew('_uetsid', SESSION_SECONDS, params.sid).id
      const uid = cookies.read(nameOf(options.uidCookie, '_uetuid'))
      if (uid) params.uid = uid
      refreshVisitor(params)
      params.msclkid = refreshClick()
    },
    forget(params) {
      delete params.sid
      delete params.msclkid
      if (params.vids === '3') return
      delete params.vid
      delete params.vids
    },
    isSilenced: () => cookies.read(nameOf(options.msDnsCookie, '_uetmsdns')) === '1',
  }
}
