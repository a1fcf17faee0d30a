import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Courier } from './courier.ts'
import type { Outbox, OutboxNotice, TagCounts } from './outbox/outbox.ts'
import type { RelayReport } from './relay.ts'

/** Buckets of OpenTelemetry: https://opentelemetry.io/docs/specs/semconv/http/http-metrics/ */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
const DELIVERY_SECONDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200, 43_200, 172_800, 604_800]

/** Words that come from elsewhere, such as Microsoft's codes, are not without number; labels are. */
const MAX_WORDS = 100

export interface Metrics {
  onReport(report: RelayReport): void
  onNotice(notice: OutboxNotice): void
  /** Prometheus text. */
  expose(sources: { outbox: Outbox; courier: Pick<Courier, 'lanes'> }): Promise<{ type: string; text: string }>
}

/**
 * What the relay counts. No label holds anything that came in with an event.
 *
 * The books of each tag balance: accepted = duplicate + delivered + withdrawn + purged + waiting + leased + dead, and
 * `relay_books_difference` says by how much they do not.
 */
export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const counter = <L extends string>(name: string, help: string, labelNames: L[]) =>
    new Counter({ name, help, labelNames, registers })
  const gauge = <L extends string>(name: string, help: string, labelNames: L[] = []) =>
    new Gauge({ name, help, labelNames, registers })
  const histogram = <L extends string>(name: string, help: string, labelNames: L[], buckets = SECONDS) =>
    new Histogram({ name, help, labelNames, buckets, registers })
  collectDefaultMetrics({ register: registry })

  const requests = histogram('http_server_request_duration_seconds', 'Requests answered', ['door', 'status'])
  const refused = counter('relay_requests_refused_total', 'Requests refused as a whole', ['door', 'code'])
  const accepted = counter('relay_events_accepted_total', 'Events on stable storage, duplicates included', [
    'door',
    'tag',
  ])
  const duplicates = counter('relay_events_duplicate_total', 'Accepted events that were stored before', ['door', 'tag'])
  const rejected = counter('relay_events_rejected_total', 'Events that were not accepted', ['door', 'code'])
  const ignored = counter('relay_events_ignored_total', 'Events that the stream does not select', ['door'])
  const noConsent = counter('relay_consent_dropped_total', 'Events without consent: never stored', ['door', 'rule'])
  const withdrawn = counter('relay_withdrawn_total', 'Waiting events deleted because consent was withdrawn', ['tag'])
  const dropped = counter('relay_field_dropped_total', 'Fields left out of events', ['by', 'field'])
  const sendings = counter('relay_capi_sendings_total', 'Batches sent', ['tag'])
  const sendingSeconds = histogram('relay_capi_sending_seconds', 'Duration of a sending', ['tag'])
  const delivery = histogram('relay_delivery_seconds', 'From acceptance to delivery', ['tag'], DELIVERY_SECONDS)
  const again = counter('relay_retries_total', 'Events to be sent again', ['tag'])
  const deaths = counter('relay_dead_total', 'Events that became dead letters', ['tag', 'reason'])
  const pauses = counter('relay_lane_pauses_total', 'Pauses of delivery', ['tag', 'reason'])
  const lost = counter('relay_leases_lost_total', 'Events whose lease ended too early', ['tag'])
  const storeErrors = counter('relay_store_errors_total', 'Failures of the store', ['kind'])
  const commits = histogram('relay_commit_seconds', 'Duration of a commit', [])
  const paused = gauge('relay_lane_paused', '1 while delivery of a tag is paused', ['tag', 'setup'])
  const inFlight = gauge('relay_capi_in_flight', 'Sendings at this moment', ['tag'])
  const rows = gauge('relay_outbox_rows', 'Events in the store', ['tag', 'state'])
  const books = gauge('relay_books_events', 'Events by outcome since the store was made', ['tag', 'outcome'])
  const difference = gauge('relay_books_difference', 'Accepted events without an outcome. Always 0', ['tag'])
  const oldest = gauge('relay_oldest_waiting_seconds', 'Age of the oldest event that is not delivered', ['tag'])
  const bytes = gauge('relay_outbox_bytes', 'Size of the store')
  const limit = gauge('relay_outbox_limit_bytes', 'Size from which on nothing more is accepted')
  const writable = gauge('relay_outbox_writable', '1 while the store accepts events')

  const bounded = () => {
    const words = new Set<string>()
    return (word: string) => {
      if (words.size < MAX_WORDS) words.add(word)
      return words.has(word) ? word : 'other'
    }
  }
  const [reasonWord, pauseWord, fieldWord] = [bounded(), bounded(), bounded()]

  const onReport = (report: RelayReport): void => {
    switch (report.kind) {
      case 'request':
        requests.observe({ door: report.door, status: `${report.status}` }, report.durationMs / 1000)
        if (report.code) refused.inc({ door: report.door, code: report.code })
        break
      case 'accepted':
        accepted.inc({ door: report.door, tag: report.tagId }, report.events)
        duplicates.inc({ door: report.door, tag: report.tagId }, report.duplicates)
        break
      case 'rejected':
        rejected.inc({ door: report.door, code: report.code })
        break
      case 'ignored':
        ignored.inc({ door: report.door })
        break
      case 'no-consent':
        noConsent.inc({ door: report.door, rule: report.rule })
        break
      case 'withdrawn':
        withdrawn.inc({ tag: report.tagId }, report.events)
        break
      case 'field-dropped':
        dropped.inc({ by: 'relay', field: fieldWord(report.field) })
        break
      case 'warning':
        dropped.inc({ by: 'microsoft', field: fieldWord(report.property || 'unknown') }, report.events)
        break
      case 'sent':
        sendings.inc({ tag: report.tagId })
        sendingSeconds.observe({ tag: report.tagId }, report.durationMs / 1000)
        again.inc({ tag: report.tagId }, report.again)
        for (const waitedMs of report.waitedMs) delivery.observe({ tag: report.tagId }, waitedMs / 1000)
        break
      case 'dead':
        deaths.inc({ tag: report.tagId, reason: reasonWord(report.reason) }, report.events)
        break
      case 'paused':
        pauses.inc({ tag: report.tagId, reason: pauseWord(report.reason) })
        break
      case 'lost':
        lost.inc({ tag: report.tagId }, report.events)
        break
      case 'store':
        storeErrors.inc({ kind: 'courier' })
        break
      case 'resumed':
    }
  }

  const readBooks = (counts: TagCounts, now: number) => {
    const { tagId: tag, accepted, duplicates: duplicate, delivered, withdrawn, purged, waiting, leased, dead } = counts
    for (const [state, count] of Object.entries({ waiting, leased, dead })) rows.set({ tag, state }, count)
    for (const [outcome, count] of Object.entries({ accepted, duplicate, delivered, withdrawn, purged })) {
      books.set({ tag, outcome }, count)
    }
    difference.set({ tag }, accepted - duplicate - delivered - withdrawn - purged - waiting - leased - dead)
    const since = counts.oldestWaitingAt
    oldest.set({ tag }, since === undefined ? 0 : Math.max(0, (now - since) / 1000))
  }

  return {
    onReport,
    onNotice: (notice) => {
      if (notice.kind === 'commit') commits.observe(notice.durationMs / 1000)
      else if (notice.kind !== 'recovered') storeErrors.inc({ kind: notice.kind })
    },
    async expose({ outbox, courier }) {
      paused.reset()
      for (const { tagId: tag, inFlight: sending, paused: pause } of courier.lanes()) {
        inFlight.set({ tag }, sending)
        paused.set({ tag, setup: `${pause?.setup ?? false}` }, pause ? 1 : 0)
      }
      try {
        for (const counts of await outbox.counts()) readBooks(counts, Date.now())
        const health = await outbox.health()
        writable.set(health.writable ? 1 : 0)
        bytes.set(health.usedBytes)
        limit.set(health.limitBytes ?? 0)
      } catch {
        writable.set(0)
      }
      return { type: registry.contentType, text: await registry.metrics() }
    },
  }
}
