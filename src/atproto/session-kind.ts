import type { Clock } from '../core/clock.ts';
import { findPosternError, PosternError } from '../core/postern-error.ts';
import type { Account, CredentialKind } from '../interaction/credential-kind.ts';
import { renewAtMs } from '../interaction/oauth/grant-life.ts';
import { describeUrl } from '../oauth/describe-url.ts';
import { OAuthRequestError } from '../oauth/oauth-request-error.ts';
import { deleteAppSession, refreshAppSession } from './app-sessions.ts';
import type { AtprotoApplication } from './application.ts';
import { setupOf } from './session-setup.ts';
import { isGrantOver, toPosternError } from './network-errors.ts';
import type { AtprotoNetwork } from './network.ts';
import { openClient, type Slots } from './official-client.ts';
import {
  atprotoSessionRecord,
  toRecord,
  type AtprotoSessionRecord,
  type OAuthSessionRecord,
} from './session-record.ts';

/**
 * A session as a tool gets it: enough to call the account's server with {@link atprotoAgent}, and nothing to renew it with.
 *
 * It holds tokens: it is for the server's own code, and never for a client.
 */
export type AtprotoCredential = AtprotoSessionRecord;

/** What sessions are kept alive and ended with. */
export interface SessionServices {
  readonly network: AtprotoNetwork;
  readonly application: AtprotoApplication;
}

/** The network as an issuer: a DID is the same account, whichever server it is on by now. */
const issuer = 'at://';

/** A refresh asks several servers before it sends its token. What is not sent by then is left for the next time. */
const sendsForMs = 4_000;

/** How long renewing or obtaining a session may take at most, as its lease has to know it. */
export function requestMsOf({ network }: SessionServices): number | undefined {
  const { timeoutMs } = network.http;
  return timeoutMs === undefined ? undefined : timeoutMs + sendsForMs;
}

/** The life of a session on the AT Protocol network, however it was begun. */
export function atprotoSessions(services: SessionServices): CredentialKind<AtprotoCredential> {
  return {
    name: 'atproto_session',
    // A server keeps each session of an account by itself, and forgets none of them for weeks.
    endsReplaced: true,
    read: (stored) => withoutRefreshToken(atprotoSessionRecord.safeParse(stored).data),
    stateOf: (stored, nowMs) => {
      const { expiresAtMs, issuedAtMs, ...record } = stored as AtprotoSessionRecord;
      if (expiresAtMs === undefined) return 'good';
      if (expiresAtMs <= nowMs) return 'over';
      const token = record.method === 'oauth' ? record.session.tokenSet.access_token : record.accessJwt;
      return renewAtMs(token, issuedAtMs, expiresAtMs) <= nowMs ? 'due' : 'good';
    },
    factsOf: (stored, nowMs) => {
      const record = stored as AtprotoSessionRecord;
      const renewable = refreshTokenOf(record) !== undefined;
      const isOver = record.expiresAtMs !== undefined && record.expiresAtMs <= nowMs;
      return {
        condition: isOver && !renewable ? 'over' : 'good',
        endsAtMs: record.expiresAtMs,
        renewable,
        account: accountOf(record),
      };
    },
    accountOf: (stored) => accountOf(stored as AtprotoSessionRecord),
    async renew(stored, clock) {
      const record = atprotoSessionRecord.safeParse(stored).data;
      if (record === undefined || refreshTokenOf(record) === undefined) return undefined;
      return record.method === 'oauth'
        ? refresh(record, clock, services)
        : refreshAppSession(services.network, record, clock);
    },
    async revoke(stored) {
      const record = atprotoSessionRecord.parse(stored);
      return record.method === 'oauth'
        ? revoke(record, services)
        : deleteAppSession(services.network, record);
    },
  };
}

/** Whose a session is. The DID decides; the handle is for people. */
function accountOf({ did, handle }: AtprotoSessionRecord): Account {
  return { issuer, subject: did, name: handle };
}

/** The DID of an account that a place had before. */
export function didOf(account: Account | undefined): string | undefined {
  return account?.issuer === issuer ? account.subject : undefined;
}

async function refresh(
  record: OAuthSessionRecord,
  clock: Clock,
  { network, application }: SessionServices,
): Promise<OAuthSessionRecord | undefined> {
  const slots: Slots & { session: OAuthSessionRecord['session'] } = { session: record.session };
  const setup = setupOf(record, application);
  if (setup === undefined) throw withoutKey();
  const client = await openClient(network, setup, slots, {
    sendsForMs,
  });
  try {
    await client.restore(record.did, true);
  } catch (error) {
    // From the moment the new tokens are there the old ones are spent, whatever failed after that.
    if (slots.session === record.session) {
      // The official client forgets a session also when its server could not be reached. The server's word alone ends it.
      if (isGrantOver(error)) return undefined;
      throw toPosternError(error, tokenEndpointOf(record), () => unusable(error));
    }
  }
  const { clientId, handle } = record;
  return toRecord(slots.session, { clientId, handle, nowMs: clock() });
}

async function revoke(
  record: OAuthSessionRecord,
  { network, application }: SessionServices,
): Promise<'confirmed' | 'unsupported' | 'refused'> {
  const { tokenSet } = record.session;
  try {
    const setup = setupOf(record, application);
    if (setup === undefined) throw withoutKey();
    const client = await openClient(network, setup, { session: record.session });
    const { server } = await client.restore(record.did, false);
    if (server.serverMetadata.revocation_endpoint === undefined) return 'unsupported';
    await server.request('revocation', { token: tokenSet.refresh_token ?? tokenSet.access_token });
    return 'confirmed';
  } catch (error) {
    if (isGrantOver(error)) return 'confirmed';
    throw toPosternError(error, `the revocation endpoint of ${describeUrl(record.issuer)}`, () =>
      unusable(error),
    );
  }
}

/** No server has said that the session is over: whoever puts the key back has it again. Its person is asked beside. */
function withoutKey(): PosternError {
  return new OAuthRequestError(
    'the application has no longer the key that a session was begun with',
    { isFinal: true },
    { hint: 'Put the key back behind the newer ones, or have people log in again.' },
  );
}

function tokenEndpointOf({ issuer: server }: OAuthSessionRecord): string {
  return `the token endpoint of ${describeUrl(server)}`;
}

/** What the official client says may quote an answer: it goes no further than the cause. */
function unusable(error: unknown): PosternError {
  return (
    findPosternError(error) ??
    new PosternError('ERR_POSTERN_OAUTH_REQUEST_FAILED', 'a session could not be renewed or ended just now', {
      hint: 'Try again in a moment.',
    })
  );
}

function refreshTokenOf(record: AtprotoSessionRecord): string | undefined {
  return record.method === 'oauth' ? record.session.tokenSet.refresh_token : record.refreshJwt;
}

function withoutRefreshToken(record: AtprotoSessionRecord | undefined): AtprotoCredential | undefined {
  if (record === undefined) return undefined;
  if (record.method === 'app-password') {
    const { refreshJwt: _refreshJwt, ...kept } = record;
    return kept;
  }
  const { refresh_token: _refreshToken, ...tokenSet } = record.session.tokenSet;
  return { ...record, session: { ...record.session, tokenSet } };
}
