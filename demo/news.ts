/** Items kept for pages that are opened later. */
const LIMIT = 500

/** A list that pages can follow: what there is, then what comes. */
export function createNews<Kinds extends object>() {
  type Item = { [K in keyof Kinds]: { kind: K; item: Kinds[K] } }[keyof Kinds]
  let items: Item[] = []
  const readers = new Set<(item: Item | 'clear') => void>()
  const tell = (item: Item | 'clear') => readers.forEach((reader) => reader(item))
  return {
    add<K extends keyof Kinds>(kind: K, item: Kinds[K]): void {
      const entry = { kind, item } as Item
      items.push(entry)
      if (items.length > LIMIT) items.shift()
      tell(entry)
    },
    clear(): void {
      items = []
      tell('clear')
    },
    /** Calls back for all there is and all that comes, until the function it returns is called. */
    follow(reader: (item: Item | 'clear') => void): () => void {
      items.forEach(reader)
      readers.add(reader)
      return () => readers.delete(reader)
    },
  }
}
