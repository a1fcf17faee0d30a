import type { ConsentState } from '../../core/event.ts'
import { readPath } from '../../core/paths.ts'
import type { UetOptions } from '../options.ts'
import type { HostConsent, Uet, UetContext, UetReports, UetState } from '../types.ts'
import { createUet } from '../uet.ts'

/** What each adapter offers the site, besides the hooks that its host calls. */
export interface UetControls {
  /** The visitor's own answer, or the categories that the host's consent tool states. */
  consent(answer: ConsentState | HostConsent): void
  state(): UetState
  /** Listens; returns the function that stops it. */
  on<K extends keyof UetReports>(topic: K, listener: (report: UetReports[K]) => void): () => void
  /** Forgets the user and their stored ids. */
  reset(): void
}

/** Starts the tracker on first use, so that an adapter may be made anywhere, on a server too. */
export function createHost(options: UetOptions): { uet: () => Uet; controls: UetControls } {
  let started: Uet | undefined
  const uet = () => (started ??= createUet(options))
  return {
    uet,
    controls: {
      consent: (answer) => uet().consent(answer),
      state: () => uet().state(),
      on: (topic, listener) => uet().on(topic, listener),
      reset: () => uet().reset(),
    },
  }
}

/**
 * Tells the tracker whom the host knows from an earlier page, and again when consent comes: what was said before a grant
 * was not kept.
 */
export function introduce(uet: Uet, who: () => [userId: unknown, traits: unknown]): void {
  const tell = () => {
    try {
      const [userId, traits] = who()
      if (userId || Object.keys(traits as object)[0]) uet.identify(userId as string, traits as never)
    } catch {}
  }
  tell()
  uet.on('consent', tell)
}

/** Hands over whom the host identifies, after the consent that it states with it. */
export function identify(uet: Uet, userId: unknown, traits: unknown, { consent }: MessageContext): void {
  uet.consent(consent)
  uet.identify(userId as string, traits as never)
}

/** Reads what a host handed over; whatever that is, reading it does not throw. */
export const read = (source: unknown, path: string): never => readPath(source, path) as never

export interface MessageContext extends UetContext {
  /** Always an object: a mere word must not pass for the visitor's own answer. */
  consent: HostConsent
}

/** What a message of Segment's shape says about a call; Jitsu and RudderStack use the same names. */
export function messageContext(message: unknown): MessageContext {
  return {
    id: read(message, 'messageId'),
    time: read(message, 'timestamp') ?? read(message, 'originalTimestamp'),
    anonymousId: read(message, 'anonymousId'),
    userId: read(message, 'userId'),
    page: read(message, 'context.page'),
    consent: { categoryPreferences: read(message, 'context.consent.categoryPreferences') },
  }
}
