/** The switches of the demo. Each one's state stands in the address, so that a case can be sent to a colleague. */
export interface Switch {
  /** Name in the query. */
  name: string
  label: string
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
    name: 'default',
    label: 'Consent default',
    choices: [
      ['denied', 'denied'],
      ['granted', 'granted'],
      ['off', 'no consent mode'],
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
    name: 'pageloads',
    label: 'Later page loads',
    choices: [
      ['calls', 'from page()'],
      ['auto', 'from the tag script'],
    ],
  },
] as const satisfies readonly Switch[]

export type SwitchName = (typeof SWITCHES)[number]['name']

/** The tag that the demo plays with; no data of it ever reaches Microsoft. */
export const DEMO_TAG = '97247724'

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

/** What a site would write into `<script type="application/json" data-uetkit>` for these settings. */
export function optionsOf({ values, real }: Settings, origin: string): Record<string, unknown> {
  return {
    tagId: real ?? DEMO_TAG,
    consent: values.default === 'off' ? false : { default: values.default, load: values.load },
    pageLoads: values.pageloads,
    ...(!real && { script: { src: `${origin}/bat.js?answer=${values.script}&beacons=${origin}` } }),
  }
}
