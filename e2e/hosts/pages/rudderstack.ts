import { type RSACustomIntegration, RudderAnalytics } from '@rudderstack/analytics-js/bundled'
import { uetRudderStackIntegration } from '../../../src/browser/adapters/rudderstack.ts'
import { between, type Driver, drive, FAIL, freeze, type Neighbour } from '../driver.ts'

const destination = (id: string) => ({
  id,
  name: id,
  enabled: true,
  config: { connectionMode: { web: 'device' }, eventFilteringOption: 'disable' },
  destinationDefinition: { name: 'CUSTOM_DEVICE_MODE', displayName: 'Custom Device Mode' },
})

drive(({ options, consent, neighbours }) => {
  const seen: Driver['seen'] = []
  const met: string[] = []
  const look: RSACustomIntegration['track'] = (_analytics, _logger, { message }) => {
    freeze(message)
    if (message.type === 'track') seen.push({ name: message.event!, id: message.messageId })
  }
  const witness: RSACustomIntegration = { isReady: () => true, page: look, track: look, identify: look }
  const failing = ({ place, start, calls }: Neighbour): [string, RSACustomIntegration] => [
    place,
    {
      ...(start && { init: FAIL[start] }),
      isReady: () => true,
      ...(calls && {
        page: FAIL[calls],
        track: (_analytics, _logger, { message }) => {
          met.push(`${place}: ${message.event}`)
          FAIL[calls]()
        },
        identify: FAIL[calls],
      }),
    },
  ]
  const uet = uetRudderStackIntegration(options)
  const integrations = between<[string, RSACustomIntegration]>(neighbours, failing, [
    ['witness', witness],
    ['uet', uet],
  ])

  const management = (preferences: Record<string, boolean>) => ({
    enabled: true,
    provider: 'custom' as const,
    allowedConsentIds: Object.keys(preferences).filter((id) => preferences[id]),
    deniedConsentIds: Object.keys(preferences).filter((id) => !preferences[id]),
  })
  const rudder = new RudderAnalytics()
  for (const [id, integration] of integrations) rudder.addCustomIntegration(id, integration)
  rudder.load('key', `${location.origin}/rudder`, {
    ...(consent && { consentManagement: management(consent) }),
    sendAdblockPage: false,
    getSourceConfig: () =>
      ({
        source: {
          id: 'source',
          name: 'shop',
          writeKey: 'key',
          enabled: true,
          workspaceId: 'workspace',
          config: { statsCollection: { errors: { enabled: false }, metrics: { enabled: false } } },
          destinations: integrations.map(([id]) => destination(id)),
        },
      }) as never,
  })

  const calls = {
    page: () => rudder.page(),
    track: (name: string, properties = {}) => rudder.track(name, properties as never),
    identify: (id: string, traits: object) => rudder.identify(id, traits as never),
    consent: (preferences: Record<string, boolean>) =>
      rudder.consent({ trackConsent: true, consentManagement: management(preferences) }),
    go: (path: string) => history.pushState({}, '', path),
    // The library tells no integration.
    reset: () => {
      rudder.reset()
      uet.reset()
    },
  }
  return {
    call: (name, ...args) => (calls[name] as (...args: unknown[]) => unknown)(...args),
    uet,
    library: rudder,
    seen,
    met,
    ready: new Promise<void>((done) => rudder.ready(() => done())),
  }
})
