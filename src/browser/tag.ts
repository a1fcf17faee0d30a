import type { Log } from './log.ts'
import type { UetOptions } from './options.ts'
import { findSnippet, injectScript } from './script.ts'
import type { BlockedReason, ScriptReport, ScriptStatus } from './types.ts'

/** Arguments of one `push` on a tag's queue. */
export type Command = unknown[]

/** A running tag, as the tag script makes it out of the queue array. Only what we read of it. */
interface TagInstance {
  push(...command: Command): void
  beaconParams?: { mid?: unknown; ti?: unknown }
}

declare global {
  interface Window {
    UET?: new (options: object) => TagInstance
  }
}

/** All tags of one tracker: the queue variables, the script, and what became of it. */
export interface Tags {
  report(): ScriptReport
  /** A `consent`, `set` or `config` command for every tag. */
  command(...command: Command): void
  /** An event for every tag; false where a full queue refused it. `params` must be JSON data. */
  event(action: string, params: object): boolean
  /** The first page load of the page; its command is made when a tag is there to take it. */
  pageLoad(command: () => Command): void
  /** Requests the tag script, once. */
  load(): void
  /** The tag's own id of the current page load, if it is known. */
  pageLoadId(): string | undefined
  /** Events that wait for the script. */
  queued(): number
}

/** Events kept while the script is on its way. A blocked script never takes them, so they may not grow for ever. */
const QUEUE_LIMIT = 100

/** A script that has not answered by then counts as blocked, until it answers after all. */
const PATIENCE_MS = 10_000

interface Tag {
  _id: string
  /** Name of the queue variable on `window`. */
  _name: string
  /** Another snippet on the page starts this tag and makes its first page load. */
  _shared: boolean
  _instance?: TagInstance | undefined
  _commands: Command[]
  _events: Command[]
  _first?: () => Command
}

/** The tag writes into what it is given, so each gets its own. */
const copy = <T>(data: T): T => JSON.parse(JSON.stringify(data))

export function createTags(
  window: Window & typeof globalThis,
  { tagId, script = {}, pageLoads }: UetOptions,
  log: Log,
  onChange: (report: ScriptReport) => void,
): Tags {
  const page = window as unknown as Record<string, unknown>
  let current: ScriptReport = { status: 'waiting' }

  const move = (status: ScriptStatus, reason?: BlockedReason) => {
    current = reason ? { status, reason } : { status }
    log(current)
    onChange(current)
  }

  /** The tag with this id that runs under a variable name. A plain array, or another tag, is none. */
  const find = (name: string, id: string) => {
    const found = page[name] as TagInstance | undefined
    return `${found?.beaconParams?.ti}` === id ? found : undefined
  }
  const running = (tag: Tag) => (tag._instance ??= find(tag._name, tag._id))

  const snippet = findSnippet(window.document)
  const tags = ([] as unknown[]).concat(tagId).map((given, index): Tag => {
    const _id = `${given}`
    const _shared = snippet._runs(_id) || !!find('uetq', _id)
    const free = !index && !snippet._element && (!page.uetq || Array.isArray(page.uetq))
    const _name = _shared || free ? 'uetq' : `uetq_${_id}`
    page[_name] ??= []
    return { _id, _name, _shared, _commands: [], _events: [] }
  })

  /** The tag throws strings at bad values, and a page may have replaced the queue: neither may reach the caller. */
  const push = (tag: Tag, command: Command) => {
    try {
      const instance = running(tag)
      const isEvent = command[0] === 'event'
      if (!instance) (isEvent ? tag._events : tag._commands).push(command)
      // Our own events stay out of the array: the tag would send those after all that came while it was starting.
      if (instance || tag._shared || !isEvent) {
        const queue = (instance ?? page[tag._name]) as unknown[]
        // A page that queued events before us must still find our consent default in front of them.
        const first = command[1] === 'default' && !instance && !queue.includes('consent')
        queue[first ? 'unshift' : 'push'](...command)
      }
    } catch (error) {
      log(error)
    }
  }

  const start = (tag: Tag): TagInstance => {
    const UET = window.UET!
    // Another tag may have taken the variable meanwhile, with our array: then under a name of our own.
    if (!Array.isArray(page[tag._name])) page[(tag._name = `uetq_${tag._id}`)] = tag._commands.flat()
    const options = { ti: tag._id, q: page[tag._name], enableAutoSpaTracking: pageLoads === 'auto' }
    const bare = { ...options, disableContainer: true }
    try {
      return new UET(script.container === false ? bare : options)
    } catch (error) {
      // Under Trusted Types the tag's own container request throws; without it the tag works.
      log(error)
      return new UET(bare)
    }
  }

  const settle = () => {
    try {
      for (const tag of tags) {
        if (tag._shared || tag._instance) continue
        // A snippet whose tag could not be known before may have started this very tag.
        const joined = find('uetq', tag._id)
        if (!joined && !window.UET) return move('blocked', 'empty')
        tag._instance = joined ?? ((page[tag._name] = start(tag)) as TagInstance)
        for (const command of joined ? tag._commands : []) push(tag, command)
        if (tag._first) push(tag, tag._first())
        for (const command of tag._events) push(tag, command)
      }
      if (tags.every(running)) move('ready')
      else move('blocked', 'empty')
    } catch (error) {
      log(error)
      move('blocked', 'forbidden')
    }
  }

  return {
    report: () => current,
    command: (...command) => tags.forEach((tag) => push(tag, copy(command))),
    event: (action, params) => {
      if (tags.some((tag) => !running(tag) && tag._events.length >= QUEUE_LIMIT)) return false
      for (const tag of tags) push(tag, ['event', action, copy(params)])
      return true
    },
    pageLoad: (command) => {
      for (const tag of tags) {
        if (running(tag)) push(tag, command())
        else tag._first = command
      }
    },
    load: () => {
      if (current.status !== 'waiting') return
      const foreign = tags.every((tag) => tag._shared)
      if (tags.every(running) || (window.UET && !foreign)) return settle()
      move('loading')
      const timer = setTimeout(() => move('blocked', 'timeout'), PATIENCE_MS)
      const finish = (event: { type: string }) => {
        clearTimeout(timer)
        if (event.type === 'load') settle()
        else move('blocked', event.type === 'error' ? 'network' : 'forbidden')
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
    pageLoadId: () => {
      const mid = running(tags[0]!)?.beaconParams?.mid
      return typeof mid === 'string' ? mid : undefined
    },
    queued: () => tags.reduce((sum, tag) => sum + (running(tag) ? 0 : tag._events.length), 0),
  }
}
