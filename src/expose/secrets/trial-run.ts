import { sleep } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import { ServerLink } from '../child/server-link.ts';
import type { ProcessGuard } from '../child/process-guard.ts';
import { ServerProcess, type ChildCommand } from '../child/server-process.ts';

export interface TrialOptions {
  readonly command: ChildCommand;
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
  readonly maxLineBytes: number;
  readonly guard: ProcessGuard;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** How long a server that has answered must stay up to be believed: some look at their key only after the handshake. */
const stayMs = 300;

/**
 * Starts a server with what somebody has entered, and sees whether it gets ready and stays up.
 *
 * @returns `rejected` when it ends by itself. What it says about it stays in the log, without the values.
 * @throws the signal's reason when that takes too long.
 */
export async function tryToStart(options: TrialOptions): Promise<'accepted' | 'rejected'> {
  const { signal } = options;
  const ended = Promise.withResolvers<'rejected'>();
  const link = new ServerLink(
    { send: (text) => tried.send(text), queuedBytes: 0 },
    { maxCalls: 2, maxQueuedBytes: Infinity, onLoose: () => undefined, onDropped: () => undefined },
  );
  const tried = new ServerProcess({
    ...options,
    onMessage: (message) => link.take(message),
    onRefused: () => undefined,
    onEnd: () => {
      link.end('it has ended');
      ended.resolve('rejected');
    },
  });
  const ready = async (): Promise<'accepted'> => {
    const params = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'postern expose', version: '0.0.0' },
    };
    // A server of the new revision refuses the old handshake; it has started, and that is what is tried.
    await link.ask('initialize', params, 60_000);
    if (link.ended) return new Promise(() => undefined);
    await sleep(stayMs, { signal });
    return 'accepted';
  };
  try {
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
    return await Promise.race([ended.promise, ready(), aborted]);
  } finally {
    void tried.stop('the trial is over');
  }
}
