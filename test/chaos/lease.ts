import type { Outbox } from '../../src/relay/outbox/outbox.ts'

/** The same outbox with shorter leases, so that a test need not wait a minute for what a killed relay had taken. */
export const withLease = (outbox: Outbox, leaseMs: number): Outbox => ({
  ...outbox,
  claim: (tagId, options) => outbox.claim(tagId, { ...options, leaseMs }),
  extend: (claimId) => outbox.extend(claimId, leaseMs),
})
