import type { Beacon } from '../beacon-log.ts'
import { readSettings, writeSettings } from '../switches.ts'
import { type Cart, cartProperties, linesOf, productProperties, readCart, totalOf, writeCart } from './cart.ts'
import { findProduct, PRODUCTS } from './catalog.ts'
import { drawHeader, drawView, type ShopState } from './views.ts'

type Command = (...args: unknown[]) => unknown
const uetkit: Command = (...args) => (window as unknown as { uetkit: Command }).uetkit(...args)
const find = <E extends HTMLElement>(selector: string) => document.querySelector<E>(selector)!

const settings = readSettings(new URLSearchParams(location.search))
const isSpa = settings.values.site === 'spa'

const readCookie = (name: string) => readCart(new RegExp(`(?:^|; )${name}=([^;]*)`).exec(document.cookie)?.[1])
const writeCookie = (name: string, cart: Cart) => {
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is not in every browser yet
  document.cookie = `${name}=${writeCart(cart)}; path=/; SameSite=Lax`
}

const stateOf = (): ShopState => ({
  path: location.pathname,
  cart: readCookie('cart'),
  order: readCookie('order'),
  link: (path) => path + writeSettings(settings),
})

/** A consent tool keeps the visitor's answer, and repeats it on every page. */
const choice = () => localStorage.getItem('choice')

/** The events that a shop of this kind tracks on a page. https://segment.com/docs/connections/spec/ecommerce/v2/ */
function trackView({ path, cart }: ShopState): void {
  const product = findProduct(path.split('/')[2] ?? '')
  if (product) uetkit('track', 'Product Viewed', productProperties(product))
  else if (path === '/')
    uetkit('track', 'Product List Viewed', { products: PRODUCTS.map((each) => productProperties(each)) })
  else if (path === '/cart' && linesOf(cart).length) uetkit('track', 'Cart Viewed', cartProperties(cart))
  else if (path === '/checkout' && linesOf(cart).length)
    uetkit('track', 'Checkout Started', { ...cartProperties(cart), value: totalOf(cart) })
  else if (path === '/thanks') trackOrder()
}

/** Once for each order, also when the page is loaded again. */
function trackOrder(): void {
  const placed = sessionStorage.getItem('placed')
  if (!placed) return
  sessionStorage.removeItem('placed')
  const order = readCookie('order')
  uetkit('track', 'Order Completed', {
    ...cartProperties(order),
    order_id: placed,
    category: 'tools',
    revenue: totalOf(order),
  })
}

function draw(): void {
  const state = stateOf()
  const view = drawView(state)
  document.title = view.title
  find('[data-head]').innerHTML = drawHeader(state)
  find('[data-main]').innerHTML = view.html
}

/** Goes to a page of the shop: by itself in the SPA, by a real page load otherwise. */
function go(address: string): void {
  if (isSpa) {
    history.pushState(null, '', address)
    show()
  } else location.assign(address)
}

function show(): void {
  draw()
  scrollTo(0, 0)
  uetkit('page')
  trackView(stateOf())
}

function changeCart(change: (cart: Cart) => void): void {
  const cart = readCookie('cart')
  change(cart)
  writeCookie('cart', cart)
  draw()
}

document.addEventListener('click', (event) => {
  const target = event.target as Element
  const link = target.closest<HTMLAnchorElement>('a[data-link]')
  if (link && isSpa && !event.metaKey && !event.ctrlKey) {
    event.preventDefault()
    go(link.href)
  }
  const product = findProduct(target.closest<HTMLElement>('[data-add]')?.dataset.add ?? '')
  if (product) {
    uetkit('track', 'Product Added', productProperties(product))
    changeCart((cart) => (cart[product.id] = Math.min((cart[product.id] ?? 0) + 1, 99)))
  }
  if (target.closest('[data-empty]')) changeCart((cart) => Object.keys(cart).forEach((id) => delete cart[id]))
  const choice = target.closest<HTMLElement>('[data-consent]')?.dataset.consent
  if (choice) {
    localStorage.setItem('choice', choice)
    uetkit('consent', choice)
    showConsent()
  }
  CALLS[target.closest<HTMLElement>('[data-call]')?.dataset.call ?? '']?.()
  if (target.closest('[data-clear]')) clear()
})

document.addEventListener('submit', (event) => {
  const form = event.target as HTMLFormElement
  event.preventDefault()
  const data = new FormData(form)
  if (form.matches('[data-switches]')) {
    const query = new URLSearchParams([...data].map(([name, value]) => [name, String(value)]))
    location.search = writeSettings(readSettings(query))
  }
  if (form.matches('[data-order]')) {
    uetkit('identify', null, { email: data.get('email'), phone: data.get('phone') })
    writeCookie('order', readCookie('cart'))
    writeCookie('cart', {})
    sessionStorage.setItem('placed', `A${Date.now()}`)
    go(stateOf().link('/thanks'))
  }
})

const CALLS: Record<string, () => void> = {
  page: () => void uetkit('page'),
  track: () => void uetkit('track', 'Newsletter Joined', { category: 'newsletter' }),
  order: () => void uetkit('track', 'Order Completed', { category: 'tools', revenue: 25 }),
}

/** The keys that tell most, in the order people look for them. */
const SHOWN = ['ea', 'el', 'ec', 'gv', 'gc', 'event_id', 'tl', 'asc', 'src', 'mid']

let last = 0
const list = find<HTMLOListElement>('[data-beacons]')

function append({ evt, host, time, params }: Pick<Beacon, 'evt' | 'host' | 'time' | 'params'>): void {
  const item = document.createElement('li')
  const head = document.createElement('p')
  head.innerHTML = '<strong></strong> <span></span>'
  head.firstElementChild!.textContent = evt
  head.lastElementChild!.textContent = `${host} · ${new Date(time).toLocaleTimeString()}`
  const values = document.createElement('dl')
  for (const key of SHOWN) {
    if (params[key] === undefined) continue
    const [term, value] = [document.createElement('dt'), document.createElement('dd')]
    term.textContent = key
    value.textContent = params[key]
    value.dataset.key = key
    values.append(term, value)
  }
  item.dataset.evt = evt
  item.append(head, values)
  list.prepend(item)
}

async function poll(): Promise<void> {
  const beacons = await fetch(`/beacons?after=${last}`).then(
    (answer) => answer.json() as Promise<Beacon[]>,
    () => [],
  )
  for (const beacon of beacons) {
    last = beacon.number
    append(beacon)
  }
}

function clear(): void {
  list.replaceChildren()
  void fetch('/beacons/clear', { method: 'POST' })
}

/** Microsoft's own script sends to Microsoft, so there the browser's record of requests is all that can be shown. */
function watchRequests(): void {
  new PerformanceObserver((found) => {
    for (const { name, startTime } of found.getEntries()) {
      const url = new URL(name)
      if (!/^bat\.bing\.(com|net)$/.test(url.host) || !/^\/actionp?\/0/.test(url.pathname)) continue
      const params = Object.fromEntries(url.searchParams)
      append({ evt: params.evt ?? '', host: url.host, time: performance.timeOrigin + startTime, params })
    }
  }).observe({ type: 'resource', buffered: true })
}

function showConsent(): void {
  const state = uetkit('state') as { consent: string; consentSource: string; script: string } | undefined
  if (!state) return
  find('[data-consent-state]').textContent =
    `Consent: ${state.consent} (${state.consentSource}). Script: ${state.script}.`
  find('[data-banner]').hidden = state.consent === 'unknown' || choice() !== null
}

if (settings.real) watchRequests()
setInterval(() => {
  if (!settings.real) void poll()
  showConsent()
}, 400)
if (choice()) uetkit('consent', choice())
if (isSpa) addEventListener('popstate', show)
trackView(stateOf())
