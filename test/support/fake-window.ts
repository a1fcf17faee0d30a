import { FakeCookieJar } from './fake-cookies.ts'
import { FakeDocument, type FakeElement, FakeTarget } from './fake-dom.ts'
import { createAddressBar } from './fake-history.ts'

/** One request that left the page. */
export interface FakeRequest {
  kind: 'script' | 'image' | 'ping' | 'fetch'
  method: string
  url: string
  /** Text of the body of a ping or fetch. */
  body: string | undefined
  headers: Record<string, string>
  keepalive: boolean
  /** `Date.now()` when it left. */
  time: number
  /** The script or image that asked. */
  element: FakeElement | undefined
}

/** What becomes of a request. Scripts `run` before their `load` event, with `document.currentScript` set. */
export interface FakeAnswer {
  /** Default `load`. */
  outcome?: 'load' | 'error' | 'never'
  /** Milliseconds until then, default 0: never in the same task. */
  delay?: number
  run?: (window: TestWindow, element: FakeElement) => void
  /** Answer to `fetch`, default 204 without a body. */
  status?: number
  body?: string
  headers?: Record<string, string>
}

/** The window as the code under test sees it. Index it for globals of your own. */
export type TestWindow = Window & typeof globalThis & Record<string, unknown>

export interface FakeWindowOptions {
  /** Default `https://shop.example.com/`. */
  url?: string
  title?: string
  referrer?: string
  /** `name=value; name=value`: cookies of this host when the page starts. */
  cookies?: string
  /** The jar of an earlier page, to model a navigation. */
  cookieJar?: FakeCookieJar
  /** The storage of an earlier page; `blocked` throws on every access, as some privacy settings do. */
  localStorage?: Storage | 'blocked'
  sessionStorage?: Storage | 'blocked'
  readyState?: DocumentReadyState
  /** Default true; false models a script in the head. */
  hasBody?: boolean
  language?: string
  timeZone?: string
  globalPrivacyControl?: boolean
  /** Referrers of the frames above, innermost first; makes the page a framed one. */
  parentReferrers?: string[]
  /** `missing` has no `sendBeacon`, `refuse` returns false. */
  sendBeacon?: 'accept' | 'refuse' | 'missing'
  /** Makes a plain string as script address a TypeError, as `require-trusted-types-for 'script'` does. */
  trustedTypes?: boolean
  /** Decides every request; default: images load, scripts never answer, fetch answers 204. */
  respond?: (request: FakeRequest, window: TestWindow) => FakeAnswer | undefined
}

export interface FakePage {
  window: TestWindow
  document: Document
  requests: FakeRequest[]
  cookieJar: FakeCookieJar
  /** What reached `window.onerror`: exceptions of timers, listeners and scripts, as they were thrown. */
  errors: unknown[]
  /** Addresses of real navigations, which a fake page cannot follow. */
  navigations: string[]
  /** Scripts with an address, in document order. */
  scripts(): FakeElement[]
  /** Fires `load` on an element by hand, after `run`. */
  load(element: FakeElement, run?: () => void): void
  fail(element: FakeElement): void
  /** Changes `readyState` with its events, and makes the body where it was missing. */
  becomeReady(state?: DocumentReadyState): void
  /** `hidden`: visibilitychange and pagehide; `visible`: pageshow and visibilitychange. */
  setVisibility(state: DocumentVisibilityState, persisted?: boolean): void
}

/**
 * A window for unit tests: document, cookie jar, storage, history, timers, requests, events. Time is that of the test:
 * use `vi.useFakeTimers()`, which also moves `Date`. To give it to code that reads globals:
 * `vi.stubGlobal('window', page.window)`, `vi.stubGlobal('document', page.document)`.
 */
export function createFakeWindow(options: FakeWindowOptions = {}): FakePage {
  const requests: FakeRequest[] = []
  const errors: unknown[] = []
  const navigations: string[] = []
  const cookieJar = options.cookieJar ?? new FakeCookieJar()
  const target = new FakeTarget()
  const window = target as unknown as TestWindow

  const report = (error: unknown): void => {
    errors.push(error)
    const event = Object.assign(new Event('error'), { error, message: `Uncaught ${error}` })
    target.dispatchEvent(event)
  }
  target.reportError = report

  const guarded = (call: unknown, args: unknown[]) => (): void => {
    try {
      if (typeof call === 'function') call(...args)
    } catch (error) {
      report(error)
    }
  }

  const address = createAddressBar(options.url ?? 'https://shop.example.com/', {
    popstate: (state) => target.dispatchEvent(Object.assign(new Event('popstate'), { state })),
    hashchange: () => target.dispatchEvent(new Event('hashchange')),
    navigate: (url) => navigations.push(url),
  })
  const url = (): URL => new URL(address.href())
  for (const pair of options.cookies?.split(';') ?? []) cookieJar.write(url(), pair.trim())

  const answerOf = (request: FakeRequest): FakeAnswer =>
    options.respond?.(request, window) ?? { outcome: request.kind === 'script' ? 'never' : 'load' }

  const record = (request: Omit<FakeRequest, 'time'>): FakeAnswer => {
    const complete = { ...request, time: Date.now() }
    requests.push(complete)
    return answerOf(complete)
  }

  const runScript = (element: FakeElement, run: () => void): void => {
    document.currentScript = element
    guarded(run, [])()
    document.currentScript = null
  }

  const settle = (element: FakeElement, answer: FakeAnswer): void => {
    if (answer.outcome === 'never') return
    setTimeout(() => {
      if (answer.outcome === 'error') {
        element.dispatchEvent(new Event('error'))
        return
      }
      if (answer.run !== undefined) runScript(element, () => answer.run?.(window, element))
      element.dispatchEvent(new Event('load'))
    }, answer.delay ?? 0)
  }

  const bare = { body: undefined, headers: {}, keepalive: false }
  const document = new FakeDocument(
    {
      url: () => address.href(),
      readCookies: () => cookieJar.read(url()),
      writeCookie: (text) => cookieJar.write(url(), text),
      fetch(element) {
        const kind = element.tagName === 'IMG' ? 'image' : 'script'
        settle(element, record({ ...bare, kind, method: 'GET', url: element.src, element }))
      },
      reportError: report,
    },
    { title: options.title ?? '', referrer: options.referrer ?? '' },
  )
  document.defaultView = target
  document.readyState = options.readyState ?? 'complete'
  const body = document.body
  if (options.hasBody === false) {
    body?.remove()
    document.body = null
  }
  if (options.trustedTypes) document.refusesScriptUrl = (value) => typeof value === 'string'

  const navigator: Record<string, unknown> = {
    language: options.language ?? 'en-US',
    languages: [options.language ?? 'en-US'],
    userAgent: 'Mozilla/5.0 (fake)',
    onLine: true,
    cookieEnabled: true,
    plugins: [],
    globalPrivacyControl: options.globalPrivacyControl,
  }
  if (options.sendBeacon !== 'missing') {
    navigator.sendBeacon = (to: string, data?: BodyInit | null) => {
      if (options.sendBeacon === 'refuse') return false
      record({ ...bare, kind: 'ping', method: 'POST', url: resolve(to), body: textOf(data), element: undefined })
      return true
    }
  }

  const resolve = (to: unknown): string => new URL(String(to), address.href()).href

  const fetch = async (to: unknown, init: RequestInit = {}): Promise<Response> => {
    const headers = Object.fromEntries(new Headers(init.headers))
    const answer = record({
      kind: 'fetch',
      method: init.method ?? 'GET',
      url: resolve(to),
      body: textOf(init.body),
      headers,
      keepalive: init.keepalive === true,
      element: undefined,
    })
    if (answer.outcome === 'never') return new Promise(() => {})
    await new Promise((done) => setTimeout(done, answer.delay ?? 0))
    if (answer.outcome === 'error') throw new TypeError('Failed to fetch')
    return new Response(answer.body ?? null, { status: answer.status ?? 204, headers: answer.headers ?? {} })
  }

  Object.assign(target, {
    window,
    self: window,
    document,
    navigator,
    location: address.location,
    history: address.history,
    screen: { width: 1920, height: 1080, colorDepth: 24 },
    isSecureContext: url().protocol === 'https:',
    crypto: globalThis.crypto,
    performance: globalThis.performance,
    Event,
    CustomEvent,
    TypeError,
    Math,
    Object,
    JSON,
    URL,
    URLSearchParams,
    Blob,
    AbortController,
    TextEncoder,
    fetch,
    btoa: globalThis.btoa,
    atob: globalThis.atob,
    console: globalThis.console,
    Intl: fakeIntl(options.timeZone ?? 'America/New_York'),
    Image: function Image() {
      return document.createElement('img')
    },
    setTimeout: (call: unknown, ms?: number, ...args: unknown[]) => setTimeout(guarded(call, args), ms),
    setInterval: (call: unknown, ms?: number, ...args: unknown[]) => setInterval(guarded(call, args), ms),
    clearTimeout: (timer?: number) => clearTimeout(timer),
    clearInterval: (timer?: number) => clearInterval(timer),
    queueMicrotask: (call: () => void) => queueMicrotask(guarded(call, [])),
    requestIdleCallback: (call: () => void) => setTimeout(guarded(call, []), 0),
    requestAnimationFrame: (call: () => void) => setTimeout(guarded(call, [Date.now()]), 16),
    trustedTypes: undefined,
  })
  // Read at the time of use, because fake timers replace the global.
  Object.defineProperty(target, 'Date', { get: () => globalThis.Date })
  defineStorage(target, 'localStorage', options.localStorage)
  defineStorage(target, 'sessionStorage', options.sessionStorage)
  placeInFrames(target, options.parentReferrers ?? [])

  return {
    window,
    document: document as unknown as Document,
    requests,
    cookieJar,
    errors,
    navigations,
    scripts: () => document.scripts.filter(({ src }) => src !== ''),
    load(element, run) {
      if (run !== undefined) runScript(element, run)
      element.dispatchEvent(new Event('load'))
    },
    fail: (element) => element.dispatchEvent(new Event('error')),
    becomeReady(state = 'complete') {
      if (document.body === null && body !== null) document.body = document.documentElement.appendChild(body)
      document.readyState = state
      document.dispatchEvent(new Event('readystatechange'))
      if (state === 'interactive') document.dispatchEvent(new Event('DOMContentLoaded', { bubbles: true }))
      if (state === 'complete') target.dispatchEvent(new Event('load'))
    },
    setVisibility(state, persisted = false) {
      document.visibilityState = state
      const transition = (type: string) => Object.assign(new Event(type), { persisted })
      if (state === 'visible') target.dispatchEvent(transition('pageshow'))
      document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))
      if (state === 'hidden') target.dispatchEvent(transition('pagehide'))
    },
  }
}

function textOf(data: unknown): string | undefined {
  if (data === undefined || data === null) return undefined
  return typeof data === 'string' ? data : String(data)
}

function fakeIntl(timeZone: string): unknown {
  return { ...Intl, DateTimeFormat: () => ({ resolvedOptions: () => ({ timeZone }) }) }
}

/** An in-memory `Storage`; hand it to the next page to model a navigation. */
export function createFakeStorage(): Storage {
  const values = new Map<string, string>()
  return {
    get length() {
      return values.size
    },
    key: (index) => [...values.keys()][index] ?? null,
    getItem: (name) => values.get(name) ?? null,
    setItem: (name, value) => void values.set(name, String(value)),
    removeItem: (name) => void values.delete(name),
    clear: () => values.clear(),
  }
}

function defineStorage(target: FakeTarget, name: string, given: Storage | 'blocked' | undefined): void {
  const storage = given ?? createFakeStorage()
  Object.defineProperty(target, name, {
    get() {
      if (storage === 'blocked') throw new Error('SecurityError: storage is blocked')
      return storage
    },
  })
}

function placeInFrames(target: FakeTarget, referrers: string[]): void {
  const top: Record<string, unknown> = { document: { referrer: referrers.at(-1) ?? '' } }
  top.parent = top
  let parent: unknown = referrers.length === 0 ? target : top
  for (const referrer of referrers.slice(0, -1).reverse()) parent = { document: { referrer }, parent }
  target.parent = parent
  target.top = referrers.length === 0 ? target : top
}
