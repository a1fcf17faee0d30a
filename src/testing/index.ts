import { fileURLToPath } from 'node:url'

/**
 * Absolute path of the stand-in for Microsoft's tag script, one file for the browser. Serve it in place of
 * `https://bat.bing.com/bat.js`, with `charset=utf-8`, and read `window.uetFake.sent` for what it sent. With
 * `?beacons=<origin>` in its address it sends everything to that origin, as `/bat.bing.com/action/0?…` and
 * `/bat.bing.net/action/0?…`; without, to Microsoft's hosts, where a test has to intercept it.
 */
export const fakeTagScript: string = fileURLToPath(new URL('./bat.js', import.meta.url))

export {
  ADS_ERRORS,
  ConnectionBroken,
  createFakeAdsApi,
  type FakeAdsApi,
  type FakeAdsFault,
  type FakeAdsList,
  type FakeAdsOperation,
  type FakeAdsOptions,
  type FakeAdsRequest,
} from './fake-ads.ts'
export * from './fake-capi.ts'
