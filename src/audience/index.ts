export {
  type AdsClient,
  type AdsClientOptions,
  type AdsCredentials,
  type CustomerList,
  createAdsClient,
} from './ads/client.ts'
export { AdsError } from './ads/faults.ts'
export { environmentTokenStore, fileTokenStore, type TokenStore } from './ads/token-store.ts'
export type { AudienceConfig } from './config.ts'
export { AudienceError, type AudienceErrorCode } from './errors.ts'
export type { AudienceProgress } from './progress.ts'
export type { RunResult } from './result.ts'
export { type FailedSync, type SyncOptions, type SyncResult, syncAudience } from './sync.ts'
