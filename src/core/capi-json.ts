/**
 * The JSON of Microsoft's Conversions API, as its guide of August 2026 gives it. Fields that are not listed there do not
 * exist. https://learn.microsoft.com/en-us/advertising/guides/uet-conversion-api-integration
 */
export interface CapiRequest {
  /** 1 to 1,000 events. */
  data: CapiEvent[]
  /** `false` by default: one bad event refuses them all. */
  continueOnValidationError?: boolean
  /** Names the sender; required of third parties. */
  dataProvider?: string
}

export interface CapiEvent {
  eventType: 'pageLoad' | 'custom'
  /** UTC in whole seconds since the epoch, within the last seven days. */
  eventTime: number
  /** Deduplicates, with `eventName`, against the browser tag and against another sending. */
  eventId?: string
  /** The UET action. */
  eventName?: string
  /** Absolute URL of the page; a page load needs it. */
  eventSourceUrl?: string
  /** UUID v4, the same for a page load and what happens on that page. */
  pageLoadId?: string
  referrerUrl?: string
  pageTitle?: string
  /** Separated by commas. */
  keywords?: string
  /** Granted or denied. Microsoft reads a missing one as granted, so it is always sent. */
  adStorageConsent: 'G' | 'D'
  userData: CapiUserData
  customData?: CapiCustomData
}

/** One of {@link CAPI_IDENTIFIERS} is needed. */
export interface CapiUserData {
  anonymousId?: string
  externalId?: string
  /** SHA-256 of the normalised e-mail address, 64 lower-case hex characters. */
  em?: string
  /** SHA-256 of the E.164 phone number with its `+`, 64 lower-case hex characters. */
  ph?: string
  /** Microsoft click id as a dashed UUID. */
  msclkid?: string
  /** Apple's advertising id, a UUID. */
  idfa?: string
  /** Google's advertising id, a UUID. */
  gaid?: string
  /** The visitor's, not the server's. */
  clientUserAgent?: string
  /** The visitor's, not the server's. IPv4 or IPv6. */
  clientIpAddress?: string
}

export interface CapiCustomData {
  eventCategory?: string
  eventLabel?: string
  /** What value conditions of goals look at; not revenue. */
  eventValue?: number
  /** Revenue, in units of `currency`. */
  value?: number
  /** ISO 4217. */
  currency?: string
  transactionId?: string
  searchTerm?: string
  items?: CapiItem[]
  /** Ids of the product feed. */
  itemIds?: string[]
  pageType?: 'home' | 'searchresults' | 'category' | 'product' | 'cart' | 'purchase' | 'other'
  ecommTotalValue?: number
  ecommCategory?: string
  hotelData?: CapiHotelData
}

export interface CapiItem {
  id?: string
  name?: string
  /** Of one piece, after discounts. */
  price?: number
  /** A whole number. */
  quantity?: number
}

export interface CapiHotelData {
  /** With taxes and fees. */
  totalPrice?: number
  /** Without taxes and fees. */
  basePrice?: number
  /** `YYYY-MM-DD` */
  checkinDate?: string
  /** `YYYY-MM-DD`; not needed with `lengthOfStay`. */
  checkoutDate?: string
  /** Nights; not needed with `checkoutDate`. */
  lengthOfStay?: number
  partnerHotelId?: string
  /** Obfuscated booking reference. */
  bookingHref?: string
}

/** Body of an answer. Every part may be missing. */
export interface CapiAnswer {
  /** How many events were processed. */
  eventsReceived?: number
  error?: {
    /** `ValidationError`, `ValidationWarning` or `Unauthorized`, as far as known. */
    code?: string
    message?: string
    /** The first ten errors and warnings together, never more. */
    details?: CapiFinding[]
  }
}

export interface CapiFinding {
  /** Position in `data`. */
  index: number
  /** `data[0].userData.em` */
  propertyName: string
  /** May hold personal data: never to be logged. */
  attemptedValue?: unknown
  errorMessage: string
  /** Missing in answers of before August 2026. */
  errorCode?: string
  /** `true`: only that field was left out. Missing means `false`. */
  isWarning?: boolean
}

/** The most events that one request may carry. */
export const CAPI_MAX_EVENTS = 1_000

/** The oldest an event may be when it arrives, in seconds. */
export const CAPI_MAX_AGE = 7 * 86_400

/** The parts of `userData` of which one is needed. An address and a user agent identify nobody. */
export const CAPI_IDENTIFIERS = ['anonymousId', 'externalId', 'em', 'ph', 'msclkid', 'idfa', 'gaid'] as const
