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
  link: (path) => path + writeSettings(readSettings(new URLSearchParams(location.search))),
})

/** What the visitor answered: a consent tool keeps it, and repeats it on every page. */
const preferences = (): Record<string, boolean> | undefined =>
  JSON.parse(localStorage.getItem('choice') ?? 'null') ?? undefined

/** The three ways in which a site can tell: a call, the categories of the host, a property of events. */
const { signal } = settings.values
const context = () => {
  const categoryPreferences = signal === 'category' && preferences()
  return categoryPreferences ? { consent: { categoryPreferences } } : undefined
}
const withConsent = (properties?: Record<string, unknown>) => {
  const allowed = preferences()?.Advertising
  return signal === 'property' && allowed !== undefined ? { ...properties, marketing: { allowed } } : properties
}
const track = (name: string, properties?: Record<string, unknown>) =>
  uetkit('track', name, withConsent(properties), context())
const page = () => uetkit('page', withConsent(), context())
const tell = () => {
  const choice = preferences()
  if (choice && signal === 'call') uetkit('consent', choice.Advertising ? 'granted' : 'denied')
}

function showBanner(open = !preferences()): void {
  const form = find<HTMLFormElement>('[data-choice]')
  for (const box of form.querySelectorAll<HTMLInputElement>('input[name]'))
    box.checked = Boolean(preferences()?.[box.name])
  find('[data-banner]').hidden = !open || settings.values.default === 'off'
}

/** The events that a shop of this kind tracks on a page. https://segment.com/docs/connections/spec/ecommerce/v2/ */
function trackView({ path, cart }: ShopState): void {
  const product = findProduct(path.split('/')[2] ?? '')
  if (product) track('Product Viewed', productProperties(product))
  else if (path === '/') track('Product List Viewed', { products: PRODUCTS.map((each) => productProperties(each)) })
  else if (path === '/cart' && linesOf(cart).length) track('Cart Viewed', cartProperties(cart))
  else if (path === '/checkout' && linesOf(cart).length)
    track('Checkout Started', { ...cartProperties(cart), value: totalOf(cart) })
  else if (path === '/thanks') trackOrder()
}

/** Once for each order, also when the page is loaded again. */
function trackOrder(): void {
  const placed = sessionStorage.getItem('placed')
  if (!placed) return
  sessionStorage.removeItem('placed')
  const order = readCookie('order')
  track('Order Completed', {
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
  page()
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
    track('Product Added', productProperties(product))
    changeCart((cart) => (cart[product.id] = Math.min((cart[product.id] ?? 0) + 1, 99)))
  }
  if (target.closest('[data-empty]')) changeCart((cart) => Object.keys(cart).forEach((id) => delete cart[id]))
  if (target.closest('[data-cookies]')) showBanner(true)
})

document.addEventListener('submit', (event) => {
  const form = event.target as HTMLFormElement
  const data = new FormData(form)
  if (form.matches('[data-choice]')) {
    event.preventDefault()
    const { value } = event.submitter as HTMLButtonElement
    const allows = (name: string) => value === 'all' || (value === 'some' && data.has(name))
    localStorage.setItem(
      'choice',
      JSON.stringify({ Statistics: allows('Statistics'), Advertising: allows('Advertising') }),
    )
    showBanner()
    tell()
  }
  if (form.matches('[data-order]')) {
    event.preventDefault()
    uetkit('identify', null, { email: data.get('email'), phone: data.get('phone') })
    writeCookie('order', readCookie('cart'))
    writeCookie('cart', {})
    sessionStorage.setItem('placed', `A${Date.now()}`)
    go(stateOf().link('/thanks'))
  }
})

showBanner()
tell()
if (signal !== 'call') page()
if (isSpa) addEventListener('popstate', show)
// A switch that acts at once stands in the address, so the links have to carry it.
addEventListener('switched', draw)
trackView(stateOf())
