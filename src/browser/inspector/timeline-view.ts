import { h, ICONS, icon } from './dom.ts'
import { createRow } from './entry-view.ts'
import type { Entry, Kind } from './timeline.ts'

const KINDS: [Kind, string][] = [
  ['page', 'Pages'],
  ['event', 'Events'],
  ['consent', 'Consent'],
  ['script', 'Script'],
  ['relay', 'Relay'],
  ['tag', 'Tag'],
]

/** Rows in the page at once; older ones come on demand. */
const SHOWN = 150
/** Rows drawn in one go: a frame's work, far from a long task. */
const SLICE = 40

export interface TimelineView {
  element: HTMLElement
  search: HTMLInputElement
  /** Draws what changed, with the next frame. */
  changed(entry: Entry): void
  /** Draws everything again. */
  redraw(): void
}

/** The list of all that happened, newest first, and its filter. */
export function createTimelineView(entries: readonly Entry[]): TimelineView {
  const search = h('input', {
    type: 'search',
    placeholder: 'Filter: name, id, value …',
    'aria-label': 'Filter the timeline',
  })
  const wanted = new Set<Kind>()
  const list = h('ol', { 'aria-label': 'Timeline, newest first' })
  const empty = h('p', { class: 'empty' }, 'Nothing yet. Use the page, and it shows here.')
  const older = h('button', { type: 'button', class: 'older', hidden: true }, 'Show older')
  const scroll = h('div', { class: 'scroll' }, list, empty, older)
  const rows = new Map<Entry, ReturnType<typeof createRow>>()
  const dirty = new Set<Entry>()
  let limit = SHOWN
  let frame = 0

  const matches = (entry: Entry): boolean => {
    const kind = entry.kind === 'fault' ? 'tag' : entry.kind
    if (wanted.size && !wanted.has(kind)) return false
    const text = search.value.trim().toLowerCase()
    return !text || JSON.stringify(entry).toLowerCase().includes(text)
  }

  const settle = () => {
    empty.hidden = rows.size > 0
    empty.textContent = entries.length ? 'Nothing fits the filter.' : 'Nothing yet. Use the page, and it shows here.'
    older.hidden = rows.size < limit || rows.size >= entries.length
  }

  /** A line between the pages of a visit, above the rows of the page that it names. */
  const mark = (entry: Entry) => {
    const after = list.firstElementChild as HTMLElement | null
    const page = entry.earlier ?? ''
    if (after && after.dataset.page !== page)
      list.prepend(h('li', { class: 'mark' }, `Before, on ${after.dataset.page}`))
  }

  const place = (entry: Entry) => {
    const row = rows.get(entry)
    if (row) return row.fill()
    if (!matches(entry)) return
    const made = createRow(entry)
    made.element.dataset.page = entry.earlier ?? ''
    rows.set(entry, made)
    mark(entry)
    list.prepend(made.element)
    if (rows.size > limit) {
      const [oldest] = rows.keys()
      rows.get(oldest!)?.element.remove()
      rows.delete(oldest!)
    }
  }

  const draw = () => {
    frame = 0
    let budget = SLICE
    const known = new Set(entries)
    for (const entry of dirty) {
      if (!budget--) break
      dirty.delete(entry)
      if (known.has(entry)) place(entry)
    }
    for (const [entry, { element }] of rows) {
      if (known.has(entry)) continue
      element.remove()
      rows.delete(entry)
    }
    settle()
    if (dirty.size) schedule()
  }
  const schedule = () => {
    // A hidden tab draws no frames, and needs none.
    if (!frame) frame = requestAnimationFrame(draw)
  }

  const redraw = () => {
    rows.clear()
    dirty.clear()
    list.replaceChildren()
    for (const entry of entries.filter(matches).slice(-limit)) dirty.add(entry)
    draw()
  }

  const chips = KINDS.map(([kind, name]) => {
    const chip = h('button', { type: 'button', class: 'chip', 'aria-pressed': 'false' }, icon(ICONS[kind]), name)
    chip.addEventListener('click', () => {
      if (!wanted.delete(kind)) wanted.add(kind)
      chip.setAttribute('aria-pressed', `${wanted.has(kind)}`)
      redraw()
    })
    return chip
  })
  search.addEventListener('input', redraw)
  older.addEventListener('click', () => {
    limit += SHOWN
    redraw()
  })

  return {
    element: h('div', { class: 'view' }, h('div', { class: 'filter' }, search, ...chips), scroll),
    search,
    changed: (entry) => {
      dirty.add(entry)
      schedule()
    },
    redraw,
  }
}
