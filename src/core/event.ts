/** What a visitor allows: the value of Microsoft's `ad_storage` signal. */
export type ConsentState = 'granted' | 'denied'

/** Free-form data of an event, as the caller gave it. Read only: it may belong to the host. */
export type Properties = Record<string, unknown>

/** The page an event happened on. */
export interface PageInfo {
  /** UUID v4 of the page load, the tag's `mid` and CAPI's `pageLoadId`. */
  loadId?: string
  /** Absolute URL, already redacted. */
  url?: string
  /** Absolute URL of the page before, or `''`. */
  referrer?: string
  title?: string
}

/** What the tag got for a `track` call; the relay sends the same to CAPI. */
export interface Conversion {
  /** UET action, CAPI `eventName`. */
  action: string
  label?: string
  category?: string
  /** Revenue in units of `currency`, 0 or more, at most three decimals. */
  value?: number
  /** ISO 4217, upper case. */
  currency?: string
}

/** Who did it. Present only while consent is granted. */
export interface UserInfo {
  /** Visitor id: 32 hex characters or a UUID. */
  anonymousId?: string | undefined
  /** Pseudonym of the signed-in user, never a raw user id. */
  externalId?: string | undefined
  /** SHA-256 hex of the normalised e-mail address. */
  em?: string | undefined
  /** SHA-256 hex of the normalised phone number. */
  ph?: string | undefined
  /** Microsoft click id: 32 hex characters, lower case, no dashes. */
  msclkid?: string | undefined
}

/**
 * One `page` or `track` call: the shape that the browser, the relay and the Conversions API mapping share.
 * This is also its wire form between browser and relay.
 */
export interface UetEvent {
  type: 'page' | 'track'
  /** The same in the browser, on the wire and in CAPI; deduplication depends on it. */
  id: string
  /** Event name; always set for `track`. */
  name?: string
  /** Milliseconds since the epoch. */
  time: number
  /** The state in force when the event happened. */
  consent?: ConsentState
  page?: PageInfo
  conversion?: Conversion
  properties?: Properties
  user?: UserInfo
}

/** What a server may know of a user besides. Raw values, which only their hashes leave; never on a browser's wire. */
export interface ServerUser extends UserInfo {
  /** Id of the signed-in user; hashed into `externalId`. */
  userId?: string | undefined
  email?: string | undefined
  phone?: string | undefined
  /** Apple's advertising id, a UUID. */
  idfa?: string | undefined
  /** Google's advertising id, a UUID. */
  gaid?: string | undefined
  /** The visitor's own, not a server's. */
  ipAddress?: string | undefined
  userAgent?: string | undefined
}

/** An event as a server states it. */
export interface ServerEvent extends Omit<UetEvent, 'user'> {
  user?: ServerUser
}
