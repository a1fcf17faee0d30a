/**
 * The moment of a statement in ms since the epoch, as `$1`. Without one it is the server's clock, which all relays
 * share: one whose own clock is wrong would take leases of the others.
 */
export const NOW = 'coalesce($1::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)'
