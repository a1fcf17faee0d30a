import type { FakeTagOptions, FakeTagRecord, TagWindow, UetInstance, UetOptions } from './types.ts'
import { startTag, tagIdOf } from './uet.ts'

interface TagGlobals {
  UET: new (options?: UetOptions) => UetInstance
  UET_init(name: string, options?: UetOptions): void
  UET_push(name: string, ...args: unknown[]): void
  uetFake: FakeTagRecord
}

/** By shape and not by class, because a second copy of the script brings a second class. */
function sameTag(options: UetOptions): UetInstance | undefined {
  const other = options.q as UetInstance | undefined
  const isInstance = typeof other?.reportDuplicate === 'function'
  return isInstance && other.beaconParams.ti === tagIdOf(options) ? other : undefined
}

/**
 * Defines on `window` what Microsoft's tag script defines there: `UET`, `UET_init`, `UET_push`, and beside them the
 * recorder `uetFake`. It behaves as the real script did in May 2026, strange parts included.
 */
export function installFakeTag(window: TagWindow, fake: FakeTagOptions = {}): void {
  const globals = window as unknown as TagGlobals & Record<string, unknown>
  const record: FakeTagRecord = globals.uetFake ?? { sent: [], errors: [] }
  globals.uetFake = record

  class UET {
    constructor(options: UetOptions = {}) {
      const original = sameTag(options)
      if (original === undefined) {
        startTag(window, this, options, fake, record)
        return
      }
      // The second instance is a proxy of the first: every read and every push arrives there.
      Object.setPrototypeOf(this, original)
      original.reportDuplicate()
    }
  }

  globals.UET = UET as unknown as TagGlobals['UET']
  globals.UET_init = (name, options = {}) => {
    const current = globals[name]
    if (current !== undefined && current !== null && !Array.isArray(current)) return
    options.q = current
    globals[name] = new globals.UET(options)
  }
  globals.UET_push = (name, ...args) => {
    globals[name] ??= []
    ;(globals[name] as { push(...args: unknown[]): void }).push(...args)
  }
}
