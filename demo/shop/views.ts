import { type Cart, countOf, linesOf, totalOf } from './cart.ts'
import { CURRENCY, findProduct, PRODUCTS, type Product } from './catalog.ts'

/** What a page of the shop needs to be drawn, by the server or by the browser. */
export interface ShopState {
  path: string
  cart: Cart
  /** The order just placed. */
  order: Cart
  /** Makes the address of a path of the shop; it keeps the switches in the query. */
  link(path: string): string
}

export interface View {
  title: string
  html: string
}

export const SHOP = 'Alder & Ash'

export const price = (amount: number): string =>
  new Intl.NumberFormat('en-IE', { style: 'currency', currency: CURRENCY }).format(amount)

export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

const picture = ({ picture }: Product): string =>
  `<svg class="picture" viewBox="0 0 200 200" aria-hidden="true">${picture}</svg>`

const card = (product: Product, { link }: ShopState): string => `
  <li class="card"><a href="${link(`/product/${product.id}`)}" data-link>
    ${picture(product)}
    <span class="card-name">${escapeHtml(product.name)}</span><span class="card-price">${price(product.price)}</span>
  </a></li>`

const home = (state: ShopState): View => ({
  title: `${SHOP}: tools for house and garden`,
  html: `
    <section class="hero"><div>
      <p class="eyebrow">Spring stock</p>
      <h1>Tools that outlive their owners</h1>
      <p>Forged, turned and oiled in small workshops. Repaired for free, for ever.</p>
      <a class="button" href="${state.link('/product/trowel')}" data-link>Trowel of the month</a>
    </div><div class="hero-picture">${picture(findProduct('can')!)}${picture(findProduct('trowel')!)}</div></section>
    <h2>In the workshop</h2>
    <ul class="cards">${PRODUCTS.map((product) => card(product, state)).join('')}</ul>`,
})

const productPage = (product: Product, state: ShopState): View => ({
  title: `${product.name} | ${SHOP}`,
  html: `
    <p class="crumbs"><a href="${state.link('/')}" data-link>All tools</a> <span aria-hidden="true">/</span> ${escapeHtml(product.category)}</p>
    <section class="product"><div class="product-picture">${picture(product)}</div><div>
      <h1>${escapeHtml(product.name)}</h1>
      <p class="product-price">${price(product.price)}</p>
      <p>${escapeHtml(product.text)}</p>
      <button class="button" data-add="${product.id}">Add to cart</button>
      <ul class="promises"><li>Repaired for free</li><li>Sent within a day</li><li>Thirty days to change your mind</li></ul>
    </div></section>
    <h2>Goes well with it</h2>
    <ul class="cards">${PRODUCTS.filter(({ id }) => id !== product.id)
      .slice(0, 4)
      .map((other) => card(other, state))
      .join('')}</ul>`,
})

const lines = (cart: Cart): string => `
  <ul class="lines">${linesOf(cart)
    .map(
      ({ product, quantity }) => `<li>${picture(product)}<span>${escapeHtml(product.name)}</span>
        <span class="muted">${quantity} × ${price(product.price)}</span><strong>${price(product.price * quantity)}</strong></li>`,
    )
    .join('')}</ul>
  <p class="total"><span>Total</span><strong>${price(totalOf(cart))}</strong></p>`

const cartPage = ({ cart, link }: ShopState): View => ({
  title: `Cart | ${SHOP}`,
  html: countOf(cart)
    ? `<h1>Your cart</h1>${lines(cart)}
      <p class="row"><a class="button" href="${link('/checkout')}" data-link>Check out</a>
      <button class="button quiet-button" data-empty>Empty the cart</button></p>`
    : `<h1>Your cart is empty</h1><p>The trowel is waiting.</p><p><a class="button" href="${link('/')}" data-link>Look around</a></p>`,
})

const checkout = ({ cart, link }: ShopState): View => ({
  title: `Checkout | ${SHOP}`,
  html: countOf(cart)
    ? `<h1>Checkout</h1><div class="checkout"><form data-order>
        <label>E-mail <input name="email" type="email" autocomplete="email" value="jane.doe@example.com"></label>
        <label>Phone <input name="phone" type="tel" autocomplete="tel" value="+14255551234"></label>
        <p class="muted">Both are hashed in this page before they go anywhere, and only while you allow it.</p>
        <button class="button">Place the order</button>
      </form><div>${lines(cart)}</div></div>`
    : `<h1>Nothing to pay</h1><p><a class="button" href="${link('/')}" data-link>Look around</a></p>`,
})

const thanks = ({ order, link }: ShopState): View => ({
  title: `Thank you | ${SHOP}`,
  html: `<section class="thanks"><p class="eyebrow">Order received</p><h1>Thank you</h1>
    ${countOf(order) ? lines(order) : '<p>There was no order, but thank you all the same.</p>'}
    <p><a class="button" href="${link('/')}" data-link>Back to the shop</a></p></section>`,
})

const missing = ({ link }: ShopState): View => ({
  title: `Not found | ${SHOP}`,
  html: `<h1>There is no such page</h1><p><a class="button" href="${link('/')}" data-link>Back to the shop</a></p>`,
})

/** The page at a path. */
export function drawView(state: ShopState): View {
  const product = findProduct(/^\/product\/([a-z]+)$/.exec(state.path)?.[1] ?? '')
  if (product) return productPage(product, state)
  const pages: Record<string, (state: ShopState) => View> = {
    '/': home,
    '/cart': cartPage,
    '/checkout': checkout,
    '/thanks': thanks,
  }
  return (pages[state.path] ?? missing)(state)
}

/** The frame around every page. */
export const drawHeader = ({ cart, link }: ShopState): string => `
  <a class="brand" href="${link('/')}" data-link><svg viewBox="0 0 32 32" aria-hidden="true"><path d="M16 3q11 9 6 19-2 4-6 5-4-1-6-5-5-10 6-19z" fill="currentColor"/><path d="M16 9v21M16 17l4-4m-4 9l-4-4" stroke="var(--paper)" stroke-width="1.6" fill="none"/></svg>${escapeHtml(SHOP)}</a>
  <nav aria-label="Shop"><a href="${link('/')}" data-link>Tools</a><a href="${link('/cart')}" data-link>Cart <span class="count" data-count>${countOf(cart)}</span></a></nav>`
