import Cookies from 'js-cookie'
import type { ConsentSourceApi } from '../options.ts'
import { createSource, listen, quietly } from './source.ts'

/**
 * The choice as Cookiebot stores it: `-1` where no consent is needed, `0` for a refusal, else
 * `{stamp:'…',necessary:true,…,marketing:false,…}`, which is no JSON.
 */
function storedChoice(): boolean | undefined {
  const cookie = Cookies.get('CookieConsent') ?? ''
  const [, marketing] = /[{,]\s*["']?marketing["']?\s*:\s*(true|false)\b/.exec(cookie) ?? []
  if (marketing) return marketing === 'true'
  return cookie === '-1' ? true : cookie === '0' ? false : undefined
}

interface CookiebotPage {
  Cookiebot?: { consent?: { marketing?: unknown }; hasResponse?: unknown }
}

/** Cookiebot: granted when marketing cookies are. https://www.cookiebot.com/en/developer/ */
export function cookiebot(): ConsentSourceApi {
  return createSource('cookiebot', (report, window) => {
    const read = quietly((isAnswer: boolean) => {
      const { consent, hasResponse } = (window as CookiebotPage).Cookiebot ?? {}
      const marketing = consent?.marketing
      // Before the answer it is false too, which is no refusal yet.
      const hasDecided = marketing === true || (marketing === false && (isAnswer || hasResponse === true))
      report(hasDecided ? marketing : storedChoice())
    })
    read(false)
    return listen(window, ['CookiebotOnConsentReady', 'CookiebotOnAccept', 'CookiebotOnDecline'], () => read(true))
  })
}
