import { canonicalClickId } from '../core/identifiers.ts'
import type { RequestSite } from './guard.ts'
import type { TagSettings } from './settings.ts'

/** Microsoft advises to keep a click id for 90 days. https://learn.microsoft.com/en-us/advertising/guides/uet-conversion-api-integration */
const MAX_AGE_S = 90 * 86_400

/**
 * A `Set-Cookie` that renews the click id which the browser half keeps, or undefined. Safari ends cookies that scripts
 * write after seven days, but not those that the site's own server sets:
 * https://webkit.org/tracking-prevention/#lifetime-of-script-writeable-storage
 *
 * Only where the relay is on the site's own origin, or on its domain and told so; elsewhere it would be a third party's.
 */
export function renewClickCookie(
  clickId: string,
  { clickCookie }: Pick<TagSettings, 'clickCookie'>,
  site: RequestSite,
): string | undefined {
  if (!clickCookie) return undefined
  const { name, domain } = clickCookie
  if (!site.sameOrigin && !(site.sameSite && domain)) return undefined
  const value = canonicalClickId(clickId)
  if (!value) return undefined
  const secure = site.origin?.startsWith('http:') ? '' : '; Secure'
  // Readable by scripts, because the browser half reads it, and forgets it when consent is withdrawn.
  return `${name}=${value}; Max-Age=${MAX_AGE_S}; Path=/; SameSite=Lax${domain ? `; Domain=${domain}` : ''}${secure}`
}
