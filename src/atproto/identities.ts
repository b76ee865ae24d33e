import { findPosternError, PosternError } from '../core/postern-error.ts';
import type { FlowBeginning } from '../interaction/flow.ts';
import type { AtprotoNetwork } from './network.ts';
import { openAnonymous, type NodeOAuthClient } from './official-client.ts';
import { didOf } from './session-kind.ts';

/** Whom a login is for, and where it goes. */
export interface Identity {
  /** What the official client is given: a handle, a DID, or the address of a service. */
  readonly input: string;
  /** Left out: whoever signs in there. */
  readonly did?: string | undefined;
  readonly handle?: string | undefined;
  /** Their server, where an account is known. */
  readonly pdsUrl?: string | undefined;
  /** The authorization server. */
  readonly issuer: string;
}

/** Characters that come along when a handle is copied, and are not seen. */
const invisible = /[\u200B-\u200F\u202A-\u202E\u2060-\u2069\uFEFF]/gu;

/**
 * What a person has written as their account: a handle with or without its @, a DID, or the address of a service; nothing
 * when they left it out.
 *
 * @throws {PosternError} ERR_POSTERN_AUTH_ACCOUNT_UNKNOWN when it is none of these.
 */
export function readAccountName(text: string | undefined): string | undefined {
  const name = (text ?? '').replace(invisible, '').trim().replace(/^@/u, '');
  if (name === '') return undefined;
  if (/^did:(?:plc:[a-z2-7]{24}|web:[\w.%-]+)$/u.test(name)) return name;
  if (/^https?:\/\//iu.test(name)) {
    if (URL.canParse(name)) return new URL(name).origin;
  } else if (/^(?:[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?\.)+[a-z](?:[a-z\d-]{0,61}[a-z\d])?$/iu.test(name)) {
    if (name.length <= 253) return name.toLowerCase();
  }
  throw new PosternError(
    'ERR_POSTERN_AUTH_ACCOUNT_UNKNOWN',
    `${JSON.stringify(name.slice(0, 100))} is no handle, no DID and no address of a service`,
    { hint: 'A handle has a dot in it, such as alice.bsky.social.' },
  );
}

/**
 * Follows an account, or the address of a service, to the authorization server.
 *
 * @throws {PosternError} ERR_POSTERN_AUTH_ACCOUNT_UNKNOWN when a handle or DID leads to nobody.
 * @throws {PosternError} ERR_POSTERN_OAUTH_DISCOVERY_FAILED when their server, or the service, says no authorization server.
 * @throws {PosternError} ERR_POSTERN_OAUTH_UNREACHABLE, ERR_POSTERN_OAUTH_URL_FORBIDDEN
 */
export async function resolveIdentity(network: AtprotoNetwork, input: string): Promise<Identity> {
  const client = await openAnonymous(network);
  const isService = /^https?:/u.test(input);
  const known: Pick<Identity, 'did' | 'handle'> = isService
    ? {}
    : await client.identityResolver.resolve(input).then(
        ({ did, handle }) => ({ did, ...(handle !== 'handle.invalid' && { handle }) }),
        (error: unknown) => {
          throw findPosternError(error) ?? unknownAccount(input, error);
        },
      );
  try {
    const { metadata, pds } = await resolveServer(client, known.did ?? input);
    return { input: known.did ?? input, ...known, ...(pds && { pdsUrl: pds.href }), issuer: metadata.issuer };
  } catch (error) {
    throw findPosternError(error) ?? withoutServer(error);
  }
}

async function resolveServer(
  { oauthResolver }: NodeOAuthClient,
  input: string,
): Promise<{ readonly metadata: { readonly issuer: string }; readonly pds?: URL }> {
  return oauthResolver.resolve(input);
}

/** The handle of an account, checked both ways; `undefined` when it has none, or it cannot be found out. */
export async function findHandle(network: AtprotoNetwork, did: string): Promise<string | undefined> {
  try {
    const { handle } = await (await openAnonymous(network)).identityResolver.resolve(did);
    return handle === 'handle.invalid' ? undefined : handle;
  } catch {
    return undefined;
  }
}

/**
 * Whom a login is for, as far as it is said: by the login hint, or else by an alias that is a name on the network, or else
 * by who was there before.
 *
 * @throws {PosternError} as {@link readAccountName}
 */
export function accountNameOf({ alias, loginHint, account }: FlowBeginning): string | undefined {
  return (
    readAccountName(loginHint) ?? (/[.:]/u.test(alias) ? readAccountName(alias) : undefined) ?? didOf(account)
  );
}

function unknownAccount(input: string, cause: unknown): PosternError {
  return new PosternError(
    'ERR_POSTERN_AUTH_ACCOUNT_UNKNOWN',
    `the account ${JSON.stringify(input)} was not found on the network`,
    { cause, hint: 'Check how the handle is written. A new handle may take a while until it is known.' },
  );
}

function withoutServer(cause: unknown): PosternError {
  return new PosternError(
    'ERR_POSTERN_OAUTH_DISCOVERY_FAILED',
    'the server of the account does not say where people sign in',
    { cause, hint: 'Try again in a moment. A service without OAuth takes app passwords only.' },
  );
}
