import type { UetState } from '../types.ts'
import { createChangeTest, h, ICONS, iconButton } from './dom.ts'
import type { Finding } from './findings.ts'
import { createFindingsView } from './findings-view.ts'
import { STYLE } from './style.ts'
import type { Entry } from './timeline.ts'
import { createTimelineView } from './timeline-view.ts'
import { becauseOf, scriptWords } from './words.ts'

export interface Panel {
  host: HTMLElement
  changed(entry: Entry): void
  redraw(): void
  show(states: UetState[], findings: Finding[]): void
  remove(): void
}

interface Actions {
  copy(): Promise<boolean>
  clear(): void
  close(): void
  /** Hidden to a button, or back. */
  fold(hidden: boolean): void
}

/** Input in the panel is no use of the page: no listener of the page's own document may take it for one. */
const INPUTS =
  'click dblclick auxclick contextmenu mousedown mouseup mousemove mouseover mouseout pointerdown pointerup pointermove touchstart touchend keydown keyup keypress input change focusin focusout wheel scroll copy'

/** The overlay, in a shadow root at the end of the document. */
export function createPanel(entries: readonly Entry[], folded: boolean, actions: Actions): Panel {
  const host = document.createElement('uetkit-inspector')
  const root = host.attachShadow({ mode: 'open' })
  // A sheet made by script passes a policy that forbids inline styles.
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(STYLE)
  root.adoptedStyleSheets = [sheet]

  const timeline = createTimelineView(entries)
  const findings = createFindingsView()
  const said = h('p', { class: 'quiet', role: 'status' })
  const state = h('dl', { class: 'state' })
  const badge = h('span', { class: 'badge' })
  const pill = h('button', { type: 'button', class: 'pill', hidden: true })

  const views = [
    { name: 'Timeline', view: timeline.element },
    { name: 'Findings', view: findings.element },
  ]
  const tabs = views.map(({ name, view }, index) => {
    const tab = h(
      'button',
      { type: 'button', role: 'tab', id: `tab-${index}`, 'aria-controls': `view-${index}` },
      name,
      index === 1 && badge,
    )
    view.id = `view-${index}`
    view.setAttribute('role', 'tabpanel')
    view.setAttribute('aria-labelledby', tab.id)
    tab.addEventListener('click', () => select(index))
    return tab
  })
  let selected = 0
  const showTimeline = () => timeline.show(selected === 0 && !panel.hidden)
  const select = (chosen: number) => {
    selected = chosen
    tabs.forEach((tab, index) => {
      tab.setAttribute('aria-selected', `${index === chosen}`)
      tab.tabIndex = index === chosen ? 0 : -1
      views[index]!.view.hidden = index !== chosen
    })
    showTimeline()
  }

  const fold = (hidden: boolean) => {
    host.toggleAttribute('data-hidden', hidden)
    panel.hidden = hidden
    pill.hidden = !hidden
    showTimeline()
    actions.fold(hidden)
  }
  pill.addEventListener('click', () => {
    fold(false)
    tabs[0]!.focus()
  })

  const copy = () =>
    void actions.copy().then((done) => {
      said.textContent = ''
      said.textContent = done ? 'Copied as JSON.' : 'The browser refused to copy.'
      const title = panel.querySelector('h2 span')!
      title.textContent = done ? 'copied' : 'copying refused'
      setTimeout(() => (title.textContent = 'inspector'), 1500)
    })

  const panel = h(
    'section',
    { class: 'panel', 'aria-label': 'uetkit inspector' },
    h(
      'div',
      { class: 'bar' },
      h('h2', {}, 'uetkit ', h('span', {}, 'inspector')),
      iconButton('Copy as JSON', ICONS.copy, copy),
      iconButton('Clear the timeline', ICONS.clear, actions.clear),
      iconButton('Hide', ICONS.hide, () => {
        fold(true)
        pill.focus()
      }),
      iconButton('Close the inspector', ICONS.close, actions.close),
    ),
    state,
    h('div', { class: 'tabs', role: 'tablist', 'aria-label': 'Views' }, ...tabs),
    ...views.map(({ view }) => view),
    h(
      'p',
      { class: 'foot' },
      h('kbd', {}, '/'),
      ' filter  ',
      h('kbd', {}, '↑'),
      ' ',
      h('kbd', {}, '↓'),
      ' move  ',
      h('kbd', {}, 'Enter'),
      ' open  ',
      h('kbd', {}, 'Esc'),
      ' hide',
    ),
    said,
  )
  root.append(panel, pill)

  /** Arrow keys go from row to row, or from tab to tab. */
  const step = (elements: HTMLElement[], by: number): boolean => {
    const at = elements.indexOf(root.activeElement as HTMLElement)
    const next = elements[at < 0 ? 0 : Math.max(0, Math.min(elements.length - 1, at + by))]
    next?.focus()
    return Boolean(next)
  }
  const keys: Record<string, () => boolean> = {
    Escape: () => {
      fold(true)
      pill.focus()
      return true
    },
    '/': () => {
      select(0)
      timeline.search.focus()
      return true
    },
    ArrowDown: () => step([...root.querySelectorAll<HTMLElement>('summary')], 1),
    ArrowUp: () => step([...root.querySelectorAll<HTMLElement>('summary')], -1),
    ArrowRight: () => tabs.includes(root.activeElement as never) && step(tabs, 1),
    ArrowLeft: () => tabs.includes(root.activeElement as never) && step(tabs, -1),
  }
  root.addEventListener('keydown', (event) => {
    const { key, target, ctrlKey, metaKey, altKey } = event as KeyboardEvent
    if (ctrlKey || metaKey || altKey) return
    if (key === '/' && target === timeline.search) return
    if (keys[key]?.()) event.preventDefault()
    if (/^Arrow(Left|Right)$/.test(key)) {
      const index = tabs.indexOf(root.activeElement as never)
      if (index >= 0) select(index)
    }
  })
  for (const type of INPUTS.split(' ')) host.addEventListener(type, (event) => event.stopPropagation())

  const isNew = createChangeTest()

  select(0)
  fold(folded)
  host.setAttribute('popover', 'manual')
  document.documentElement.append(host)
  // Above dialogs too, where the browser knows how.
  host.showPopover?.()

  return {
    host,
    changed: timeline.changed,
    redraw: timeline.redraw,
    show: (states, found) => {
      findings.show(found)
      // The counts in a state are not shown, and change with each event.
      if (!isNew([found.length, states.map(({ queued, dropped, ...state }) => state)])) return
      const worst = found.some(({ level }) => level === 'error') ? 'bad' : found.length ? 'warn' : 'good'
      badge.textContent = `${found.length}`
      badge.className = `badge ${found.length ? worst : ''}`
      const count = `${found.length} finding${found.length === 1 ? '' : 's'}`
      pill.replaceChildren(h('span', { class: `dot ${worst}` }), `uetkit: ${count}`)
      state.replaceChildren(...states.flatMap(stateLines))
      if (!states.length)
        state.append(h('dt', {}, 'uetkit'), h('dd', {}, h('span', { class: 'warn' }, 'not running on this page')))
    },
    remove: () => host.remove(),
  }
}

const stateLines = (state: UetState): Node[] => {
  const { consent, consentSource, script, scriptReason, tagIds, pageLoadId } = state
  const words = scriptWords({ status: script, ...(scriptReason && { reason: scriptReason }) })
  const why = becauseOf({ state: consent, source: consentSource })
  return [
    h('dt', {}, 'Consent'),
    h(
      'dd',
      {},
      h('span', { class: consent === 'granted' ? 'good' : 'warn' }, consent === 'unknown' ? 'not managed' : consent),
      `: ${why}`,
    ),
    h('dt', {}, 'Script'),
    h(
      'dd',
      {},
      h('span', { class: words.tone ?? '' }, words.title.replace('Tag script ', '')),
      words.detail ? `: ${words.detail}` : '',
    ),
    h('dt', {}, tagIds.length > 1 ? 'Tags' : 'Tag'),
    h('dd', {}, h('code', {}, tagIds.join(', '))),
    h('dt', {}, 'Page load'),
    h('dd', {}, h('code', {}, pageLoadId || 'none yet')),
  ]
}
