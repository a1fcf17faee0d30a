export const has = Object.prototype.hasOwnProperty

/**
 * Reads a dotted path such as `order.total` or `products.0.sku`. Sees own properties only, and whatever a getter or a
 * proxy throws counts as absent.
 *
 * @param path `''` means the source itself.
 */
export function readPath(source: unknown, path: string): unknown {
  try {
    let value: unknown = source
    for (const key of path ? path.split('.') : []) {
      // Looked for, because a caught error costs a page more than all the rest.
      if (value == null || !has.call(value, key)) return
      value = (value as Record<string, unknown>)[key]
    }
    return value
  } catch {
    return
  }
}
