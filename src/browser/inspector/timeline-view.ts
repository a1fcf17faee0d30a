import { h, ICONS, icon } from './dom.ts'
import { createRow, type Row } from './entry-view.ts'
import { startSlice, whenIdle } from './slices.ts'
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
/** Rows drawn in one go, and the time to the next go: the page's own frames go first. */
const ROWS = 25
const PACE_MS = 100

const NOTHING = 'Nothing yet. Use the page, and it shows here.'

export interface TimelineView {
  element: HTMLElement
  search: HTMLInputElement
  /** Takes note of a new entry, or of more that is known of one. */
  changed(entry: Entry): void
  /** Takes note that entries are gone. */
  redraw(): void
  /** What nobody sees is not drawn. */
  show(visible: boolean): void
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
  const empty = h('p', { class: 'empty' }, NOTHING)
  const older = h('button', { type: 'button', class: 'older', hidden: true }, 'Show older')
  const scroll = h('div', { class: 'scroll' }, list, empty, older)
  const rows = new Map<Entry, Row>()
  const dirty = new Set<Entry>()
  /** Whether entries fit the filter, as far as that was looked at. */
  let verdicts = new WeakMap<Entry, boolean>()
  let limit = SHOWN
  let isVisible = false
  let isScheduled = false

  const matches = (entry: Entry): boolean => {
    const kind = entry.kind === 'fault' ? 'tag' : entry.kind
    if (wanted.size && !wanted.has(kind)) return false
    const text = search.value.trim().toLowerCase()
    return !text || JSON.stringify(entry).toLowerCase().includes(text)
  }
  const fits = (entry: Entry): boolean => {
    const known = verdicts.get(entry)
    if (known !== undefined) return known
    const found = matches(entry)
    verdicts.set(entry, found)
    return found
  }

  const remove = (entry: Entry) => {
    rows.get(entry)?.element.remove()
    rows.delete(entry)
  }

  /**
   * Goes from the newest entry back, draws what is missing and mends what changed, until all is there or the slice is
   * over; then the rest waits for the next one. What is pushed out meanwhile is never drawn.
   */
  const draw = (hasTime: () => boolean) => {
    let count = 0
    let drawn = 0
    let page = ''
    let next = list.firstElementChild
    const current = new Set<Entry>()
    let index = entries.length
    while (index > 0 && count < limit) {
      if (drawn >= ROWS || !hasTime()) return schedule(drawn ? PACE_MS : 0)
      const entry = entries[--index]!
      let row = rows.get(entry)
      if (row) next = row.element.nextElementSibling
      if (!fits(entry)) {
        remove(entry)
        continue
      }
      if (!row) {
        row = createRow(entry)
        rows.set(entry, row)
        list.insertBefore(row.element, next)
        empty.hidden = true
        drawn++
      } else if (dirty.has(entry)) {
        row.fill()
        drawn++
      }
      dirty.delete(entry)
      row.mark(entry.earlier !== undefined && entry.earlier !== page ? `Before, on ${entry.earlier}` : '')
      page = entry.earlier ?? ''
      current.add(entry)
      count++
    }
    dirty.clear()
    const known = new Set(entries)
    for (const [entry, row] of rows) {
      // Nobody loses the row they read because newer ones came.
      if (!current.has(entry) && !(known.has(entry) && fits(entry) && row.isUsed())) remove(entry)
    }
    empty.hidden = count > 0
    empty.textContent = entries.length ? 'Nothing fits the filter.' : NOTHING
    older.hidden = index === 0
    return
  }

  const schedule = (delay: number) => {
    if (isScheduled || !isVisible) return
    isScheduled = true
    window.setTimeout(
      () =>
        whenIdle(() => {
          isScheduled = false
          if (isVisible) draw(startSlice())
        }),
      delay,
    )
  }
  const filter = () => {
    verdicts = new WeakMap()
    schedule(0)
  }

  const chips = KINDS.map(([kind, name]) => {
    const chip = h('button', { type: 'button', class: 'chip', 'aria-pressed': 'false' }, icon(ICONS[kind]), name)
    chip.addEventListener('click', () => {
      if (!wanted.delete(kind)) wanted.add(kind)
      chip.setAttribute('aria-pressed', `${wanted.has(kind)}`)
      filter()
    })
    return chip
  })
  search.addEventListener('input', filter)
  older.addEventListener('click', () => {
    limit += SHOWN
    schedule(0)
  })

  return {
    element: h('div', { class: 'view' }, h('div', { class: 'filter' }, search, ...chips), scroll),
    search,
    changed: (entry) => {
      dirty.add(entry)
      verdicts.delete(entry)
      schedule(PACE_MS)
    },
    redraw: () => schedule(0),
    show: (visible) => {
      isVisible = visible
      schedule(0)
    },
  }
}
