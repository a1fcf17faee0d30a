import { describe, expect, it } from 'vitest'
import type { BeaconSeen } from '../../../src/browser/inspector/beacons.ts'
import { createDigest, type Digest } from '../../../src/browser/inspector/digest.ts'
import type { Facts } from '../../../src/browser/inspector/facts.ts'
import { findAll } from '../../../src/browser/inspector/findings.ts'
import type { Entry } from '../../../src/browser/inspector/timeline.ts'

let number = 0
const beacon = (evt: string, time: number, params: Record<string, string> = {}): BeaconSeen => ({
  key: `${++number}`,
  time,
  evt,
  params: { ti: '1', p: 'https://shop.example/', asc: 'G', ...params },
  requested: true,
})
const digestOf = (...beacons: BeaconSeen[]): Digest => {
  const { digest, beacon } = createDigest()
  beacons.forEach(beacon)
  return digest
}
const entry = (rest: Partial<Entry>): Entry => ({
  number: ++number,
  kind: 'event',
  time: 1000,
  title: 'Order Completed',
  beacons: [],
  relay: [],
  ...rest,
})
const ids = (digest: Digest, facts: Partial<Facts> = {}) =>
  findAll({
    age: 10_000,
    now: 10_000,
    trackers: [
      {
        consent: 'granted',
        consentSource: 'default',
        script: 'ready',
        tagIds: ['1'],
        pageLoadId: 'load',
        queued: 0,
        dropped: 0,
      },
    ],
    entries: [],
    digest,
    refusals: [],
    violations: [],
    foreignSnippets: 0,
    doubledTags: [],
    landing: 'https://shop.example/',
    rawHashes: [],
    clockAhead: 0,
    ...facts,
  }).map(({ id }) => id)

describe('the findings from what was seen', () => {
  it('are none where all is well', () => {
    expect(ids(digestOf(beacon('pageLoad', 1000), beacon('custom', 2000)))).toEqual([])
  })

  it.each([
    ['consent-late', [beacon('pageLoad', 1000, { asc: '' }), beacon('consent', 1200)]],
    ['asc-absent', [beacon('consent', 900), beacon('pageLoad', 1000, { asc: '' })]],
    ['asc-absent', [beacon('pageLoad', 1000), beacon('pageLoad', 1000, { ti: '2', asc: '' })]],
    ['second-tag', [beacon('pageLoad', 1000), beacon('pageLoad', 1000, { ti: '2' })]],
    ['tag-twice', [beacon('pageLoad', 1000), beacon('dedup', 1100)]],
    ['double-page-load', [beacon('pageLoad', 1000), beacon('pageLoad', 2000)]],
    ['double-page-load', [beacon('pageLoad', 1000), beacon('pageLoad', 2000, { spa: 'Y' })]],
    ['spa-twice', [beacon('pageLoad', 1000, { spa: 'Y' }), beacon('pageLoad', 1001, { spa: 'Y' })]],
    ['event-without-page-load', [beacon('custom', 1000), beacon('pageLoad', 3000)]],
  ])('name %s', (id, beacons) => {
    expect(ids(digestOf(...beacons))).toContain(id)
  })

  it.each([
    ['two tags', [beacon('pageLoad', 1000), beacon('pageLoad', 1001, { ti: '2' })], 'double-page-load'],
    ['two addresses', [beacon('pageLoad', 1000), beacon('pageLoad', 1001, { p: '/b' })], 'double-page-load'],
    ['a later view', [beacon('pageLoad', 1000), beacon('pageLoad', 2600)], 'double-page-load'],
    ['TCF', [beacon('pageLoad', 1000, { asc: '', tcf: 'C' })], 'asc-absent'],
    [
      'an event told before its page load',
      [beacon('custom', 1001), beacon('pageLoad', 1000)],
      'event-without-page-load',
    ],
  ])('take %s for nothing wrong', (_, beacons, id) => {
    expect(ids(digestOf(...beacons))).not.toContain(id)
  })

  it('hold on to the first case and do not grow, however much comes after it', () => {
    const { digest, ...take } = createDigest()
    take.beacon(beacon('pageLoad', 1000))
    take.entry(
      entry({ title: 'First', conversion: { action: 'track', label: 'First', value: 5 }, notes: ['value: unusable'] }),
    )
    const size = () => JSON.stringify([digest, [...digest.tags], [...digest.revenueless]]).length
    take.beacon(beacon('custom', 1100))
    const small = size()
    for (let index = 0; index < 10_000; index++) {
      take.beacon(beacon('custom', 2000 + index))
      take.entry(entry({ title: `E${index}`, conversion: { action: 'track', label: 'E', value: 5 }, notes: ['other'] }))
    }
    expect(size() - small).toBeLessThan(100)
    expect([...digest.revenueless]).toEqual(['First: 5', 'E0: 5', 'E1: 5'])
    expect(digest.reduced?.title).toBe('First')
  })

  it('forget the entries that are cleared away, and not the beacons', () => {
    const { digest, ...take } = createDigest()
    take.beacon(beacon('pageLoad', 1000))
    take.beacon(beacon('pageLoad', 1001))
    take.entry(entry({ conversion: { action: 'track', label: 'E', value: 5 }, notes: ['x'], eventTime: 1 }))
    take.entry(entry({ kind: 'relay', tone: 'bad', title: 'Relay refused 1 event', detail: 'HTTP 403' }))
    expect(ids(digest)).toEqual(['double-page-load', 'revenue-without-currency', 'value-dropped', 'relay-refused'])
    take.clear()
    expect(ids(digest)).toEqual(['double-page-load'])
  })
})
