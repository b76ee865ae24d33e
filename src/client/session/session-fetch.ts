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
  const { server, config, fetch, coordinator } = options;
  const url = 'command' in config ? undefined : config.url;
  if (url === undefined) {
    throw new PosternError(
      'ERR_POSTERN_CONFIG_MISCONFIGURED',
      `the server ${JSON.stringify(server)} has no "url" that requests could be sent to`,
    );
  }
  const { origin } = new URL(url);
  const authorized = authorizedFetch(strategy, { fetch: toNamed(fetch), server });
  return async (input, init) => {
    // What somebody else refuses says nothing of this server's credential.
    if (new URL(input instanceof Request ? input.url : input).origin !== origin) return fetch(input, init);
    for (let sent = 1; ; sent++) {
      try {
        return await authorized(input, init);
      } catch (error) {
        const required = findAuthorizationRequired(error);
        if (required === undefined || !coordinator.blocksCallers || sent >= maxSends) throw error;
        await untilDone(required.challenge, options, init?.signal ?? undefined);
      }
    }
  };
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
