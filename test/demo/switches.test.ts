import { describe, expect, it } from 'vitest'
import { optionsOf, readSettings, SWITCHES, type Switch, writeSettings } from '../../demo/switches.ts'

const CHOICES = (SWITCHES as readonly Switch[]).flatMap(({ name, choices }) =>
  choices.map(([value], index) => [name, value, index === 0] as const),
)
const read = (query: string) => readSettings(new URLSearchParams(query))

describe('the switches of the demo', () => {
  it.each(CHOICES)('%s=%s stands in the address, unless it is the default', (name, value, isDefault) => {
    const settings = read(`${name}=${value}`)
    expect(settings.values).toHaveProperty(name, value)
    expect(writeSettings(settings)).toBe(isDefault ? '' : `?${name}=${value}`)
  })

  it('carry a whole case, and take what they do not know for left out', () => {
    const query = '?site=spa&default=region-de&signal=property&gpc=on&capi=reset&real=12345678'
    expect(writeSettings(read(query))).toBe(query)
    expect(writeSettings(read('site=boat&color=red&real=<b>'))).toBe('')
  })

  it('become the options of a site', () => {
    const { consent, pageLoads, relay, script } = optionsOf(
      read('default=region-us&signal=category&load=basic&wait=2000&gpc=ignored&pageloads=auto&script=slow'),
      'http://127.0.0.1:1',
    )
    expect({ consent, pageLoads, relay, script }).toMatchObject({
      consent: { country: 'US', category: 'Advertising', load: 'basic', waitForUpdate: 2000, gpc: false },
      pageLoads: 'auto',
      relay: { url: 'http://127.0.0.1:1/v1/e' },
      script: { src: expect.stringContaining('answer=slow') },
    })
    expect(optionsOf(read('default=off'), 'http://127.0.0.1:1').consent).toBe(false)
  })
})
