import type { Glance, Span } from './glance.ts'
import type { DeadLetter } from './outbox/outbox.ts'
import { drawPlot } from './plot.ts'

export interface AdminPageOptions {
  version: string
  /** Whether dead letters may be retried from the page. */
  retry: boolean
  /** What became of a retry. */
  message?: string | undefined
}

const escapeHtml = (value: unknown): string =>
  `${value}`.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

const count = (value: number): string => value.toLocaleString('en-US')

/** A duration in the two words that matter. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  const seconds = ms / 1000
  if (seconds < 90) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`
  return seconds < 129_600 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`
}

const bytes = (value: number): string =>
  value < 1e6
    ? `${Math.round(value / 1e3)} KB`
    : value < 1e9
      ? `${(value / 1e6).toFixed(1)} MB`
      : `${(value / 1e9).toFixed(1)} GB`

const sum = (spans: readonly Span[], key: 'accepted' | 'delivered' | 'dead'): number =>
  spans.reduce((total, span) => total + span[key], 0)

/** A young relay shows its first five minutes, an old one half an hour. */
const MIN_POINTS = 30

interface Tile {
  title: string
  look: string
  now: string
  past: string
  values: (number | undefined)[]
}

const tile = ({ title, look, now, past, values }: Tile): string => `
  <section class="tile"><h2>${title}</h2><p class="now">${now}</p><p class="past">${past}</p>
  ${drawPlot(`${title} over the last half hour: ${past}`, [{ name: title, look, values }], Math.max(MIN_POINTS, values.length))}</section>`

function drawTiles({ spans, tags, spanMs }: Glance): string {
  const total = (key: 'accepted' | 'delivered' | 'dead' | 'waiting' | 'leased') =>
    tags.reduce((all, tag) => all + tag[key], 0)
  const rate = (key: 'accepted' | 'delivered') => {
    // The last span is not over yet.
    const full = spans.slice(-7, -1)
    return `${((sum(full, key) / Math.max(1, full.length)) * (60_000 / spanMs)).toFixed(0)} a minute, ${count(sum(spans, key))} in half an hour`
  }
  const waiting = spans.map((span) => span.waiting)
  const delays = spans.map(({ delayMs }) => delayMs)
  const delay = delays.filter((value) => value !== undefined).at(-1)
  return [
    {
      title: 'Accepted',
      look: 'blue',
      now: count(total('accepted')),
      past: rate('accepted'),
      values: spans.map(({ accepted }) => accepted),
    },
    {
      title: 'Delivered',
      look: 'good',
      now: count(total('delivered')),
      past: rate('delivered'),
      values: spans.map(({ delivered }) => delivered),
    },
    {
      title: 'Waiting',
      look: 'warn',
      now: count(total('waiting') + total('leased')),
      past: `at most ${count(Math.max(0, ...waiting.map((value) => value ?? 0)))} in half an hour`,
      values: waiting,
    },
    {
      title: 'Dead',
      look: 'bad',
      now: count(total('dead')),
      past: `${count(sum(spans, 'dead'))} in half an hour`,
      values: spans.map(({ dead }) => dead),
    },
    {
      title: 'Delay',
      look: 'violet',
      now: delay === undefined ? 'none yet' : duration(delay),
      past: '95 of 100 events were delivered within it',
      values: delays,
    },
  ]
    .map(tile)
    .join('')
}

const cell = (name: string, value: string): string => `<td data-name="${name}">${value}</td>`

function drawTags({ tags, at }: Glance): string {
  if (!tags.length) return '<p class="none">No tag yet.</p>'
  const rows = tags.map((tag) => {
    const pause = tag.lane?.paused
    const lane = pause
      ? `<span class="pill ${pause.setup ? 'bad' : 'warn'}">${pause.setup ? 'needs repair' : 'paused'}</span> ${escapeHtml(pause.reason)}, tries again within ${duration(pause.forMs)}`
      : `<span class="pill good">open</span>${tag.lane?.inFlight ? ` ${tag.lane.inFlight} on the way` : ''}`
    const { oldestWaitingAt: oldest } = tag
    return `<tr><th scope="row">${escapeHtml(tag.tagId)}</th>${[
      cell('Lane', lane),
      cell('Accepted', count(tag.accepted)),
      cell('Delivered', count(tag.delivered)),
      cell(
        'Waiting',
        `${count(tag.waiting + tag.leased)}${oldest ? ` <small>oldest ${duration(Math.max(0, at - oldest))}</small>` : ''}`,
      ),
      cell('Dead', count(tag.dead)),
    ].join('')}</tr>`
  })
  return `<table><thead><tr><th scope="col">Tag</th><th scope="col">Lane</th><th scope="col">Accepted</th><th scope="col">Delivered</th><th scope="col">Waiting</th><th scope="col">Dead</th></tr></thead><tbody>${rows.join('')}</tbody></table>`
}

function drawDead({ dead, at }: Glance, retry: boolean): string {
  if (!dead.length) return '<p class="none">None. What Microsoft will never take is listed here, with its reason.</p>'
  const row = ({ ref, tagId, name, reason, attempts, diedAt }: DeadLetter) =>
    `<tr>${[
      cell('Died', `${duration(Math.max(0, at - diedAt))} ago`),
      cell('Tag', escapeHtml(tagId)),
      cell('Event', escapeHtml(name || 'page load')),
      cell('Reason', escapeHtml(reason)),
      cell('Attempts', `${attempts}`),
      ...(retry
        ? [
            cell(
              '',
              `<button form="retry" name="ref" value="${escapeHtml(ref)}" aria-label="Retry ${escapeHtml(ref)}">Retry</button>`,
            ),
          ]
        : []),
    ].join('')}</tr>`
  const head = ['Died', 'Tag', 'Event', 'Reason', 'Attempts'].map((name) => `<th scope="col">${name}</th>`).join('')
  const last = retry ? '<th scope="col"><span class="quiet">Retry</span></th>' : ''
  return `<table><thead><tr>${head}${last}</tr></thead><tbody>${dead.map(row).join('')}</tbody></table>`
}

const drawStore = ({ store }: Glance): string => {
  const size = `${bytes(store.usedBytes)}${store.limitBytes ? ` of ${bytes(store.limitBytes)}` : ''}`
  return `<p class="health"><span class="pill ${store.writable ? 'good' : 'bad'}">${store.writable ? 'accepts events' : 'refuses events'}</span> store ${size}${store.problem ? `: ${escapeHtml(store.problem)}` : ''}</p>`
}

/** Asks for the same page again and shows its live part; never while somebody is using it. */
export const ADMIN_SCRIPT = `setInterval(async () => {
  const live = document.getElementById('live')
  if (document.hidden || live.contains(document.activeElement)) return
  try {
    const answer = await fetch('/')
    if (!answer.ok) throw answer
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
    live.replaceWith(page.getElementById('live'))
    document.body.classList.remove('stale')
  } catch {
    document.body.classList.add('stale')
  }
}, 2000)`

export const ADMIN_STYLE = `
:root { color-scheme: light dark; --back: light-dark(#f8f9fb, #14171c); --card: light-dark(#fff, #1b1f26); --ink: light-dark(#1a2230, #e9edf3); --soft: light-dark(#566173, #a3adbb); --line: light-dark(#dfe4eb, #323944); --blue: light-dark(#1b5fc1, #7fb4ff); --good: light-dark(#146c43, #5ecf95); --warn: light-dark(#8a5300, #f0b455); --bad: light-dark(#b3261e, #ff8f86); --violet: light-dark(#6a3fc0, #b9a0ff) }
* { box-sizing: border-box }
body { max-width: 1200px; margin: 0 auto; padding: 24px clamp(14px, 3vw, 32px) 60px; background: var(--back); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 20px; margin-bottom: 18px }
h1 { margin: 0; font-size: 1.3rem } h1 span { color: var(--soft); font-weight: 400 }
h2 { margin: 0; font-size: 0.85rem; font-weight: 600 }
main > h2, #live > h2 { margin: 30px 0 10px; font-size: 1rem }
.health, .past, .none, small { margin: 0; color: var(--soft) } p.health { margin-bottom: 12px } small { font-size: 0.8rem }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(200px, 1fr)); gap: 14px }
.tile { display: flex; flex-direction: column; padding: 14px 16px 10px; border: 1px solid var(--line); border-radius: 12px; background: var(--card) }
.tile h2 { color: var(--soft) }
.now { margin: 0; font-size: 1.7rem; font-weight: 650; line-height: 1.3; letter-spacing: -0.01em; font-variant-numeric: tabular-nums }
.past { font-size: 0.78rem }
.plot { display: block; width: 100%; height: 72px; margin-top: auto; padding-top: 8px; overflow: visible }
.plot path { fill: none; vector-effect: non-scaling-stroke } .base { stroke: var(--line) } .line { stroke: currentColor; stroke-width: 1.6; stroke-linejoin: round } .plot .area { fill: currentColor; opacity: 0.13 }
.blue { color: var(--blue) } .good { color: var(--good) } .warn { color: var(--warn) } .bad { color: var(--bad) } .violet { color: var(--violet) }
table { width: 100%; border-collapse: collapse; border: 1px solid var(--line); border-radius: 12px; background: var(--card); font-variant-numeric: tabular-nums }
th, td { padding: 9px 14px; border-top: 1px solid var(--line); text-align: left; vertical-align: top; overflow-wrap: anywhere } thead th { border-top: 0; color: var(--soft); font-size: 0.8rem; font-weight: 600 } tbody th { font-weight: 600 }
.pill { display: inline-block; padding: 0 9px; border: 1px solid currentColor; border-radius: 12px; font-size: 0.8rem; font-weight: 600 }
.none { padding: 14px 16px; border: 1px dashed var(--line); border-radius: 12px }
form { display: flex; flex-wrap: wrap; align-items: center; gap: 8px; margin: 0 0 12px } label { color: var(--soft) }
input, button { padding: 6px 10px; border: 1px solid light-dark(#8792a2, #667080); border-radius: 8px; background: var(--card); color: inherit; font: inherit } button { padding: 3px 12px; cursor: pointer } button:hover { border-color: var(--blue) }
:focus-visible { outline: 2px solid var(--blue); outline-offset: 1px }
.message { padding: 8px 14px; border: 1px solid var(--line); border-radius: 8px; background: var(--card) }
.stale #live { opacity: 0.45 } .stale header::after { content: "The relay does not answer."; color: var(--bad); font-weight: 600 }
.quiet { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
@media (width < 700px) {
  .tiles { grid-template-columns: 1fr 1fr; gap: 10px } .tile { padding: 11px 12px 8px } .now { font-size: 1.35rem } .past { font-size: 0.72rem }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) } table, tbody, tr, th, td { display: block } tr { padding: 8px 14px; border-top: 1px solid var(--line) } tr:first-child { border-top: 0 }
  tbody th, td { padding: 2px 0; border: 0 } td { display: grid; grid-template-columns: 6.5rem 1fr; justify-items: start } td::before { content: attr(data-name); color: var(--soft) }
}
`

/** The page for operators: no framework, nothing from outside, and it works without its script too. */
export function drawAdminPage(glance: Glance, { version, retry, message }: AdminPageOptions): string {
  const form = retry
    ? `<form id="retry" method="post" action="/retry"><label for="token">Admin token</label> <input id="token" name="token" type="password" autocomplete="off" required> <button name="ref" value="*">Retry all</button></form>`
    : '<p class="none">To retry from here, set "adminToken" in the configuration. On the command line: uetkit relay dead retry.</p>'
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>uetkit relay</title>
<link rel="icon" href="data:,">
<style>${ADMIN_STYLE}</style>
</head>
<body>
<header><h1>uetkit relay <span>${escapeHtml(version)}</span></h1></header>
<main>
${message ? `<p class="message" role="status">${escapeHtml(message)}</p>` : ''}
<div id="live">
${drawStore(glance)}
<div class="tiles">${drawTiles(glance)}</div>
<h2>Tags</h2>
${drawTags(glance)}
<h2>Last dead letters</h2>
${drawDead(glance, retry)}
</div>
<h2>Retry</h2>
${form}
</main>
<script>${ADMIN_SCRIPT}</script>
</body>
</html>`
}
