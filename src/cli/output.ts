import { Command } from 'commander'

/** 0 done, 1 failed, 2 wrong usage or configuration, 3 done but something was left out. */
export type ExitCode = 0 | 1 | 2 | 3

/** What a command has to say at its end. */
export interface Result {
  /** The one document of `--json`. */
  document: unknown
  /** The same for people. Left out: the document, indented. */
  text?: string
  /** 0 by default. */
  exitCode?: ExitCode
}

/** A failure with its own exit code. Any other error ends with code `failed` and exit code 1. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly code: string
  readonly exitCode: ExitCode

  constructor(code: string, message: string, exitCode: ExitCode = 1, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.exitCode = exitCode
  }
}

/** A wrong way to call a command: exit code 2. */
export const usageError = (message: string): CliError => new CliError('usage', message, 2)

const exitCodes = new WeakMap<Command, ExitCode>()

/** The exit code that the last command under this root ended with. */
export const exitCodeOf = (root: Command): ExitCode => exitCodes.get(root) ?? 0

function rootOf(command: Command): Command {
  let root = command
  while (root.parent) root = root.parent
  return root
}

/** Prints to standard output, whole lines. */
export function print(command: Command, text: string): void {
  command.configureOutput().writeOut?.(text.endsWith('\n') ? text : `${text}\n`)
}

/** Progress and remarks go to standard error, so that standard output holds the result alone. */
export function note(command: Command, text: string): void {
  command.configureOutput().writeErr?.(`${text}\n`)
}

/**
 * A commander action from a function that takes the options (those of the parents included), the arguments, and the
 * command for `print` and `note`, and answers with a result. A command that runs until it is stopped answers nothing.
 */
export function action<Options extends object>(
  run: (options: Options & { json?: boolean }, args: string[], command: Command) => Promise<Result | undefined>,
): (...args: unknown[]) => Promise<void> {
  return async (...all) => {
    const command = all.find((value) => value instanceof Command) as Command
    const options = command.optsWithGlobals<Options & { json?: boolean }>()
    const result = await run(options, command.args, command)
    if (!result) return
    const { document, text, exitCode = 0 } = result
    print(command, options.json || text === undefined ? JSON.stringify(document, null, 2) : text)
    exitCodes.set(rootOf(command), exitCode)
  }
}

/** The JSON document and exit code of a failure. The code is the error's own where it has a readable one. */
export function failureOf(error: unknown): {
  document: { error: { code: string; message: string } }
  exitCode: ExitCode
} {
  const { code, exitCode, message } = (error ?? {}) as { code?: unknown; exitCode?: unknown; message?: unknown }
  return {
    document: {
      error: {
        code: typeof code === 'string' ? code : 'failed',
        message: typeof message === 'string' ? message : `${error}`,
      },
    },
    exitCode: exitCode === 2 || exitCode === 3 ? exitCode : 1,
  }
}
