import { CURRENCY, findProduct, type Product } from './catalog.ts'

/** What lies in the cart: product id → quantity. */
export type Cart = Record<string, number>

export interface Line {
  product: Product
  quantity: number
}

/** The cart lives in a cookie, so that the server can draw the same pages as the browser. */
export const writeCart = (cart: Cart): string =>
  Object.entries(cart)
    .map(([id, quantity]) => `${id}:${quantity}`)
    .join('+')

/** Reads what {@link writeCart} wrote; whatever else the cookie holds is ignored. */
export function readCart(text = ''): Cart {
  const cart: Cart = {}
  for (const [, id = '', quantity] of text.matchAll(/([a-z]+):(\d{1,2})/g)) {
    if (findProduct(id) && Number(quantity)) cart[id] = Number(quantity)
  }
  return cart
}

export const linesOf = (cart: Cart): Line[] =>
  Object.entries(cart).map(([id, quantity]) => ({ product: findProduct(id)!, quantity }))

export const countOf = (cart: Cart): number => linesOf(cart).reduce((sum, { quantity }) => sum + quantity, 0)

export const totalOf = (cart: Cart): number =>
  linesOf(cart).reduce((sum, { product, quantity }) => sum + product.price * quantity, 0)

/** A product as analytics libraries state it. https://segment.com/docs/connections/spec/ecommerce/v2/ */
export const productProperties = ({ id, name, category, price }: Product, quantity = 1) => ({
  product_id: id,
  name,
  category,
  price,
  quantity,
  currency: CURRENCY,
})

/** What is common to the events about a whole cart. */
export const cartProperties = (cart: Cart) => ({
  currency: CURRENCY,
  products: linesOf(cart).map(({ product, quantity }) => productProperties(product, quantity)),
})
