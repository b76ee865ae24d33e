import type { Command } from 'commander';
import { exitCodes } from './exit-codes.ts';
import { Output } from './output.ts';

/** The options that every command takes. */
export interface GlobalOptions {
  readonly json?: boolean | undefined;
  /** A file of servers, in place of the user's own. */
  readonly config?: string | undefined;
  readonly debug?: boolean | undefined;
}

/** What a command works with. */
export interface CommandContext {
  readonly output: Output;
  readonly options: GlobalOptions;
}

/**
 * Does what a command is for, says what went wrong, and sets what the process ends with.
 *
 * @param work resolves to the exit code, where that is not 0. What it needs, it loads itself.
 * @example
 * command.argument('<server>').action((server: string) =>
 *   runCommand(command, async (context) => (await loadLogIn()).logIn(server, context)));
 */
export async function runCommand(
  command: Command,
  work: (context: CommandContext) => Promise<number | void>,
): Promise<void> {
  const options: GlobalOptions = command.optsWithGlobals();
  const output = new Output(options);
  try {
    process.exitCode = (await work({ output, options })) ?? exitCodes.ok;
  } catch (error) {
    process.exitCode = output.fail(error, options);
  }
}
