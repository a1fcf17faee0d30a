/**
 * Microsoft's ID-sync image ties our visitor id to Microsoft's; audiences need it. Once a session, from the browser, only
 * with consent. https://learn.microsoft.com/en-us/advertising/guides/uet-conversion-api-integration
 */
const ID_SYNC = 'https://c.bing.com/c.gif'
const MARK = '_uetkit_sync'

/** The ids are those that the Conversions API gets: `anonymousId` and `externalId`. */
export function syncIds(
  window: Window & typeof globalThis,
  customerId: string,
  anonymousId: string,
  externalId?: string,
): void {
  const ids = `${anonymousId}${externalId ?? ''}`
  try {
    if (window.sessionStorage.getItem(MARK) === ids) return
    window.sessionStorage.setItem(MARK, ids)
  } catch {}
  const query = new URLSearchParams({
    Red3: `BACID_${customerId}`,
    VID: anonymousId,
    ...(externalId && { UID: externalId }),
  })
  new window.Image().src = `${ID_SYNC}?${query}`
}

export function forgetSync(window: Window): void {
  try {
    window.sessionStorage.removeItem(MARK)
  } catch {}
}
