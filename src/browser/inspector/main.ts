import { INSPECT_MARK } from '../../core/inspect-mark.ts'
import { VERSION } from '../../core/version.ts'
import type { UetState } from '../types.ts'
import type { Finding } from './findings.ts'
import { createPanel } from './panel.ts'
import { startSlice, whenIdle } from './slices.ts'
import { maskText, shortenHash } from './snapshot.ts'
import type { Entry } from './timeline.ts'
import { watchPage } from './watch.ts'

interface Report {
  uetkit: string
  /** When it was made, as ISO 8601. */
  time: string
  url: string
  trackers: UetState[]
  findings: Finding[]
  timeline: readonly Entry[]
}

/** What `uetkit doctor` and tests read. */
export interface InspectorHandle {
  report(): Report
  close(): void
}

const HANDLE = Symbol.for('uetkit.inspector')
/** The script tag opens the inspector on the next page where the tab's name says so. */
const OPEN_MARK = ` ${INSPECT_MARK}`
const FOLD_KEY = 'uetkit_inspector_fold'
const ROWS_KEY = 'uetkit_inspector_rows'
/** Rows taken along from page to page. */
const KEPT = 100
const REFRESH_MS = 500

/** Storage may be forbidden; then the inspector forgets from page to page. */
const session = (key: string, value?: string | null): string | null => {
  try {
    if (value === undefined) return sessionStorage.getItem(key)
    if (value === null) sessionStorage.removeItem(key)
    else sessionStorage.setItem(key, value)
  } catch {}
  return null
}

const toJson = (data: unknown): string =>
  JSON.stringify(data, (key, value) => (typeof value === 'string' ? shortenHash(key, value) : value), 2)

/** The same as one `JSON.stringify`, in slices. */
async function writeReport({ timeline, ...head }: Report): Promise<string> {
  const rows: string[] = []
  let hasTime = startSlice()
  for (const entry of [...timeline]) {
    rows.push(`\n${toJson(entry)}`.replaceAll('\n', '\n    '))
    if (hasTime()) continue
    await new Promise<void>(whenIdle)
    hasTime = startSlice()
  }
  return `${toJson(head).slice(0, -2)},\n  "timeline": [${rows}\n  ]\n}`
}

function earlierRows(): Entry[] {
  try {
    return JSON.parse(session(ROWS_KEY) ?? '[]')
  } catch {
    return []
  }
}

async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    // Pages without https, or without the permission.
    const area = document.createElement('textarea')
    area.value = text
    document.documentElement.append(area)
    area.select()
    const done = document.execCommand('copy')
    area.remove()
    return done
  }
}

function open(): InspectorHandle {
  if (!window.name.includes(OPEN_MARK)) window.name += OPEN_MARK
  let changed = true
  const watch = watchPage(
    window,
    (entry) => {
      changed = true
      if (entry) panel?.changed(entry)
    },
    earlierRows(),
  )
  const { timeline } = watch

  const report = (): Report => {
    watch.drain()
    return {
      uetkit: VERSION,
      time: new Date().toISOString(),
      url: maskText(location.href),
      trackers: watch.states(),
      findings: watch.findings(),
      timeline: timeline.entries,
    }
  }

  const close = () => {
    clearInterval(timer)
    stop.abort()
    watch.stop()
    panel.remove()
    window.name = window.name.replace(OPEN_MARK, '')
    for (const key of [ROWS_KEY, FOLD_KEY]) session(key, null)
    delete (window as never as Record<symbol, unknown>)[HANDLE]
  }

  const panel = createPanel(timeline.entries, session(FOLD_KEY) === '1', {
    copy: async () => copyText(await writeReport(report())),
    clear: () => {
      timeline.clear()
      panel.redraw()
    },
    close,
    fold: (hidden) => session(FOLD_KEY, hidden ? '1' : null),
  })

  const refresh = () => panel.show(watch.states(), watch.findings())
  refresh()
  // Some findings come with time alone: an event that never left, a script that never answered.
  let quiet = 0
  const timer = setInterval(() => {
    if (!changed && ++quiet < 4) return
    changed = false
    quiet = 0
    refresh()
  }, REFRESH_MS)

  const stop = new AbortController()
  window.addEventListener(
    'pagehide',
    () => {
      watch.drain()
      const rows = timeline.entries.slice(-KEPT).map((entry) => ({ earlier: location.pathname, ...entry }))
      session(ROWS_KEY, toJson(rows))
    },
    { signal: stop.signal },
  )
  return { report, close }
}

const page = window as never as Record<symbol, InspectorHandle | undefined>
page[HANDLE] ??= open()
