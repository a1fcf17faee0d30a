import { getHeapStatistics } from 'node:v8'

/** Documented flags of Node that bound the young objects, and by their total make old ones be collected sooner. */
const YOUNG_MB = 4
const TOTAL_MB = 1_024

const DECIDED = /--max[-_](semi[-_]space|old[-_]space|heap)[-_]size/

/**
 * The arguments of Node with which a long-running command stays small, or undefined where nothing is to be changed.
 * Left alone, V8 takes more memory the more the machine has. What the operator says about it stands.
 *
 * @param heapLimitMb What V8 would use at most by itself.
 */
export function smallMemoryArgs(
  argv: readonly string[],
  execArgv: readonly string[],
  nodeOptions: string | undefined,
  heapLimitMb = getHeapStatistics().heap_size_limit / 1_048_576,
): string[] | undefined {
  if (DECIDED.test([...execArgv, nodeOptions].join(' '))) return undefined
  const flags = [`--max-semi-space-size=${YOUNG_MB}`]
  if (heapLimitMb > TOTAL_MB) flags.push(`--max-old-space-size=${TOTAL_MB}`)
  return [argv[0]!, ...execArgv, ...flags, ...argv.slice(1)]
}

/**
 * Starts this process anew, under the same id, with those arguments. Where a platform cannot (Windows, Node before
 * 22.15), or somebody talks to the process over a channel that would end, it goes on as it is.
 */
export function becomeSmall(): void {
  const args = smallMemoryArgs(process.argv, process.execArgv, process.env.NODE_OPTIONS)
  if (!args || process.channel || process.platform === 'win32') return
  try {
    process.execve?.(process.execPath, args, process.env)
  } catch {
    // Not allowed here: it takes more memory, and works.
  }
}
