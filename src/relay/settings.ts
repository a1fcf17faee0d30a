import * as v from 'valibot'
import { CAPI_URL } from '../capi/client.ts'
import { list, object, oneOf, text, value, whole, yesNo } from '../config/check.ts'
import { CAPI_PATHS, isCapiPath } from '../core/capi-fields.ts'
import { isCurrency } from '../core/currencies.ts'
import { isTagId } from '../core/identifiers.ts'
import { parseNetwork } from './address.ts'

/** A secret, or a function that gives it as it is now. */
export type SecretSource = string | (() => string)

/** The secret as it is at this moment. */
export const reveal = (source: SecretSource): string => (typeof source === 'string' ? source : source())

const secret = value<SecretSource>('a text, or a function that gives it', (input) =>
  typeof input === 'string' ? input !== '' : typeof input === 'function',
)

/** Scheme, host and port as a browser sends them in `Origin`. */
const isOrigin = (input: string): boolean => {
  try {
    return new URL(input).origin === input
  } catch {
    return false
  }
}

const names = (what: string) => v.union([text(''), list(text(''), '')], `${what}, or a list of them`)

const override = v.union(
  [text(''), object({ const: v.unknown() })],
  'a dotted path into the event such as "properties.order_id", or { "const": … }',
)

const rule = object({
  event: names('an event name or "*"'),
  as: v.optional(oneOf(['custom', 'pageLoad'])),
  map: v.optional(
    v.record(
      value<string>(`one of ${CAPI_PATHS.join(', ')}`, (key) => isCapiPath(key as string)),
      override,
      'an object from Conversions API fields to where they are read',
    ),
  ),
})

/**
 * One UET tag.
 *
 * @param secretSchema what `token` and `serverKey` are: the secrets, or references to them in a file.
 */
export const tagSchema = <S extends v.GenericSchema>(secretSchema: S) =>
  object({
    /** UET tag id, digits. */
    id: text('the id of a UET tag, digits in quotes', isTagId),
    /** Conversions API token of this tag. */
    token: secretSchema,
    /** Public key that browsers send. Tags that share one each get the event. Left out: events need none. */
    key: v.optional(text('a text that browsers send as "key"')),
    /** Signs or authenticates what backends send. Left out: the server doors are closed for this tag. */
    serverKey: v.optional(secretSchema),
    /** Websites that may send from a browser. Empty: none. */
    origins: v.optional(
      list(
        text('an origin such as "https://shop.example", without a path; wildcards are not supported', isOrigin),
        'a list of origins',
      ),
      [],
    ),
    /** UET action of events that come without `conversion`. */
    action: v.optional(text('a UET action'), 'track'),
    /** Country of phone numbers without a country code, ISO 3166-1 alpha-2. */
    defaultCountry: v.optional(text('a country code of two letters such as "US"', (input) => /^[A-Z]{2}$/.test(input))),
    consent: v.optional(
      object({
        /** Category, or all of several, that must be granted in `context.consent.categoryPreferences`. */
        category: v.optional(names('a category')),
        /** Dotted path into an event from a server, such as `properties.ad_consent`. */
        property: v.optional(text('a dotted path into the event')),
        /** The operator's word for events from servers that carry no signal. */
        assume: v.optional(oneOf(['granted', 'denied'])),
        /** `consent-wins`: an event that carries a grant beats Global Privacy Control. */
        gpc: v.optional(oneOf(['deny', 'consent-wins']), 'deny'),
      }),
      {},
    ),
    stream: v.optional(object({ enabled: v.optional(yesNo()), rules: v.optional(list(rule, 'a list of rules')) }), {}),
    /** What a browser may claim; anybody can send what a browser sends. */
    browser: v.optional(
      object({
        /** Event names that are taken. Left out: all. */
        events: v.optional(list(text('an event name'), 'a list of event names')),
        /** A higher value is refused. */
        maxValue: v.optional(value<number>('a number above 0', (input) => typeof input === 'number' && input > 0)),
        /** ISO 4217 codes that are taken. Left out: all. */
        currencies: v.optional(list(text('an ISO 4217 code', isCurrency), 'a list of ISO 4217 codes')),
        /** Event names that need a ticket signed by the shop's backend. */
        ticketFor: v.optional(list(text('an event name'), 'a list of event names')),
      }),
      {},
    ),
    /** The first-party cookie of the click id, renewed where the relay is reached on the site's own origin. */
    clickCookie: v.optional(
      v.union(
        [
          value<false>('', (input) => input === false),
          object({
            name: v.optional(
              text('a cookie name', (input) => /^[\w.-]{1,64}$/.test(input)),
              '_uetkit_click',
            ),
            domain: v.optional(text('a domain', (input) => /^[a-z\d.-]{1,253}$/.test(input))),
          }),
        ],
        'false, or an object with name and domain',
      ),
      {},
    ),
  })

const RESERVED = [
  '/v1/server',
  '/v1/batch',
  '/v1/track',
  '/v1/page',
  '/v1/identify',
  '/v1/amplitude',
  '/uetkit.min.js',
  '/uetkit-inspector.min.js',
]

/** What every relay takes, however it is configured. */
export const sharedEntries = {
  /** Proxies in front: their number, or their addresses and networks. */
  trustProxy: v.optional(
    v.union(
      [
        whole(0, 20),
        list(
          text('', (input) => parseNetwork(input) !== undefined),
          '',
        ),
      ],
      'a number of proxies, or a list of addresses and CIDR blocks',
    ),
    0,
  ),
  /** Where browsers send to. A path of the site's own choice keeps clear of lists of well-known ones. */
  path: v.optional(
    text('a path such as "/v1/e"', (input) => /^\/[\w.~/-]{1,200}$/.test(input) && !RESERVED.includes(input)),
    '/v1/e',
  ),
  capi: v.optional(
    object({
      url: v.optional(
        text(
          'an https URL without path, query or credentials (http is allowed for 127.0.0.1, ::1 and localhost)',
          isUpstream,
        ),
        CAPI_URL,
      ),
    }),
    {},
  ),
  limits: v.optional(
    object({
      /** Requests per second from one address, on average over ten seconds. */
      perAddress: v.optional(limit(), 100),
      /** Requests per second with one key, on average over ten seconds. */
      perKey: v.optional(limit(), 5_000),
    }),
    {},
  ),
}

function limit() {
  return value<number | false>(
    'a number of requests per second, or false for no limit',
    (input) => input === false || (typeof input === 'number' && input > 0),
  )
}

function isUpstream(input: string): boolean {
  try {
    const { protocol, hostname, pathname, search, hash, username } = new URL(input)
    const loopback = ['127.0.0.1', '[::1]', 'localhost'].includes(hostname)
    return (
      (protocol === 'https:' || (protocol === 'http:' && loopback)) && pathname === '/' && !search && !hash && !username
    )
  } catch {
    return false
  }
}

/** Options of `createRelay` that are plain data. */
export const settingsSchema = object({
  ...sharedEntries,
  tags: tagList(secret),
})

/** The tags of a relay: at least one, none twice. */
export function tagList<S extends v.GenericSchema>(secretSchema: S) {
  return v.pipe(
    list(tagSchema(secretSchema), 'a list of tags'),
    v.minLength(1, 'at least one tag'),
    v.check((tags) => new Set(tags.map(({ id }) => id)).size === tags.length, 'each tag id once'),
    v.check(
      (tags) => tags.every(({ browser, serverKey }) => !browser?.ticketFor?.length || serverKey !== undefined),
      'a "serverKey" wherever "browser.ticketFor" is set, which signs the tickets',
    ),
  )
}

/** One tag, as given to `createRelay`. */
export type TagInput = v.InferInput<ReturnType<typeof tagSchema<typeof secret>>>
/** One tag, checked and with defaults. */
export type TagSettings = v.InferOutput<ReturnType<typeof tagSchema<typeof secret>>>
export type RelayInput = v.InferInput<typeof settingsSchema>
/** A relay's settings, checked and with defaults. */
export type RelaySettings = v.InferOutput<typeof settingsSchema>
