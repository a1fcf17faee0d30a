const has = Object.prototype.hasOwnProperty

/**
 * Reads a dotted path such as `order.total` or `products.0.sku`. Sees own properties only, and whatever a getter or a
 * proxy throws counts as absent.
 *
 * @param path `''` means the source itself.
 */
export function readPath(source: unknown, path: string): unknown {
  try {
    let value: unknown = source
    for (const key of path ? path.split('.') : [])
      value = has.call(value, key) ? (value as Record<string, unknown>)[key] : undefined
    return value
  } catch {
    return
  }
}
