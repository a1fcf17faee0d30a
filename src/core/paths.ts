/**
 * Reads a dotted path such as `order.total` or `products.0.sku`. Sees own properties only, never `__proto__`, and
 * whatever a getter or a proxy throws counts as absent.
 *
 * @param path `''` means the source itself.
 */
export function readPath(source: unknown, path: string): unknown {
  try {
    let value: unknown = source
    for (const key of path ? path.split('.') : []) {
      if (typeof value !== 'object' || key === '__proto__' || !Object.getOwnPropertyDescriptor(value, key)) return
      value = (value as Record<string, unknown>)[key]
    }
    return value
  } catch {
    return
  }
}
