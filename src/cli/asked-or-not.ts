import type { AccountOptions } from './common-options.ts';
import { loginNeeded, openServer, type OpenedServer } from './open-server.ts';
import type { CommandContext } from './run-command.ts';

/** Options of commands that may have somebody sign in on the way. */
export interface LoginOptions extends AccountOptions {
  /** Left out: if somebody looks. */
  readonly login?: boolean | undefined;
}

/**
 * Does something with a server. Whoever has to sign in for it is asked on the way, where they look at a terminal; a script is
 * told at once, and does not wait for somebody who is not there.
 */
export async function withServer<T>(
  target: string,
  { login, account, timeout }: LoginOptions,
  context: CommandContext,
  work: (opened: OpenedServer) => Promise<T>,
): Promise<T> {
  const asks = login ?? context.output.isTerminal;
  const which = { account, timeoutMs: timeout };
  await using opened = await openServer(target, context, asks ? {} : 'nobody', which);
  try {
    return await work(opened);
  } catch (error) {
    throw asks ? error : loginNeeded(error, target);
  }
}
