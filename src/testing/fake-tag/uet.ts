import { watchHistory } from './auto-spa.ts'
import { createSender } from './beacon.ts'
import { createConsent, initialConsent } from './consent.ts'
import { createContainer } from './container.ts'
import { detectionBlob } from './enforcement.ts'
import { createEvents } from './events.ts'
import { createGates } from './gates.ts'
import { uuidV4 } from './ids.ts'
import { createPageLoads } from './page-load.ts'
import { createStorage } from './storage.ts'
import { parseStub } from './stub-queue.ts'
import { hasTcfApi, initialTcf } from './tcf.ts'
import type {
  BeaconParams,
  FakeTagOptions,
  FakeTagRecord,
  LiveState,
  Tag,
  TagWindow,
  UetInstance,
  UetOptions,
} from './types.ts'

const EARLY_COMMANDS: readonly unknown[] = ['set', 'consent', 'config']

export const tagIdOf = ({ ti, tagId }: UetOptions): string => String(ti ?? tagId ?? '').replace(/[^A-Za-z0-9_-]/g, '')

function initialState(window: TagWindow, options: UetOptions): LiveState {
  const beaconParams: BeaconParams = {
    ti: tagIdOf(options),
    Ver: Number(options.Ver) === 1 ? '1' : '2',
    mid: uuidV4(window),
    bo: 0,
  }
  for (const name of ['tm', 'Tag', 'EXT_Data'] as const) {
    if (typeof options[name] === 'string') beaconParams[name] = options[name]
  }
  return {
    beaconParams,
    uetConfig: { consent: initialConsent(), tcf: initialTcf() },
    evq: Array.isArray(options.q) ? options.q : [],
    eventPushQueue: [],
    snippetEventQueue: [],
    uetLoaded: false,
    pageLoadDispatch: false,
  }
}

/** Builds one tag on `instance` and lets it go through its start-up gates. */
export function startTag(
  window: TagWindow,
  instance: object,
  options: UetOptions,
  fake: FakeTagOptions,
  record: FakeTagRecord,
): void {
  const live = Object.assign(instance, initialState(window, options))
  const tag: Tag = { window, options, fake, record, live }
  let isMidExternal = false
  let isStarted = false
  let isStubDrained = false
  let duplicates = 0
  const earlyQueue: unknown[][] = []

  const container = createContainer(tag, () => {
    if (live.uetLoaded) consent.settle()
  })
  const sender = createSender(tag, createStorage(window, options), {
    isMidExternal: () => isMidExternal,
    detectionBlob: () =>
      detectionBlob({
        window,
        hasTcfApi: hasTcfApi(tag),
        consent: live.uetConfig.consent,
        signals: container.signals(),
      }),
  })
  const consent = createConsent(tag, sender, container.signals, {
    onUpdate: () => gates.onConsentUpdate(),
    onTcfAnswer() {
      gates.onTcfAnswer()
      if (live.uetLoaded) consent.settle()
    },
  })
  const pageLoads = createPageLoads(tag, sender, () => isMidExternal)
  const events = createEvents(tag, sender, pageLoads, {
    onFirstPageLoad() {
      if (options.enableAutoSpaTracking === true) watchHistory(window, trackVirtualPage)
      if (options.disableVisibilityEvents !== true) watchVisibility()
    },
    drainStub() {
      if (isStubDrained) return
      isStubDrained = true
      for (const call of parseStub(live.evq)) {
        // The real parser reads a property of null here, and the whole flush dies with it.
        if ('broken' in call) throw new window.TypeError('Cannot read properties of null')
        if (!EARLY_COMMANDS.includes(call.args[0])) live.eventPushQueue.push(call.args)
      }
    },
  })

  const trackVirtualPage = (): void => {
    const { pathname, search, hash } = window.location
    push('event', 'page_view', { page_path: pathname + search + hash, page_title: window.document.title })
  }

  const watchVisibility = (): void => {
    window.addEventListener('pagehide', () => sender.ping('pageHide'))
    window.addEventListener('pageshow', (event) => {
      if (event.persisted) sender.ping('pageShow')
    })
  }

  const handleEarly = ([command, name, params]: unknown[]): void => {
    if (command === 'set') events.set(name)
    else if (command === 'consent') consent.consent(name, params)
    else consent.config(name, params)
  }

  const runQueue = (): void => {
    for (let args = live.eventPushQueue.shift(); args !== undefined; args = live.eventPushQueue.shift()) {
      events.handle(args)
    }
  }

  const gates = createGates(tag, {
    consent,
    container,
    handleEarlyCommands() {
      isStarted = true
      for (const call of parseStub(live.evq)) {
        if ('args' in call && EARLY_COMMANDS.includes(call.args[0])) handleEarly(call.args)
      }
      for (const args of earlyQueue.splice(0)) handleEarly(args)
    },
    flush() {
      // Not in a finally block: a rejected event must leave `uetLoaded` false, and the rest in the queue for good.
      runQueue()
      live.uetLoaded = true
      for (; duplicates > 0; duplicates--) sender.ping('dedup')
    },
  })

  const push = (...args: unknown[]): void => {
    if (EARLY_COMMANDS.includes(args[0])) {
      if (isStarted) handleEarly(args)
      else earlyQueue.push(args)
      return
    }
    live.eventPushQueue.push(args)
    if (live.uetLoaded) runQueue()
  }

  const methods: Omit<UetInstance, keyof LiveState> = {
    push,
    setExternalMid(mid) {
      live.beaconParams.mid = String(mid)
      isMidExternal = true
    },
    setUserSignals: container.receive,
    reportDuplicate() {
      if (live.uetLoaded) sender.ping('dedup')
      else duplicates += 1
    },
  }
  Object.assign(instance, methods)

  const name = `ueto_${uuidV4(window).replace(/-/g, '').slice(0, 10)}`
  Reflect.set(window, name, instance)
  container.request(name)
  gates.start()
}
