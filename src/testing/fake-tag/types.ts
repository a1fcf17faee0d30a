/** Everything the stand-in touches comes from the window it is given, so that tests can hand it a fake one. */
export type TagWindow = Window & typeof globalThis

/** Where the stand-in sends what it would send to Microsoft. */
export interface FakeTagOptions {
  /**
   * Origin that receives beacons, pings and container requests instead of Microsoft's hosts, for example
   * `http://127.0.0.1:4000`. The real host becomes the first path segment: `/bat.bing.net/action/0?…`.
   * Default: the real hosts, for tests that intercept requests.
   */
  beacons?: string
}

/** One request that the tag made, in order. */
export interface SentRequest {
  /** `beacon` is an image, `ping` a `sendBeacon` call. */
  kind: 'beacon' | 'ping'
  /** The address at Microsoft, whatever `FakeTagOptions.beacons` says. */
  url: string
  /** `bat.bing.com`, or `bat.bing.net` while ad storage is not allowed. */
  host: string
  /** `/action/0`, `/actionp/0` or `/action-err/0`. */
  path: string
  /** Query parameters, decoded once. */
  params: Record<string, string>
}

/** The recorder, found at `window.uetFake`. */
export interface FakeTagRecord {
  sent: SentRequest[]
  /** Messages of rejected data, thrown or not. */
  errors: string[]
}

/** Options of `new UET(options)`; anything may come from a page, so each is checked where it is used. */
export interface UetOptions {
  ti?: unknown
  tagId?: unknown
  q?: unknown
  Ver?: unknown
  tm?: unknown
  Tag?: unknown
  EXT_Data?: unknown
  enableAutoSpaTracking?: unknown
  disableAutoPageView?: unknown
  enableAutoConsent?: unknown
  storeConvTrackCookies?: unknown
  cookieDomain?: unknown
  cookieFlags?: unknown
  uidCookie?: unknown
  msDnsCookie?: unknown
  disableUetVid?: unknown
  disableContainer?: unknown
  disableVisibilityEvents?: unknown
  removeQueryFromUrls?: unknown
  pagePid?: unknown
  gtagPid?: unknown
  gtmTagSource?: unknown
  allRep?: unknown
  errorBeaconLevel?: unknown
  alt?: unknown
}

/** The part of every beacon that lives on the instance. */
export interface BeaconParams {
  ti: string
  Ver: string
  mid: string
  /** Number of the last beacon of this `mid`. */
  bo: number
  tm?: string
  Tag?: string
  EXT_Data?: string
  sid?: string
  uid?: string
  vid?: string
  /** 0 existing, 1 new, 2 read only, 3 set by the page. */
  vids?: string
  msclkid?: string
}

export interface ConsentConfig {
  /** Whether any consent signal was accepted; without it no beacon carries `asc`. */
  enabled: boolean
  adStorageAllowed: boolean
  /** Whether an `update` decided the state; later defaults then change nothing. */
  adStorageUpdated: boolean
  enforced: boolean
  /** Milliseconds to hold the first beacons for an update. */
  waitForUpdate: number
}

export interface TcfConfig {
  enabled: boolean
  /** Whether the tag switched it on by itself. */
  auto: boolean
  /** Whether the consent platform has answered. */
  loaded: boolean
  gdprApplies: boolean
  vendorAllowed: boolean
  adStorageAllowed: boolean
  measurementAllowed: boolean
  personalizationAllowed: boolean
}

/** What a page can read on the instance. */
export interface LiveState {
  beaconParams: BeaconParams
  uetConfig: { consent: ConsentConfig; tcf: TcfConfig }
  /** The array that was there before the script. */
  evq: unknown[]
  /** Calls that wait for the start-up gates. */
  eventPushQueue: unknown[][]
  /** The last 20 query strings. */
  snippetEventQueue: string[]
  uetLoaded: boolean
  /** Whether the first page load has happened. */
  pageLoadDispatch: boolean
}

/** Flags that the container file hands over. */
export type UserSignals = Partial<Record<'ea' | 'kc' | 'at' | 'bi' | 'pt' | 'dt' | 'ec' | 'ah' | 'sb', boolean>>

/** An instance as pages see it. */
export interface UetInstance extends LiveState {
  push(...args: unknown[]): void
  setExternalMid(mid: string): void
  setUserSignals(signals: UserSignals): void
  /** Called by a second instance with the same tag id on the same queue variable. */
  reportDuplicate(): void
}

/** What the parts of one tag share. */
export interface Tag {
  readonly window: TagWindow
  readonly options: UetOptions
  readonly fake: FakeTagOptions
  readonly record: FakeTagRecord
  readonly live: LiveState
}
