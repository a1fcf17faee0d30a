import type { BeaconSeen } from './beacons.ts'
import { type Child, h, ICONS, icon } from './dom.ts'
import { shortenHash } from './snapshot.ts'
import type { Entry } from './timeline.ts'
import { becauseOf, PARAMS } from './words.ts'

const clock = (time: number): string => new Date(time).toTimeString().slice(0, 8)

const json = (value: unknown): string => JSON.stringify(value, null, 1)?.replace(/\n\s*/g, ' ') ?? ''

/** Long text breaks badly in a narrow panel, so only short data stays on one line. */
const code = (head: string, value: unknown): string => {
  const line = json(value)
  return line.length < 60 ? `${head}${line})` : `${head}${JSON.stringify(value, null, 2)})`
}

const callText = ({ method, name, properties }: NonNullable<Entry['call']>): string => {
  const given = Object.keys((properties as object) ?? {}).length > 0
  const head = method === 'track' ? `track('${name}'` : 'page('
  if (!given) return `${head})`
  return code(method === 'track' ? `${head}, ` : head, properties)
}

const beaconView = ({ params, host, requested }: BeaconSeen): Child[] => {
  const keys = h('dl', { class: 'keys' })
  const ordered = [...Object.keys(PARAMS), ...Object.keys(params)]
  for (const key of new Set(ordered)) {
    const value = params[key]
    if (value === undefined || /^(rn|Ver|cdb|lg|s[whc]|mtp|pi|nwd|lt|plt|vids|sv|en)$/.test(key)) continue
    const meaning = PARAMS[key]
    keys.append(h('dt', {}, key), h('dd', {}, shortenHash(key, value), ' ', !!meaning && h('small', {}, meaning)))
  }
  const where = host ?? 'Microsoft'
  return [
    h('h3', {}, `Beacon of tag ${params.ti}`),
    h(
      'p',
      {},
      requested ? `Requested from ${where}.` : 'Handed to the browser; its record of requests does not show it yet.',
    ),
    keys,
  ]
}

/** All that belongs to one id. Made when a row is opened. */
function detailsOf(entry: Entry): Child[] {
  const { call, consent, queue, notes, beacons, relay, id, kind } = entry
  const parts: Child[] = []
  if (call) parts.push(h('h3', {}, 'Call'), h('pre', { tabindex: 0 }, callText(call)))
  if (id) parts.push(h('h3', {}, 'Id'), h('p', {}, id))
  if (call && consent)
    parts.push(h('h3', {}, 'Consent in force'), h('p', {}, `${consent.state}: ${becauseOf(consent)}`))
  if (Array.isArray(queue)) {
    parts.push(h('h3', {}, 'Queue'))
    const text = `uetq.push(${queue.map((part) => (typeof part === 'string' ? `'${part}'` : JSON.stringify(part, null, 2))).join(', ')})`
    parts.push(queue.length ? h('pre', { tabindex: 0 }, text) : h('p', {}, 'The tag needed nothing.'))
  }
  if (notes?.length) parts.push(h('h3', {}, 'Left out'), h('ul', {}, ...notes.map((note) => h('li', {}, note))))
  for (const beacon of beacons) parts.push(...beaconView(beacon))
  if (call && !beacons.length) parts.push(h('h3', {}, 'Beacon'), h('p', {}, 'None was seen yet.'))
  if (call)
    parts.push(
      h('h3', {}, 'Relay'),
      h(
        'p',
        {},
        relay.length
          ? relay.map((status) => (status ? `HTTP ${status}` : 'no answer')).join(', then ')
          : 'No answer, or not sent to one.',
      ),
    )
  if (!parts.length) parts.push(h('p', {}, entry.detail ?? (kind === 'script' ? 'It is on its way.' : entry.title)))
  return parts
}

const pip = (text: string, tone: string, meaning: string) => h('span', { class: `pip ${tone}`, title: meaning }, text)

const pipsOf = ({ call, consent, beacons, relay }: Entry): Child[] => {
  if (!call) return []
  const status = relay[relay.length - 1]
  const asc = beacons[0]?.params.asc
  return [
    !!consent &&
      consent.state !== 'unknown' &&
      pip(
        consent.state === 'granted' ? 'G' : 'D',
        consent.state === 'granted' ? 'good' : 'warn',
        `Consent ${consent.state}`,
      ),
    beacons.length > 0 && pip('tag', asc === 'D' ? 'warn' : 'good', 'A beacon left'),
    status !== undefined && pip('relay', status === 202 ? 'good' : 'bad', `The relay answered ${status}`),
  ]
}

export interface Row {
  element: HTMLLIElement
  /** Draws it again, and keeps it open. */
  fill(): void
  /** A line above it where another page of the visit begins; none where the text is empty. */
  mark(text: string): void
  /** Whether somebody has opened it or stands on it. */
  isUsed(): boolean
}

/** The row of an entry. */
export function createRow(entry: Entry): Row {
  const summary = h('summary')
  const more = h('div', { class: 'more' })
  const details = h('details', {}, summary, more)
  const element = h('li', { class: 'row', 'data-kind': entry.kind, 'data-tone': entry.tone }, details)
  let marked = ''
  const open = () => more.replaceChildren(...(detailsOf(entry).filter(Boolean) as Node[]))
  details.addEventListener('toggle', () => details.open && open())
  const fill = () => {
    summary.replaceChildren(
      icon(ICONS[entry.kind]),
      h('div', { class: 'what' }, h('b', {}, entry.title), !!entry.detail && h('p', {}, entry.detail)),
      h('div', {}, h('div', { class: 'when' }, clock(entry.time)), h('div', { class: 'pips' }, ...pipsOf(entry))),
    )
    if (details.open) open()
  }
  fill()
  return {
    element,
    fill,
    mark: (text) => {
      if (text === marked) return
      marked = text
      element.replaceChildren(...(text ? [h('p', { class: 'mark' }, text)] : []), details)
    },
    isUsed: () => details.open || summary.matches(':focus'),
  }
}
