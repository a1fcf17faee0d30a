import type { BeaconArrived, CapiRequestSeen } from '../world.ts'

/** The keys that tell most, in the order people look for them. */
const SHOWN = ['ea', 'el', 'ec', 'gv', 'gc', 'event_id', 'tl', 'asc', 'src', 'spa', 'mid']

function row(kind: string, head: string, remark: string, values: [key: string, value: unknown][]): HTMLLIElement {
  const item = document.createElement('li')
  item.dataset.evt = kind
  const title = document.createElement('p')
  const [strong, span] = [document.createElement('strong'), document.createElement('span')]
  strong.textContent = head
  span.textContent = remark
  title.append(strong, ' ', span)
  const list = document.createElement('dl')
  for (const [key, value] of values) {
    if (value === undefined) continue
    const [term, text] = [document.createElement('dt'), document.createElement('dd')]
    term.textContent = key
    text.textContent = `${value}`
    text.dataset.key = key
    list.append(term, text)
  }
  item.append(title, list)
  return item
}

const clock = (time: number) => new Date(time).toTimeString().slice(0, 8)

export const beaconRow = ({ evt, host, time, params }: BeaconArrived): HTMLLIElement =>
  row(
    evt,
    evt,
    `${host} · ${clock(time)}`,
    SHOWN.map((key) => [key, params[key]]),
  )

/** One row for each event of a request. */
export const capiRows = ({ status, time, events }: CapiRequestSeen): HTMLLIElement[] =>
  events.map(({ id, type, name, label, value, currency, url, consent }) => {
    const item = row(
      type,
      label ?? (type === 'pageLoad' ? 'Page load' : name),
      `${status || 'broken'} · ${clock(time)}`,
      [
        ['eventName', name],
        ['value', value === undefined ? undefined : `${value} ${currency ?? ''}`],
        ['eventId', id],
        ['url', url && new URL(url).pathname],
        ['consent', consent],
      ],
    )
    item.dataset.status = `${status}`
    return item
  })
