import * as z from 'zod';
import type { Clock } from '../core/clock.ts';
import { PosternError } from '../core/postern-error.ts';
import { likelyEndMs } from '../oauth/token-lifetime.ts';
import type { AtprotoNetwork } from './network.ts';
import type { AppPasswordSessionRecord } from './session-record.ts';

const sessionAnswer = z.looseObject({
  did: z.string(),
  handle: z.string(),
  accessJwt: z.string(),
  refreshJwt: z.string(),
});

const errorAnswer = z.looseObject({ error: z.string() });

/** Errors by which a server says that a token is no longer good. */
const over: ReadonlySet<string> = new Set(['ExpiredToken', 'InvalidToken', 'AuthMissing', 'AccountTakedown']);

/** Opens a session with an app password; `undefined` when the server refuses it. @throws {PosternError} ERR_POSTERN_OAUTH_UNREACHABLE, ERR_POSTERN_OAUTH_RESPONSE_INVALID */
export async function createAppSession(
  network: AtprotoNetwork,
  pdsUrl: string,
  { identifier, password }: { readonly identifier: string; readonly password: string },
  clock: Clock,
): Promise<AppPasswordSessionRecord | undefined> {
  const response = await call(network, pdsUrl, 'com.atproto.server.createSession', {
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ identifier, password }),
  });
  if (response.status === 401 || response.status === 400) return undefined;
  return readSession(response, pdsUrl, clock);
}

/** `undefined` when the session has ended for good. */
export async function refreshAppSession(
  network: AtprotoNetwork,
  { pdsUrl, refreshJwt = '' }: AppPasswordSessionRecord,
  clock: Clock,
): Promise<AppPasswordSessionRecord | undefined> {
  const response = await call(network, pdsUrl, 'com.atproto.server.refreshSession', bearer(refreshJwt));
  return (await isTokenOver(response)) ? undefined : readSession(response, pdsUrl, clock);
}

export async function deleteAppSession(
  network: AtprotoNetwork,
  { pdsUrl, refreshJwt = '' }: AppPasswordSessionRecord,
): Promise<'confirmed'> {
  const response = await call(network, pdsUrl, 'com.atproto.server.deleteSession', bearer(refreshJwt));
  if (response.ok || (await isTokenOver(response))) return 'confirmed';
  throw unexpected(response);
}

/** Whether a server refuses a request for its token alone. Leaves the answer to be read. */
export async function isTokenOver(response: Response): Promise<boolean> {
  if (response.status !== 400 && response.status !== 401) return false;
  if (/\berror="invalid_token"/u.test(response.headers.get('www-authenticate') ?? '')) return true;
  const { data } = errorAnswer.safeParse(
    await response
      .clone()
      .json()
      .catch(() => undefined),
  );
  return data !== undefined && over.has(data.error);
}

function call(network: AtprotoNetwork, pdsUrl: string, nsid: string, init: RequestInit): Promise<Response> {
  return network.http.fetch(new URL(`/xrpc/${nsid}`, pdsUrl).href, { method: 'POST', ...init });
}

function bearer(token: string): RequestInit {
  return { headers: { authorization: `Bearer ${token}` } };
}

async function readSession(
  response: Response,
  pdsUrl: string,
  clock: Clock,
): Promise<AppPasswordSessionRecord> {
  if (!response.ok) throw unexpected(response);
  const { success, data } = sessionAnswer.safeParse(await response.json().catch(() => undefined));
  if (!success) {
    throw new PosternError('ERR_POSTERN_OAUTH_RESPONSE_INVALID', 'a server answered with no session');
  }
  const { did, handle, accessJwt, refreshJwt } = data;
  const nowMs = clock();
  const expiresAtMs = likelyEndMs(accessJwt, nowMs);
  return {
    method: 'app-password',
    did,
    handle,
    pdsUrl,
    scopes: [],
    issuedAtMs: nowMs,
    ...(expiresAtMs !== undefined && { expiresAtMs }),
    accessJwt,
    refreshJwt,
  };
}

function unexpected({ status }: Response): PosternError {
  return new PosternError(
    'ERR_POSTERN_OAUTH_REQUEST_FAILED',
    `a server answered a request about a session with status ${status}`,
    { hint: 'Try again in a moment.' },
  );
}
