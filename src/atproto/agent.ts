import { PosternError } from '../core/postern-error.ts';
import { isTokenOver } from './app-sessions.ts';
import type { AtprotoApplication } from './application.ts';
import { toPosternError } from './network-errors.ts';
import type { AtprotoNetwork } from './network.ts';
import { setupOf } from './session-setup.ts';
import { openClient } from './official-client.ts';
import type { AtprotoCredential, SessionServices } from './session-kind.ts';

/** Where an agent has its credential from, for each request anew. */
export interface AtprotoCredentialSource {
  /** The credential as it is stored by now: `context.credential(request)`. */
  readonly find: () => Promise<AtprotoCredential>;
  /** Tells that it was refused: `oob.credentials.reject(principal, request, refused)`. */
  readonly reject: (refused: AtprotoCredential) => Promise<void>;
}

/** Requests to an account's own server, as that account. */
export type AtprotoFetch = (path: string, init?: RequestInit) => Promise<Response>;

/**
 * Requests as an account, each with the session as it is stored by then: DPoP by the official client, and one repeat with
 * the renewed session when the server no longer takes the one before.
 *
 * `path` begins with `/xrpc/`. A body that is a stream is sent once.
 *
 * The requests throw {PosternError} ERR_POSTERN_OAUTH_UNREACHABLE, and what `find` and `reject` throw.
 *
 * @example
 * ```ts
 * const request = { resource: 'atproto', alias: 'alice.bsky.social', flow: login };
 * const call = atprotoAgent(services, {
 *   find: () => context.credential(request),
 *   reject: (refused) => oob.credentials.reject(context.principal, request, refused),
 * });
 * const timeline = await (await call('/xrpc/app.bsky.feed.getTimeline?limit=10')).json();
 * ```
 */
export function atprotoAgent(services: SessionServices, source: AtprotoCredentialSource): AtprotoFetch {
  return async (path, init = {}) => {
    if (!path.startsWith('/xrpc/')) throw new TypeError('the path of a request must begin with /xrpc/');
    const credential = await source.find();
    const response = await send(services, credential, path, init);
    if (response !== undefined && !(await isTokenOver(response))) return response;
    await source.reject(credential);
    const next = await source.find();
    const isSame = JSON.stringify(next) === JSON.stringify(credential);
    if (response !== undefined && (isSame || init.body instanceof ReadableStream)) return response;
    const again = await send(services, next, path, init);
    if (again === undefined) throw failed();
    return again;
  };
}

/** `undefined` when the application can no longer use the session. */
async function send(
  { network, application }: { readonly network: AtprotoNetwork; readonly application: AtprotoApplication },
  credential: AtprotoCredential,
  path: string,
  init: RequestInit,
): Promise<Response | undefined> {
  if (credential.method === 'app-password') {
    const headers = new Headers(init.headers);
    headers.set('authorization', `Bearer ${credential.accessJwt}`);
    return network.http.fetch(new URL(path, credential.pdsUrl).href, { ...init, headers });
  }
  // Without an end and a refresh token, the official client leaves renewing to whoever holds the lease.
  const { expires_at: _end, refresh_token: _refreshToken, ...tokenSet } = credential.session.tokenSet;
  const session = { ...credential.session, tokenSet };
  try {
    const setup = setupOf(credential, application);
    if (setup === undefined) return undefined;
    const client = await openClient(network, setup, { session });
    return await (await client.restore(credential.did, false)).fetchHandler(path, init);
  } catch (error) {
    throw toPosternError(error, "the account's server", () => failed(error));
  }
}

function failed(cause?: unknown): PosternError {
  return new PosternError('ERR_POSTERN_OAUTH_UNREACHABLE', "the account's server could not be reached", {
    cause,
    hint: 'Try again in a moment.',
  });
}
