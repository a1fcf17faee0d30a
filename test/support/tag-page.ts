import { installFakeTag } from '../../src/testing/fake-tag/install.ts'
import type { FakeTagRecord, SentRequest, UetInstance, UserSignals } from '../../src/testing/fake-tag/types.ts'
import {
  createFakeWindow,
  type FakeAnswer,
  type FakePage,
  type FakeWindowOptions,
  type TestWindow,
} from './fake-window.ts'

export interface TagPageOptions extends FakeWindowOptions {
  /** What the container file does: hands over these flags (default none set), or one of the sad cases. */
  container?: UserSignals | 'empty' | 'blocked' | 'never'
  containerDelay?: number
  /** What becomes of bat.js itself, for tests of code that loads it. Default: the stand-in. */
  script?: FakeAnswer
}

export interface TagPage extends FakePage {
  /** Everything the tag sent, in order. */
  readonly sent: SentRequest[]
  /** Page loads and custom events only. */
  beacons(): SentRequest[]
  pings(): SentRequest[]
  /** The object behind a queue variable, once the script is there. */
  tag(name?: string): UetInstance
}

/** A fake page whose network serves the stand-in as bat.js, and a container file. */
export function createTagPage(options: TagPageOptions = {}): TagPage {
  const container = options.container ?? {}
  const page = createFakeWindow({
    ...options,
    respond(request, window) {
      if (request.kind === 'script' && /\/p\/action\/[^/]+\.js/.test(request.url)) return containerAnswer()
      if (request.kind === 'script' && /\/bat\.js/.test(request.url)) {
        return options.script ?? { run: (loaded) => installFakeTag(loaded) }
      }
      return options.respond?.(request, window)
    },
  })

  const containerAnswer = (): FakeAnswer => {
    const delay = options.containerDelay ?? 0
    if (container === 'empty') return { delay }
    if (container === 'blocked') return { delay, outcome: 'error' }
    if (container === 'never') return { outcome: 'never' }
    return {
      delay,
      run(window, element) {
        ;(window[element.getAttribute('data-ueto') ?? ''] as UetInstance).setUserSignals(container)
      },
    }
  }

  const sent = (): SentRequest[] => (page.window.uetFake as FakeTagRecord | undefined)?.sent ?? []
  return {
    ...page,
    get sent() {
      return sent()
    },
    beacons: () => sent().filter(({ kind }) => kind === 'beacon'),
    pings: () => sent().filter(({ kind }) => kind === 'ping'),
    tag: (name = 'uetq') => page.window[name] as UetInstance,
  }
}

/** Loads the tag as Microsoft's snippet does once its script has arrived. */
export function runSnippet(window: TestWindow, options: Record<string, unknown> = { ti: '1' }, name = 'uetq'): void {
  if (window.UET === undefined) installFakeTag(window)
  const Uet = window.UET as new (options: object) => UetInstance
  window[name] = new Uet({ ...options, q: window[name] })
  ;(window[name] as UetInstance).push('pageLoad')
}
