import { PosternError } from '../../core/postern-error.ts';
import { toNamed } from '../../http/guard.ts';
import { errorOfEnd } from '../../pending/pending.ts';
import type { AuthStrategy } from '../auth/auth-strategy.ts';
import { findAuthorizationRequired, type AuthChallenge } from '../auth/authorization-required-error.ts';
import { authorizedFetch } from '../auth/authorized-fetch.ts';
import type { SessionOptions } from './session-options.ts';

/** How often one request is sent at most, each time after somebody has signed in. */
const maxSends = 4;

/** A `fetch` for whoever speaks to a session's server by other means than the session. */
export function sessionFetch(strategy: AuthStrategy, options: SessionOptions): typeof globalThis.fetch {
  const { server, fetch } = options;
  const { origin } = new URL(serverUrlOf(options));
  const authorized = authorizedFetch(strategy, { fetch: toNamed(fetch), server });
  return async (input, init) => {
    // What somebody else refuses says nothing of this server's credential.
    if (new URL(input instanceof Request ? input.url : input).origin !== origin) return fetch(input, init);
    return throughPerson(options, () => authorized(input, init), init?.signal ?? undefined);
  };
}

/** @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED where the server has no `url`. */
export function serverUrlOf({ server, config }: SessionOptions): string {
  const url = 'command' in config ? undefined : config.url;
  if (url !== undefined) return url;
  throw new PosternError(
    'ERR_POSTERN_CONFIG_MISCONFIGURED',
    `the server ${JSON.stringify(server)} has no "url" that requests could be sent to`,
  );
}

/** Does something that may need a person. With a coordinator that blocks, it is done again once they are done. */
export async function throughPerson<T>(
  options: SessionOptions,
  work: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  for (let sent = 1; ; sent++) {
    try {
      return await work();
    } catch (error) {
      const required = findAuthorizationRequired(error);
      if (required === undefined || !options.coordinator.blocksCallers || sent >= maxSends) throw error;
      await untilDone(required.challenge, options, signal);
    }
  }
}

/** @throws {PosternError} the code of its end, when the person has not done their part. */
async function untilDone(
  { pendingId }: AuthChallenge,
  { coordinator, context }: SessionOptions,
  signal: AbortSignal = new AbortController().signal,
): Promise<void> {
  const pending = await coordinator.pendings.in(context.namespace).get(pendingId);
  const ended = pending && (await coordinator.awaitEnd(pending, { signal }));
  const failure = errorOfEnd(ended ?? { status: 'expired' });
  if (failure !== undefined) throw failure;
}
