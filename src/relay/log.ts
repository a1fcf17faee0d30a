import type { Logger } from 'pino'
import type { OutboxNotice } from './outbox/outbox.ts'
import type { RelayReport } from './relay.ts'

const REPEAT_MS = 60_000

/** The part of a pino logger that is used. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>

/**
 * Writes what operators should know, from named fields only: ids of tags, codes, counts. Nothing of an event, a request
 * or a visitor is ever among them. https://owasp.org/www-project-application-security-verification-standard/ (16.2)
 */
export function createLogWriter(log: Log, now = () => performance.now()) {
  let toldProxy = false
  let told: { problem: string; at: number } | undefined

  /** A store that stays away fails each second, and in several places: the same words come once a minute. */
  const storeFailed = (problem: string) => {
    if (told?.problem === problem && now() - told.at < REPEAT_MS) return
    told = { problem, at: now() }
    log.error({ problem }, 'the store failed')
  }

  const onReport = (report: RelayReport): void => {
    switch (report.kind) {
      case 'request': {
        const { door, status, code } = report
        if (report.untrustedProxy && !toldProxy) {
          toldProxy = true
          log.warn(
            'requests come through a proxy, but "trustProxy" is 0: all visitors have its address. Set "trustProxy"',
          )
        }
        if (status >= 500) log.error({ door, status, code, ...describeError(report.error) }, 'a request failed')
        else if (status >= 400) log.debug({ door, status, code }, 'a request was refused')
        break
      }
      case 'dead':
        log.warn({ tag: report.tagId, events: report.events, reason: report.reason }, 'events became dead letters')
        break
      case 'paused': {
        const { tagId: tag, reason, forMs, setup } = report
        const fields = { tag, reason, seconds: Math.round(forMs / 1000) }
        if (setup) log.error(fields, 'delivery is paused until the token, the tag or the configuration is repaired')
        else log.warn(fields, 'delivery is paused')
        break
      }
      case 'resumed':
        log.info({ tag: report.tagId }, 'delivery goes on')
        break
      case 'warning': {
        const { tagId: tag, property: field, code, events } = report
        log.warn({ tag, field, code, events }, 'Microsoft left a field out of events')
        break
      }
      case 'lost':
        log.warn({ tag: report.tagId, events: report.events }, 'leases ended early; events may be sent twice')
        break
      case 'withdrawn':
        if (report.events)
          log.info({ tag: report.tagId, events: report.events }, 'consent was withdrawn; events deleted')
        break
      case 'store':
        storeFailed(report.message)
        break
      case 'sent':
        log.debug({ tag: report.tagId, events: report.events, again: report.again }, 'a batch was sent')
        break
    }
  }

  const onNotice = (notice: OutboxNotice) => {
    if (notice.kind === 'commit') return
    const problem = notice.message
    if (notice.kind === 'failed') return storeFailed(problem)
    if (notice.kind === 'set-aside') return log.error({ problem }, 'a damaged store was set aside')
    told = undefined
    log.info({ problem }, 'the store works again')
  }

  return { onReport, onNotice }
}

/** Messages of unforeseen errors may quote anything, so only their kind and place are told. */
function describeError(error: unknown): { problem?: string; at?: string[] } {
  if (!(error instanceof Error)) return {}
  if (error.name === 'OutboxError') return { problem: error.message }
  const at = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  return { problem: error.name, at: at.slice(0, 8).map((line) => line.trim()) }
}
