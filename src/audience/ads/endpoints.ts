export type IdentityProvider = 'Microsoft' | 'Google'

/** Base addresses without a slash at the end; `authorize` and `token` are whole. */
export interface Endpoints {
  campaign: string
  bulk: string
  customer: string
  authorize: string
  token: string
  /** Overrides the region's own address. */
  amplitude?: string | undefined
  /** What the sign-in asks for. */
  scope: string
  sandbox: boolean
}

const services = (host: string) => ({
  campaign: `https://campaign.${host}/CampaignManagement/v13`,
  bulk: `https://bulk.${host}/Bulk/v13`,
  customer: `https://clientcenter.${host}/CustomerManagement/v13`,
})

const AUTHORITY = 'https://login.microsoftonline.com/common/oauth2/v2.0'

/** https://learn.microsoft.com/en-us/advertising/guides/authentication-oauth-identity-platform */
const MICROSOFT = {
  authorize: `${AUTHORITY}/authorize`,
  token: `${AUTHORITY}/token`,
}

/** https://learn.microsoft.com/en-us/advertising/guides/authentication-oauth-google-identity */
const GOOGLE = {
  authorize: 'https://accounts.google.com/o/oauth2/v2/auth',
  token: 'https://oauth2.googleapis.com/token',
  scope: 'openid email profile',
}

/** The addresses for production or the sandbox. https://learn.microsoft.com/en-us/advertising/guides/sandbox */
export function defaultEndpoints(sandbox: boolean, provider: IdentityProvider): Endpoints {
  return {
    ...services(sandbox ? 'api.sandbox.bingads.microsoft.com' : 'api.bingads.microsoft.com'),
    scope: `https://${sandbox ? 'si.' : ''}ads.microsoft.com/msads.manage offline_access`,
    ...MICROSOFT,
    ...(provider === 'Google' && GOOGLE),
    sandbox,
  }
}
