/**
 * Microsoft's ID-sync image ties our visitor id to Microsoft's; audiences need it. Once a session, and once more when the
 * user becomes known; from the browser, only with consent. The ids are those that the Conversions API gets.
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
    synced = window.sessionStorage.getItem(SYNC_MARK)
  } catch {}
  // A page on which the user is not known yet adds nothing to one before on which they were.
  if (`${synced}&`.startsWith(`${address}&`)) return
  new window.Image().src = synced = address
  try {
    window.sessionStorage.setItem(SYNC_MARK, address)
  } catch {}
}

/** What this session was synced with; where nothing can be stored, this page. */
let synced: string | null
export const SYNC_MARK = '_uetkit_sync'
