import { readPath } from '../../core/paths.ts'
import type { UetOptions } from '../options.ts'
import type { HostConsent } from '../types.ts'
import { createHost, identify, introduce, type MessageContext, messageContext, read, type UetControls } from './host.ts'

/** Sent by `rudderanalytics.consent({ trackConsent: true })`; it is a signal, never an event. */
const CONSENT_CHANGE = 'Consent Management Interaction'

/** Category of the page call by which the SDK reports an ad blocker to itself. */
const OWN_PAGE = 'RudderJS-Initiated'

interface RudderEvent {
  message: object
}

/** The part of the SDK that is used at start. */
interface Analytics {
  getUserId(): unknown
  getUserTraits(): unknown
}

/** Custom device-mode integration: `rudderanalytics.addCustomIntegration(destinationId, integration)`. */
export interface RudderStackUetIntegration extends UetControls {
  init(config: unknown, analytics: Analytics): void
  isReady(): boolean
  page(analytics: unknown, logger: unknown, event: RudderEvent): void
  track(analytics: unknown, logger: unknown, event: RudderEvent): void
  identify(analytics: unknown, logger: unknown, event: RudderEvent): void
}

/**
 * Consent ids are our categories; one that is in both lists is denied, as is one in no list.
 * https://www.rudderstack.com/docs/data-governance/consent-management/custom-consent-manager/javascript/
 */
function consentOf(message: object): HostConsent {
  if (!readPath(message, 'context.consentManagement')) return {}
  const categoryPreferences: [id: string, allowed: boolean][] = []
  const list = (name: string, allowed: boolean) => {
    const ids: unknown[] = read(message, `context.consentManagement.${name}`)
    try {
      for (const id of ids) categoryPreferences.push([`${id}`, allowed])
    } catch {}
  }
  list('allowedConsentIds', true)
  list('deniedConsentIds', false)
  return { categoryPreferences: Object.fromEntries(categoryPreferences) }
}

/**
 * UET as a RudderStack custom integration. It is ready at once: events wait in the tag's own queue, while the SDK gives a
 * destination up that is not ready within eleven seconds.
 */
export function uetRudderStackIntegration(options: UetOptions): RudderStackUetIntegration {
  const { uet, controls } = createHost(options)
  const contextOf = (message: object): MessageContext => ({ ...messageContext(message), consent: consentOf(message) })
  return {
    ...controls,
    init: (_, analytics) => introduce(uet(), () => [analytics.getUserId(), analytics.getUserTraits()]),
    isReady: () => true,
    page: (_analytics, _logger, { message }) => {
      if (readPath(message, 'category') !== OWN_PAGE) uet().page(read(message, 'properties'), contextOf(message))
    },
    track: (_analytics, _logger, { message }) => {
      const name = read(message, 'event')
      const context = contextOf(message)
      if (name === CONSENT_CHANGE) uet().consent(context.consent)
      else uet().track(name, read(message, 'properties'), context)
    },
    identify: (_analytics, _logger, { message }) =>
      identify(uet(), read(message, 'userId'), read(message, 'context.traits'), contextOf(message)),
  }
}
