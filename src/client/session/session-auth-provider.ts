import type { AuthProvider } from '@modelcontextprotocol/client';
import { PosternError } from '../../core/postern-error.ts';
import type { Authorization, AuthStrategy } from '../auth/auth-strategy.ts';
import { serverUrlOf, throughPerson } from './session-fetch.ts';
import type { SessionOptions } from './session-options.ts';

/** How long after a token was replaced a refusal may still be of the one before. */
const inFlightMs = 10_000;

/** A token as it was given out. */
interface GivenOut {
  readonly authorization: Authorization;
  readonly token: string | undefined;
  readonly sinceMs: number;
  /** For how many requests, less those that were refused. */
  requests: number;
  wasRefused: boolean;
}

/**
 * A session's credential, as the official SDK (2.x) asks its `AuthProvider` for one: a token before each request, and another
 * chance after a 401, with which the SDK sends the request once more.
 *
 * Tokens are found, renewed once for everybody, and asked for as the session's own are. A person who has to sign in first is
 * an {@link AuthorizationRequiredError} with their link, which the SDK hands on; a coordinator that blocks waits for them.
 * Whoever needs a proof for each request (DPoP), or has a key in another header, takes `session.fetch`.
 *
 * The SDK asks for a token without saying where it goes: give it to a transport of the session's own server, and no other.
 */
export class SessionAuthProvider implements AuthProvider {
  readonly #strategy: AuthStrategy;
  readonly #options: SessionOptions;
  /** Whose credential it is. */
  readonly serverUrl: string;
  #latest: GivenOut | undefined;
  #before: GivenOut | undefined;

  constructor(strategy: AuthStrategy, options: SessionOptions) {
    this.#strategy = strategy;
    this.#options = options;
    this.serverUrl = serverUrlOf(options);
  }

  /**
   * The access token to send now, renewed ahead of its end; `undefined` while there is none.
   *
   * @throws {AuthorizationRequiredError} when what there was has ended, and its person has to sign in again.
   * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED where a token alone is not enough.
   */
  async token(): Promise<string | undefined> {
    const authorization = await throughPerson(this.#options, () =>
      this.#strategy.authorize({ method: 'POST', url: this.serverUrl }),
    );
    const token = tokenOf(authorization, this.#options.server);
    if (this.#latest === undefined || this.#latest.token !== token) {
      this.#before = this.#latest;
      const sinceMs = this.#options.clock();
      this.#latest = { authorization, token, sinceMs, requests: 0, wasRefused: false };
    }
    this.#latest.requests++;
    return token;
  }

  /**
   * Answers a 401: returns when the request may be sent again.
   *
   * @throws {AuthorizationRequiredError} when a person has to sign in first.
   * @throws {PosternError} ERR_POSTERN_AUTH_CREDENTIAL_REFUSED when nobody can be asked for another credential.
   */
  async onUnauthorized({ response }: { readonly response: Response }): Promise<void> {
    await this.#answer(response, this.#findRefused());
  }

  /**
   * For whoever catches the SDK's `InsufficientScopeError`, which it throws without asking its provider: asks the person for
   * those scopes besides what they have granted. Returns when they were granted meanwhile, and the call may be made again.
   *
   * @throws {AuthorizationRequiredError} when the person has to grant them first.
   * @throws {PosternError} ERR_POSTERN_OAUTH_SCOPE_INSUFFICIENT when they have been granted, and are not enough.
   */
  async onInsufficientScope({
    requiredScope,
  }: {
    readonly requiredScope?: string | undefined;
  }): Promise<void> {
    const response = refusal(403, `Bearer error="insufficient_scope"${scopeParameter(requiredScope)}`);
    await this.#answer(response, this.#latest?.authorization ?? { headers: {} });
  }

  async #answer(response: Response, authorization: Authorization): Promise<void> {
    const isAnswered = await throughPerson(this.#options, () =>
      this.#strategy.handleRefusal({ response, authorization, attempt: 1 }),
    );
    if (isAnswered) return;
    throw new PosternError(
      'ERR_POSTERN_AUTH_CREDENTIAL_REFUSED',
      `the server ${JSON.stringify(this.#options.server)} refuses what it is configured with`,
    );
  }

  /**
   * What was refused. The SDK does not say: a request that went out before the token was replaced may be answered after
   * that, and to take it for one with the new token would have that renewed for nothing.
   *
   * Nor does it say what was accepted, and a token that was renewed and never accepted is not renewed again: so one that
   * has been in use for a while, and was not refused, counts as accepted.
   */
  #findRefused(): Authorization {
    const latest = this.#latest;
    if (latest === undefined) return { headers: {} };
    const isNew = this.#options.clock() - latest.sinceMs < inFlightMs;
    const refused = isNew && (this.#before?.requests ?? 0) > 0 ? this.#before : latest;
    if (refused === undefined) return latest.authorization;
    if (refused === latest && !isNew && !latest.wasRefused) this.#strategy.accepted?.(latest.authorization);
    refused.requests--;
    refused.wasRefused = true;
    return refused.authorization;
  }
}

function tokenOf({ headers }: Authorization, server: string): string | undefined {
  const sent = Object.entries(headers);
  if (sent.length === 0) return undefined;
  const [[name, value] = ['', '']] = sent;
  const token = /^Bearer (.+)$/iu.exec(value)?.[1];
  if (sent.length === 1 && name.toLowerCase() === 'authorization' && token !== undefined) return token;
  throw new PosternError(
    'ERR_POSTERN_CONFIG_MISCONFIGURED',
    `what the server ${JSON.stringify(server)} is sent is more than a bearer token`,
    { hint: 'Give the other client the session’s `fetch` instead.' },
  );
}

/** A refusal as a server would have sent it. */
export function refusal(status: 401 | 403, challenge: string): Response {
  return new Response(null, { status, headers: { 'www-authenticate': challenge } });
}

/** As a further parameter of a challenge. What is no scope (RFC 6749 §3.3) is left out: a server's words come to us here. */
export function scopeParameter(scope: string | undefined): string {
  const scopes = scope?.split(' ').filter((one) => /^[\x21\x23-\x5B\x5D-\x7E]+$/u.test(one)) ?? [];
  return scopes.length === 0 ? '' : `, scope="${scopes.join(' ')}"`;
}
