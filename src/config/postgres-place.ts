/** Where a PostgreSQL is, for messages: without the user and the password of its address. */
export function placeOf(url: string): string {
  try {
    const { host, pathname } = new URL(url)
    return `PostgreSQL at ${host || 'the local socket'}${pathname}`
  } catch {
    return 'PostgreSQL'
  }
}
