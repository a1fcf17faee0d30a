import { afterEach, describe, expect, it, vi } from 'vitest'
import { byRegion, type RegionTable } from '../../../src/browser/consent/index.ts'
import { countryOfZone } from '../../../src/browser/consent/time-zones.ts'

const inZone = (timeZone: unknown) =>
  vi.spyOn(Intl, 'DateTimeFormat').mockImplementation((() => ({ resolvedOptions: () => ({ timeZone }) })) as never)

afterEach(() => void vi.restoreAllMocks())

const EUROPE: RegionTable = { EEA: 'denied', GB: 'denied', CH: 'denied', '*': 'granted' }

describe('byRegion', () => {
  it.each<[RegionTable, country: string, state: string]>([
    [EUROPE, 'DE', 'denied'],
    [EUROPE, 'de', 'denied'],
    [EUROPE, ' De ', 'denied'],
    [EUROPE, 'NO', 'denied'],
    [EUROPE, 'IS', 'denied'],
    [EUROPE, 'LI', 'denied'],
    [EUROPE, 'RE', 'denied'],
    [EUROPE, 'EL', 'denied'],
    [EUROPE, 'GB', 'denied'],
    [EUROPE, 'UK', 'denied'],
    [EUROPE, 'JE', 'denied'],
    [EUROPE, 'CH', 'denied'],
    [EUROPE, 'US', 'granted'],
    [EUROPE, 'BR', 'granted'],
    // Where the country is not known, nobody may be granted by mistake.
    [EUROPE, 'XX', 'denied'],
    [EUROPE, 'T1', 'denied'],
    [EUROPE, 'EU', 'denied'],
    [EUROPE, 'Germany', 'denied'],
    [EUROPE, 'toString', 'denied'],
    // The nearer entry counts first.
    [{ DE: 'granted', EEA: 'denied' }, 'DE', 'granted'],
    [{ DE: 'denied', '*': 'granted' }, 'DE', 'denied'],
    [{ EU: 'granted', EEA: 'denied' }, 'FR', 'granted'],
    [{ EU: 'granted', EEA: 'denied' }, 'NO', 'denied'],
    [{ eea: 'denied', '*': 'granted' }, 'FR', 'denied'],
    [{ UK: 'denied', '*': 'granted' }, 'GB', 'denied'],
    [{ EU: 'denied', '*': 'granted' }, 'NO', 'granted'],
    // No entry denies, as does an odd value.
    [{ US: 'granted' }, 'DE', 'denied'],
    [{}, 'US', 'denied'],
    [{ '*': 'yes' }, 'US', 'denied'],
    [{ '*': 'ALLOWED' }, 'US', 'granted'],
    [{ '*': 'granted' }, 'XX', 'granted'],
  ])('%j in %s is %s', (table, country, state) => {
    expect(byRegion(table, country)()).toBe(state)
  })

  it.each<[timeZone: unknown, state: string]>([
    ['Europe/Berlin', 'denied'],
    ['Europe/Busingen', 'denied'],
    ['Europe/London', 'denied'],
    ['Europe/Zurich', 'denied'],
    ['Europe/Oslo', 'denied'],
    ['Atlantic/Canary', 'denied'],
    ['Indian/Reunion', 'denied'],
    ['Africa/Ceuta', 'denied'],
    ['Arctic/Longyearbyen', 'denied'],
    ['America/New_York', 'granted'],
    ['America/Argentina/Buenos_Aires', 'granted'],
    ['America/North_Dakota/Center', 'granted'],
    ['Africa/Porto-Novo', 'granted'],
    ['Asia/Calcutta', 'granted'],
    ['Asia/Kolkata', 'granted'],
    ['Europe/Kyiv', 'granted'],
    ['Europe/Istanbul', 'granted'],
    ['UTC', 'denied'],
    ['Etc/GMT+5', 'denied'],
    ['Europe/Atlantis', 'denied'],
    ['Europe/DE', 'denied'],
    ['', 'denied'],
    [undefined, 'denied'],
  ])('guesses from the time zone %s: %s', (timeZone, state) => {
    inZone(timeZone)
    for (const country of [undefined, null, '']) expect(byRegion(EUROPE, country)()).toBe(state)
  })

  it.each([undefined, null, 'text', 5])('denies with %j instead of a table', (table) => {
    expect(byRegion(table as never, 'US')()).toBe('denied')
  })

  it('denies where the time zone cannot be read', () => {
    vi.spyOn(Intl, 'DateTimeFormat').mockImplementation(() => {
      throw new Error('hostile')
    })
    expect(byRegion(EUROPE)()).toBe('denied')
  })
})

describe('countryOfZone', () => {
  it('knows each time zone that this engine knows, with the country that it gives', () => {
    const wrong: string[] = []
    for (const zone of Intl.supportedValuesOf('timeZone')) {
      const country = countryOfZone(zone)
      const locale = new Intl.Locale(`und-${country}`) as Intl.Locale & {
        getTimeZones?(): string[]
        timeZones?: string[]
      }
      const zones = locale.getTimeZones?.() ?? locale.timeZones
      if (!country || (zones && !zones.includes(zone))) wrong.push(`${zone}: ${country}`)
    }
    expect(wrong).toEqual([])
  })
})
