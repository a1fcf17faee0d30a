/** The switches of the demo. Each one's state stands in the address, so that a case can be sent to a colleague. */
export interface Switch {
  /** Name in the query. */
  name: string
  label: string
  /** Acts at once, without a new page: it is about what stands behind the page. */
  live?: true
  /** Value and what people read. The first is the default and stays out of the address. */
  choices: [value: string, label: string][]
}

export const SWITCHES = [
  {
    name: 'site',
    label: 'Shop',
    choices: [
      ['pages', 'several pages'],
      ['spa', 'single page (SPA)'],
    ],
  },
  {
    name: 'pageloads',
    label: 'Later page loads',
    choices: [
      ['calls', 'from page()'],
      ['auto', 'from the tag script'],
    ],
  },
  {
    name: 'default',
    label: 'Consent default',
    choices: [
      ['denied', 'denied'],
      ['granted', 'granted'],
      ['region-de', 'by region, from Germany'],
      ['region-us', 'by region, from the US'],
      ['off', 'no consent mode'],
    ],
  },
  {
    name: 'signal',
    label: 'Consent comes from',
    choices: [
      ['call', 'consent() of the banner'],
      ['category', 'the category Advertising'],
      ['property', 'a property of events'],
    ],
  },
  {
    name: 'load',
    label: 'Before consent',
    choices: [
      ['advanced', 'script loads (advanced)'],
      ['basic', 'script waits (basic)'],
    ],
  },
  {
    name: 'wait',
    label: 'Wait for the choice',
    choices: [
      ['0', 'no'],
      ['2000', '2 seconds'],
      ['10000', '10 seconds'],
    ],
  },
  {
    name: 'gpc',
    label: 'Privacy Control (GPC)',
    choices: [
      ['off', 'not sent'],
      ['on', 'sent by the browser'],
      ['ignored', 'sent, and ignored'],
    ],
  },
  {
    name: 'script',
    label: 'Tag script',
    choices: [
      ['ok', 'answers'],
      ['slow', 'answers after 3 s'],
      ['blocked', 'blocked'],
      ['empty', 'empty answer'],
      ['never', 'never answers'],
    ],
  },
  {
    name: 'relay',
    label: 'Relay',
    live: true,
    choices: [
      ['on', 'runs'],
      ['down', 'is down'],
    ],
  },
  {
    name: 'capi',
    label: 'Conversions API',
    live: true,
    choices: [
      ['ok', 'answers'],
      ['unavailable', 'unavailable (503)'],
      ['throttled', 'too many requests (429)'],
      ['token', 'token refused (401)'],
      ['reset', 'connection breaks'],
      ['slow', 'takes 5 s'],
    ],
  },
] as const satisfies readonly Switch[]

export type SwitchName = (typeof SWITCHES)[number]['name']

/** The tag that the demo plays with; no data of it ever reaches Microsoft. */
export const DEMO_TAG = '97247724'
export const DEMO_KEY = 'pk_demo'

export interface Settings {
  values: Record<SwitchName, string>
  /** A real tag id: the page then loads Microsoft's own script. */
  real: string | undefined
}

/** Settled switches of an address; what is unknown counts as left out. */
export function readSettings(query: URLSearchParams): Settings {
  const values = {} as Record<SwitchName, string>
  for (const { name, choices } of SWITCHES as readonly Switch[]) {
    const wanted = query.get(name)
    values[name as SwitchName] = choices.find(([value]) => value === wanted)?.[0] ?? choices[0]![0]
  }
  const real = query.get('real')?.trim() ?? ''
  return { values, real: /^\d{1,20}$/.test(real) ? real : undefined }
}

/** The query of settings, `''` where everything is at its default. */
export function writeSettings({ values, real }: Settings): string {
  const query = new URLSearchParams()
  for (const { name, choices } of SWITCHES as readonly Switch[]) {
    const value = values[name as SwitchName]
    if (value !== choices[0]![0]) query.set(name, value)
  }
  if (real) query.set('real', real)
  return query.size ? `?${query}` : ''
}

/** Where a consent default by region denies. */
const REGIONS = { EEA: 'denied', GB: 'denied', CH: 'denied', '*': 'granted' }

/** What a site would write into `<script type="application/json" data-uetkit>` for these settings. */
export function optionsOf({ values, real }: Settings, origin: string): Record<string, unknown> {
  const { signal } = values
  const [, country] = values.default.split('-')
  return {
    tagId: real ?? DEMO_TAG,
    consent:
      values.default === 'off'
        ? false
        : {
            ...(country ? { default: REGIONS, country: country.toUpperCase() } : { default: values.default }),
            ...(signal === 'category' && { category: 'Advertising' }),
            ...(signal === 'property' && { property: 'marketing.allowed' }),
            ...(values.load === 'basic' && { load: 'basic' }),
            ...(values.wait !== '0' && { waitForUpdate: Number(values.wait) }),
            ...(values.gpc === 'ignored' && { gpc: false }),
          },
    ...(values.pageloads === 'auto' && { pageLoads: 'auto' }),
    ...(!real && {
      relay: { url: `${origin}/v1/e`, key: DEMO_KEY },
      script: { src: `${origin}/bat.js?answer=${values.script}&beacons=${origin}` },
    }),
  }
}
