import { INSPECT_MARK } from '../../src/core/inspect-mark.ts'
import { readSettings, SWITCHES, type Switch, writeSettings } from '../switches.ts'
import type { BeaconArrived, CapiRequestSeen, News } from '../world.ts'
import { beaconRow, capiRows } from './rows.ts'
import { TOUR } from './tour.ts'

type Command = (...args: unknown[]) => unknown
const uetkit: Command = (...args) => (window as unknown as { uetkit: Command }).uetkit(...args)
const find = <E extends HTMLElement>(selector: string) => document.querySelector<E>(selector)!
const post = (path: string, body?: object) =>
  fetch(path, { method: 'POST', ...(body && { body: JSON.stringify(body) }) })

const settings = readSettings(new URLSearchParams(location.search))
const beacons: BeaconArrived[] = []
const capi: CapiRequestSeen[] = []

// Switches ----------------------------------------------------------------------------------------------------------

const form = find<HTMLFormElement>('[data-switches]')

function readForm() {
  const query = new URLSearchParams([...new FormData(form)].map(([name, value]) => [name, String(value)]))
  return readSettings(query)
}

form.addEventListener('change', ({ target }) => {
  const { name } = target as HTMLSelectElement
  if (name === 'real') return
  const next = readForm()
  const { live } = (SWITCHES as readonly Switch[]).find((entry) => entry.name === name)!
  if (!live) return location.assign(location.pathname + writeSettings(next))
  Object.assign(settings, next)
  history.replaceState(history.state, '', location.pathname + writeSettings(next))
  dispatchEvent(new Event('switched'))
  void post('/lab/set', next.values)
})
form.addEventListener('submit', (event) => {
  event.preventDefault()
  location.assign(location.pathname + writeSettings(readForm()))
})
find('[data-copy-case]').addEventListener('click', () => {
  navigator.clipboard.writeText(location.href).then(
    () => (find('[data-copied]').textContent = 'Copied.'),
    () => (find('[data-copied]').textContent = location.href),
  )
})

// Lists -------------------------------------------------------------------------------------------------------------

const beaconList = find('[data-beacons]')
const capiList = find('[data-capi]')

const take: { [K in keyof News]: (item: News[K]) => void } = {
  beacon: (item) => {
    beacons.push(item)
    beaconList.prepend(beaconRow(item))
    find('[data-count-beacons]').textContent = `${beacons.length}`
  },
  capi: (item) => {
    capi.push(item)
    capiList.prepend(...capiRows(item))
    find('[data-count-capi]').textContent = `${capi.reduce((sum, { events }) => sum + events.length, 0)}`
  },
}

function forget(): void {
  beacons.length = capi.length = 0
  for (const list of [beaconList, capiList]) list.replaceChildren()
  for (const name of ['beacons', 'capi']) find(`[data-count-${name}]`).textContent = '0'
}

/** Microsoft's own script sends to Microsoft, so there the browser's record of requests is all that can be shown. */
function watchRequests(): void {
  new PerformanceObserver((found) => {
    for (const { name, startTime } of found.getEntries()) {
      const { host, pathname, searchParams } = new URL(name)
      if (!/^bat\.bing\.(com|net)$/.test(host) || !/^\/actionp?\/0/.test(pathname)) continue
      const params = Object.fromEntries(searchParams)
      take.beacon({ evt: params.evt ?? '', host, time: performance.timeOrigin + startTime, params })
    }
  }).observe({ type: 'resource', buffered: true })
}

if (settings.real) watchRequests()
else {
  const news = new EventSource('/lab/news')
  // A new connection tells everything from the start.
  news.addEventListener('open', forget)
  news.addEventListener('message', ({ data }) => {
    const { kind, item } = JSON.parse(data) as { kind?: keyof News; item: never }
    if (kind) take[kind](item)
    else forget()
  })
}

// Tour --------------------------------------------------------------------------------------------------------------

const DONE = 'tour'
const readDone = (): string[] => JSON.parse(localStorage.getItem(DONE) ?? '[]')

function inspectorFindings(): string[] {
  type Handle = { report(): { findings: { id: string }[] } }
  const handle = (window as never as Record<symbol, Handle | undefined>)[Symbol.for('uetkit.inspector')]
  return handle?.report().findings.map(({ id }) => id) ?? []
}

function showTour(): void {
  const done = readDone()
  for (const { id } of TOUR) {
    const item = find(`[data-check="${id}"]`)
    item.toggleAttribute('data-green', done.includes(id))
    item.querySelector('[data-done]')!.textContent = done.includes(id) ? ' (done)' : ''
  }
  for (const badge of document.querySelectorAll('[data-progress]'))
    badge.textContent = `${done.length} of ${TOUR.length}`
}

function checkTour(): void {
  const done = readDone()
  if (done.length === TOUR.length) return
  const { script = '' } = (uetkit('state') ?? {}) as { script?: string }
  const facts = { beacons, capi, script, findings: inspectorFindings(), cookies: document.cookie }
  const found = TOUR.filter((check) => !done.includes(check.id) && check.done(facts)).map(({ id }) => id)
  if (!found.length) return
  localStorage.setItem(DONE, JSON.stringify([...done, ...found]))
  showTour()
}

find('[data-restart]').addEventListener('click', () => {
  localStorage.removeItem(DONE)
  localStorage.removeItem('choice')
  void post('/lab/clear').then(() => location.assign('/'))
})
showTour()
setInterval(checkTour, 700)

// Calls -------------------------------------------------------------------------------------------------------------

const CALLS: Record<string, () => void> = {
  page: () => void uetkit('page'),
  track: () => void uetkit('track', 'Newsletter Joined', { category: 'newsletter' }),
  order: () => void uetkit('track', 'Order Completed', { category: 'tools', revenue: 25 }),
}

const lab = find('[data-lab]')
lab.addEventListener('click', ({ target }) => {
  const button = (target as Element).closest('button')
  CALLS[button?.dataset.call ?? '']?.()
  if (button?.matches('[data-clear]')) void post('/lab/clear').then(forget)
  if (button?.matches('[data-inspect]')) {
    sessionStorage.removeItem(CLOSED)
    uetkit('inspect')
  }
})

const toggle = find('[data-lab-toggle]')
const openLab = (open: boolean) => {
  document.body.toggleAttribute('data-lab-open', open)
  toggle.setAttribute('aria-expanded', `${open}`)
  find('[data-lab-name]').textContent = open ? 'Back to the shop' : 'Laboratory'
}
toggle.addEventListener('click', () => openLab(!document.body.hasAttribute('data-lab-open')))

// The section that was open stays open on the next page.
const sections = [...lab.querySelectorAll('details')]
const wasOpen = Number(sessionStorage.getItem('lab') ?? '0')
sections.forEach((section, index) => {
  section.open = index === wasOpen
  section.addEventListener('toggle', () => section.open && sessionStorage.setItem('lab', `${index}`))
})

// Inspector ---------------------------------------------------------------------------------------------------------

const CLOSED = 'lab-inspector-closed'
const WIDE = matchMedia('(width >= 1200px)')

/** It opens beside the shop where there is room, and stays a button where there is not. */
if (!sessionStorage.getItem(CLOSED)) {
  if (!WIDE.matches && !window.name.includes(INSPECT_MARK)) sessionStorage.setItem('uetkit_inspector_fold', '1')
  uetkit('inspect')
}
let seen = false
new MutationObserver(() => {
  const inspector = document.querySelector('uetkit-inspector')
  if (seen && !inspector) sessionStorage.setItem(CLOSED, '1')
  seen = Boolean(inspector)
  document.body.toggleAttribute('data-inspected', seen && !inspector?.hasAttribute('data-hidden'))
}).observe(document.documentElement, {
  childList: true,
  subtree: true,
  attributes: true,
  attributeFilter: ['data-hidden'],
})
