import type { TagWindow } from './types.ts'

function fromQuery(url: string): string | undefined {
  try {
    for (const [key, value] of new URL(url).searchParams) {
      if (key.toLowerCase() === 'msclkid' && value !== '') return value
    }
  } catch {
    // A referrer may be empty or no URL at all.
  }
  return undefined
}

function hostOf(url: string): string | undefined {
  try {
    return new URL(url).host
  } catch {
    return undefined
  }
}

/** Microsoft's click id from the page's address, or from a referrer on the same host. */
export function clickIdOfPage(window: TagWindow): string | undefined {
  const { referrer } = window.document
  const found = fromQuery(window.location.href)
  if (found !== undefined || hostOf(referrer) !== window.location.host) return found
  return fromQuery(referrer)
}
