import { describe, expect, it } from 'vitest'
import type { BeaconSeen } from '../../../src/browser/inspector/beacons.ts'
import { createDigest } from '../../../src/browser/inspector/digest.ts'
import { createTimeline } from '../../../src/browser/inspector/timeline.ts'
import type { AnyReport } from '../../../src/browser/types.ts'

let number = 0
const beacon = (evt: string, params: Record<string, string> = {}, requested = false): BeaconSeen => ({
  key: `${params.ti ?? '1'} ${params.bo ?? ++number}`,
  time: 1000,
  evt,
  params: { ti: '1', ...params },
  requested,
})
const event = (id: string): AnyReport => ({
  topic: 'event',
  time: 1000,
  report: {
    event: {
      type: 'track',
      id,
      name: id,
      time: 1000,
      page: { loadId: 'load', url: 'https://shop.example/', referrer: '', title: '' },
      properties: { note: 'mail jane@example.com' },
    },
    args: ['event', 'track', { event_id: id }],
    notes: [],
  },
})
const view = (path: string): AnyReport => ({
  topic: 'event',
  time: 1000,
  report: {
    event: {
      type: 'page',
      id: path,
      time: 1000,
      page: { loadId: 'load', url: `https://shop.example${path}`, referrer: '', title: '' },
      properties: {},
    },
    args: ['event', 'page_view', { page_path: path }],
    notes: [],
  },
})
const start = () => createTimeline(() => {}, createDigest())
const rows = ({ entries }: ReturnType<typeof start>) => entries.map(({ title, beacons }) => [title, beacons.length])

describe('the timeline', () => {
  it('keeps personal data out of what it takes from a call', () => {
    const timeline = start()
    timeline.report(event('A'))
    expect(timeline.entries[0]?.call?.properties).toEqual({ note: 'mail [e-mail]' })
  })

  it('gives a call the beacons of every tag, whichever is told first', () => {
    const timeline = start()
    timeline.beacon(beacon('custom', { ti: '1', event_id: 'A' }))
    timeline.beacon(beacon('custom', { ti: '2', event_id: 'A' }))
    timeline.report(event('A'))
    timeline.report(event('B'))
    timeline.beacon(beacon('custom', { ti: '1', event_id: 'B' }))
    expect(rows(timeline)).toEqual([
      ['A', 2],
      ['B', 1],
    ])
  })

  it('gives a page view the page load of its path', () => {
    const timeline = start()
    timeline.beacon(beacon('pageLoad', { spa: 'Y', page_path: '/early' }))
    timeline.report(view('/early'))
    timeline.report(view('/late'))
    timeline.beacon(beacon('pageLoad', { spa: 'Y', page_path: '/late' }))
    timeline.beacon(beacon('pageLoad', { spa: 'Y', page_path: '/late' }))
    expect(rows(timeline)).toEqual([
      ['Page view', 1],
      ['Page view', 1],
      ['Page load sent by the tag itself', 1],
    ])
  })

  it('takes two accounts of one beacon for one', () => {
    const timeline = start()
    timeline.report(event('A'))
    timeline.beacon(beacon('custom', { event_id: 'A', bo: '7' }))
    timeline.beacon({ ...beacon('custom', { event_id: 'A', bo: '7' }, true), host: 'bat.bing.com' })
    expect(timeline.entries[0]?.beacons).toMatchObject([{ requested: true, host: 'bat.bing.com' }])
  })

  it('gives the relay’s answers to the calls they are about', () => {
    const timeline = start()
    for (const id of ['A', 'B']) timeline.report(event(id))
    timeline.report({ topic: 'relay', time: 1000, report: { status: 503, ids: ['A', 'of another page'] } })
    timeline.report({ topic: 'relay', time: 1000, report: { status: 202, ids: ['A'] } })
    expect(timeline.entries.map(({ relay }) => relay)).toEqual([[503, 202], [], [], []])
  })

  it('knows a call that was cleared away by its late beacon', () => {
    const timeline = start()
    timeline.report(event('A'))
    timeline.clear()
    timeline.beacon(beacon('custom', { event_id: 'A' }))
    expect(timeline.entries).toEqual([])
  })

  it('keeps the newest two thousand rows of a long visit', () => {
    const timeline = start()
    for (let index = 0; index < 5000; index++) {
      timeline.report(event(`${index}`))
      timeline.beacon(beacon('custom', { event_id: `${index}` }))
    }
    expect(timeline.entries).toHaveLength(2000)
    expect([timeline.entries[0]?.title, timeline.entries.at(-1)?.title]).toEqual(['3000', '4999'])
    expect(timeline.entries.every(({ beacons }) => beacons.length === 1)).toBe(true)
  })
})
