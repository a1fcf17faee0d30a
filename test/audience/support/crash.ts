import { createAdsClient } from '../../../src/audience/ads/client.ts'
import { readAudienceConfig } from '../../../src/audience/config.ts'
import type { Ledger } from '../../../src/audience/ledger.ts'
import { sqliteLedger } from '../../../src/audience/ledger-sqlite.ts'
import type { RunResult } from '../../../src/audience/result.ts'
import { runCohort } from '../../../src/audience/run.ts'
import type { SyncWorld } from './sync-world.ts'

/** The process is gone: nothing works from here on. */
export class Crash extends Error {
  override readonly name = 'Crash'
}

/** Counts the moments before and after everything that leaves a trace outside of the process, and ends it at one. */
export class Mortality {
  moments = 0
  readonly end: number

  constructor(end = Number.POSITIVE_INFINITY) {
    this.end = end
  }

  moment(): void {
    if (++this.moments >= this.end) throw new Crash(`at moment ${this.end}`)
  }

  async around<T>(run: () => Promise<T>): Promise<T> {
    this.moment()
    const result = await run()
    this.moment()
    return result
  }

  wrap(ledger: Ledger): Ledger {
    const wrapped = Object.entries(ledger).map(([name, method]: [string, (...args: unknown[]) => Promise<unknown>]) => [
      name,
      // Reading leaves no trace, and a dead process holds no lock.
      /^(?:begin|setRequest|settle|fold|save|forget)$/.test(name)
        ? (...args: unknown[]) => this.around(() => method(...args))
        : method,
    ])
    return Object.fromEntries(wrapped)
  }
}

/** One run in a process that may die. Throws `Crash`, or what the run throws. */
export async function runMortal(
  world: SyncWorld,
  mortality: Mortality,
  { full = false, yes = true }: { full?: boolean; yes?: boolean } = {},
): Promise<RunResult> {
  const settings = readAudienceConfig(world.config, { baseDir: world.directory, env: world.env })
  const ledger = sqliteLedger((settings.store as { path: string }).path)
  const runtime = {
    ...world.runtime,
    fetch: (request: Request) => mortality.around(() => world.runtime.fetch(request)),
  }
  const client = createAdsClient({ credentials: settings.credentials(), endpoints: settings.endpoints, runtime })
  const context = { settings, ledger: mortality.wrap(ledger), client, runtime, onProgress: () => {} }
  try {
    return await runCohort(context, settings.cohorts[0]!, { full, dryRun: false, yes, report: undefined })
  } catch (error) {
    // The HTTP layer reports a crash as a broken connection, as it must with any error; here nobody is left to see it.
    if (mortality.moments >= mortality.end) throw new Crash('gone')
    throw error
  } finally {
    await ledger.close()
  }
}
