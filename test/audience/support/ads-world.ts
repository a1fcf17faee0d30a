import type { AdsCredentials } from '../../../src/audience/ads/client.ts'
import type { TokenStore } from '../../../src/audience/ads/token-store.ts'
import type { Runtime } from '../../../src/audience/runtime.ts'
import { createFakeAdsApi, type FakeAdsApi, type FakeAdsOptions } from '../../../src/testing/fake-ads.ts'

export interface AdsWorld {
  fake: FakeAdsApi
  /** A clock that stands still but for sleeping, which takes no time. */
  runtime: Runtime
  sleeps: number[]
  /** In memory; `written` are the tokens in order. */
  tokens: TokenStore & { written: string[] }
  credentials: AdsCredentials
}

export const START = Date.UTC(2026, 0, 2, 3, 4, 5)

export function adsWorld(options: FakeAdsOptions = {}): AdsWorld {
  let clock = START
  const fake = createFakeAdsApi({ now: () => clock, ...options })
  const sleeps: number[] = []
  const runtime: Runtime = {
    fetch: (request) => fake.fetch(request),
    now: () => clock,
    sleep: async (ms) => {
      sleeps.push(ms)
      clock += ms
    },
    random: () => 0.5,
  }
  const written: string[] = []
  const tokens = {
    written,
    read: () => written.at(-1) ?? fake.credentials.refreshToken,
    write: (token: string) => {
      written.push(token)
    },
    place: 'memory',
  }
  return { fake, runtime, sleeps, tokens, credentials: { ...fake.credentials, refreshToken: tokens } }
}

export const operations = ({ requests }: FakeAdsApi): string[] => requests.map(({ operation }) => operation)
