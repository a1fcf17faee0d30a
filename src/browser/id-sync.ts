/**
 * Microsoft's ID-sync image ties our visitor id to Microsoft's; audiences need it. Once a session, from the browser, only
 * with consent. The ids are those that the Conversions API gets.
 * https://learn.microsoft.com/en-us/advertising/guides/uet-conversion-api-integration
 */
export function syncIds(
  window: Window & typeof globalThis,
  customerId: unknown,
  visitorId: string,
  externalId: string | undefined,
): void {
  const address = `https://c.bing.com/c.gif?Red3=BACID_${customerId}&VID=${visitorId}${externalId ? `&UID=${externalId}` : ''}`
  try {
    if (window.sessionStorage.getItem(SYNC_MARK) === address) return
    window.sessionStorage.setItem(SYNC_MARK, address)
  } catch {}
  new window.Image().src = address
}

/** What this session was synced with. */
export const SYNC_MARK = '_uetkit_sync'
