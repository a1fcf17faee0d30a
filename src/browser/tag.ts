import type { Log } from './log.ts'
import { tagIds, type UetOptions } from './options.ts'
import { findSnippet, injectScript } from './script.ts'
import type { BlockedReason, ScriptReport, ScriptStatus } from './types.ts'

/** Arguments of one `push` on a tag's queue. */
export type Command = unknown[]

/** A `consent`, `config` or `set` command. */
export type Setting = [name: string, data: unknown, params?: Record<string, unknown>]

/** User data that clears what was set, whether the tag replaces the old or merges into it. */
export const NOBODY = { pid: { em: '', ph: '' } }

/** A running tag, as the tag script makes it out of the queue array. Only what we read of it. */
interface TagInstance {
  push(...command: Command): void
  beaconParams?: { mid?: unknown; ti?: unknown; uid?: unknown }
}

declare global {
  interface Window {
    UET?: new (options: object) => TagInstance
  }
}

/** All tags of one tracker: the queue variables, the script, and what became of it. */
export interface Tags {
  _report(): ScriptReport
  /** A `consent`, `set` or `config` command for every tag. */
  _command(...command: Setting): void
  /** An event for every tag; false where a full queue refused it. `params` must be JSON data. */
  _event(action: string, params: object): boolean
  /** The first page load of the page; its command is made when a tag is there to take it. */
  _pageLoad(command: () => Command): void
  /** While refused and before the script is requested, events are dropped instead of waiting for a grant. */
  _refuse(isRefused: boolean): void
  /** Requests the tag script, once. */
  _load(): void
  /** The tag's own id of the current page load, if it is known. */
  _pageLoadId(): string | undefined
  /** Events that wait for the script. */
  _queued(): number
}

/** Events kept while the script is on its way. A blocked script never takes them, so they may not grow for ever. */
export const QUEUE_LIMIT = 100

/** A script that has not answered by then counts as blocked, until it answers after all. */
const PATIENCE_MS = 10_000

interface Tag {
  _id: string
  /** Name of the queue variable on `window`. */
  _name: string
  /** Another snippet on the page starts this tag and makes its first page load. */
  _shared?: boolean
  _instance?: TagInstance | undefined
  _commands: Setting[]
  _events: Command[]
  _first?: () => Command
}

/** The tag writes into what it is given, so each gets its own. */
const copy = <T>(data: T): T => JSON.parse(JSON.stringify(data))

export function createTags(
  window: Window & typeof globalThis,
  options: UetOptions,
  log: Log,
  onChange: (report: ScriptReport) => void,
  isFirst: boolean,
): Tags {
  const page = window as unknown as Record<string, unknown>
  const { script = {}, pageLoads } = options
  const snippet = findSnippet(window.document)
  let report: ScriptReport = { status: 'waiting' }
  let refused = false

  const move = (status: ScriptStatus, reason?: BlockedReason) => {
    report = { status, ...(reason && { reason }) }
    log(report)
    onChange(report)
  }

  /** The running tag behind a variable name. A plain array, or another tag, is none. */
  const running = (tag: Tag, name = tag._name) => {
    const found = page[name] as TagInstance | undefined
    if (`${found?.beaconParams?.ti}` === tag._id) tag._instance ??= found
    return tag._instance
  }

  const tags = tagIds(options).map((_id, index) => {
    const tag: Tag = { _id, _name: 'uetq', _commands: [], _events: [] }
    tag._shared = !!(snippet._runs(_id) || running(tag))
    // What another tag has queued, its consent above all, is not for this one.
    if (!tag._shared && (index || !isFirst || snippet._element || (page.uetq && !Array.isArray(page.uetq))))
      tag._name += `_${_id}`
    page[tag._name] ??= []
    return tag
  })

  /** The tag throws strings at bad values, and a page may have replaced the queue: neither may reach the caller. */
  const push = (tag: Tag, command: Command) => {
    try {
      const instance = running(tag)
      const isEvent = command[0] === 'event'
      if (!instance && isEvent) tag._events.push(command)
      // Our own events stay out of the array: the tag would send those after all that came while it was starting.
      if (instance || tag._shared || !isEvent) {
        const queue = (instance ?? page[tag._name]) as unknown[]
        // A page that queued events before us must still find our consent default in front of them.
        queue[command[1] === 'default' && !instance && !queue.includes('consent') ? 'unshift' : 'push'](...command)
      }
    } catch (error) {
      log(error)
    }
  }

  /**
   * The tag takes queued commands one by one, some time after it was made: a grant that was withdrawn meanwhile would still
   * make it store and send ids. It holds the very objects that we pushed.
   */
  const retract = ({ _commands, _instance }: Tag) => {
    if (_commands.filter(([name]) => name === 'consent').pop()?.[2]?.ad_storage !== 'denied') return
    delete _instance?.beaconParams?.uid
    for (const [name, data, params] of _commands)
      if (name === 'set') Object.assign(data as object, NOBODY)
      else params!.ad_storage = 'denied'
  }

  const start = (tag: Tag): TagInstance => {
    // Another tag may have taken the variable meanwhile, with our array: then under a name of our own.
    if (!Array.isArray(page[tag._name])) page[(tag._name = `uetq_${tag._id}`)] = tag._commands.flat()
    const make = (disableContainer: boolean) =>
      new window.UET!({
        ti: tag._id,
        q: page[tag._name],
        enableAutoSpaTracking: pageLoads === 'auto',
        disableContainer,
      })
    try {
      return make(script.container === false)
    } catch (error) {
      // Under Trusted Types the tag's own container request throws; without it the tag works.
      log(error)
      return make(true)
    }
  }

  const settle = () => {
    try {
      for (const tag of tags) {
        if (tag._shared || tag._instance) continue
        // A snippet whose tag could not be known before may have started this very tag.
        const joined = running(tag, 'uetq')
        if (!joined && !window.UET) return move('blocked', 'empty')
        retract(tag)
        if (joined) for (const command of tag._commands) push(tag, command)
        else {
          tag._instance = start(tag)
          page[tag._name] = tag._instance
        }
        if (tag._first) push(tag, tag._first())
        for (const command of tag._events) push(tag, command)
      }
      if (tags.every((tag) => running(tag))) move('ready')
      else move('blocked', 'empty')
    } catch (error) {
      log(error)
      move('blocked', 'forbidden')
    }
  }

  const queued = () => tags.find((tag) => !running(tag))?._events.length ?? 0

  return {
    _report: () => report,
    _command: (...command) => {
      for (const tag of tags) {
        const own = copy(command)
        tag._commands.push(own)
        if (tag._shared || tag._instance) retract(tag)
        push(tag, own)
      }
    },
    _event: (action, params) => {
      if (queued() >= QUEUE_LIMIT || (refused && report.status === 'waiting')) return false
      for (const tag of tags) push(tag, ['event', action, copy(params)])
      return true
    },
    _pageLoad: (command) => {
      for (const tag of tags) {
        if (running(tag)) push(tag, command())
        else tag._first = command
      }
    },
    _refuse: (isRefused) => {
      refused = isRefused
      if (refused && report.status === 'waiting') for (const tag of tags) tag._events = []
    },
    _load: () => {
      if (report.status !== 'waiting') return
      const foreign = tags.every((tag) => tag._shared)
      if (tags.every((tag) => running(tag)) || (window.UET && !foreign)) return settle()
      move('loading')
      const timer = setTimeout(() => move('blocked', 'timeout'), PATIENCE_MS)
      const finish = ({ type }: { type: string }) => {
        clearTimeout(timer)
        if (type === 'load') settle()
        else move('blocked', type === 'error' ? 'network' : 'forbidden')
      }
      try {
        const element = foreign ? snippet._element : injectScript(window, script)
        element?.addEventListener('load', finish)
        element?.addEventListener('error', finish)
      } catch (error) {
        log(error)
        finish({ type: 'forbidden' })
      }
    },
    _pageLoadId: () => running(tags[0]!)?.beaconParams?.mid as string | undefined,
    _queued: queued,
  }
}
