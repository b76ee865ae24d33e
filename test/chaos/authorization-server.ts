import { createHash, randomBytes } from 'node:crypto';
import { hashOf, type OperationLog } from './operation-log.ts';

/** What is answered to one request. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: unknown;
}

/** One request, as much of it as the servers look at. */
export interface Asked {
  readonly url: URL;
  readonly method: string;
  readonly body: string;
  /** A header by its lower-case name. */
  readonly header: (name: string) => string | undefined;
}

/** One consent of one person, and all tokens that came of it. */
interface Family {
  readonly id: string;
  readonly subject: string;
  isRevoked: boolean;
}

/** One access token and one refresh token, issued together. */
interface Issue {
  readonly family: Family;
  readonly parent: Issue | undefined;
  readonly successors: Issue[];
  readonly accessToken: string;
  readonly refreshToken: string;
  /** Its access token was accepted: from now on what it replaced is dead. */
  isUsed: boolean;
  isExpired: boolean;
  /** Its access token is refused once although it is good. */
  isToBeRefused: boolean;
}

/** What every secret of this server begins with, so that a leak is found without knowing them all. */
export const secretMark = 'zsecretz';

/**
 * An authorization server that rotates refresh tokens and ends the family when a dead one comes.
 *
 * A refresh token is good until the access token of a successor has been used, so that an answer that was lost can be
 * asked for again; then it is dead. Whoever comes with a name has consented. Everything is written to the log.
 */
export class ChaosAuthorizationServer {
  readonly #origin: string;
  readonly #log: OperationLog;
  readonly #codes = new Map<
    string,
    { challenge: string; redirectUri: string; subject: string; isUsed: boolean }
  >();
  readonly #accessTokens = new Map<string, Issue>();
  readonly #refreshTokens = new Map<string, Issue>();
  /** What must be readable nowhere, besides what begins with {@link secretMark}. */
  readonly clientSecrets = new Set<string>();
  #issues = 0;

  constructor(origin: string, log: OperationLog) {
    this.#origin = origin;
    this.#log = log;
  }

  /** Whose a good access token is. */
  subjectOf(accessToken: string): string | undefined {
    const issue = this.#accessTokens.get(accessToken);
    if (issue === undefined || issue.isExpired || issue.family.isRevoked) return undefined;
    if (issue.isToBeRefused) {
      issue.isToBeRefused = false;
      return undefined;
    }
    for (let used: Issue | undefined = issue; used !== undefined && !used.isUsed; used = used.parent)
      used.isUsed = true;
    return issue.family.subject;
  }

  /** Ends access tokens early that were in use, for good or for one request. Grants stay. */
  expireAccessTokens(subject: string, once: boolean): void {
    for (const issue of this.#accessTokens.values()) {
      if (issue.family.subject !== subject || !issue.isUsed) continue;
      if (once) issue.isToBeRefused = true;
      else issue.isExpired = true;
    }
  }

  answer(asked: Asked): Answer | undefined {
    switch (asked.url.pathname) {
      case '/.well-known/oauth-authorization-server':
        return { status: 200, body: this.#metadata() };
      case '/register':
        return {
          status: 201,
          body: {
            ...(JSON.parse(asked.body) as object),
            client_id: 'chaos',
            token_endpoint_auth_method: 'none',
          },
        };
      case '/authorize':
        return this.#authorize(asked);
      case '/token':
        return this.#token(asked);
      case '/revoke':
        return this.#revoke(new URLSearchParams(asked.body));
      default:
        return undefined;
    }
  }

  #metadata(): Record<string, unknown> {
    return {
      issuer: this.#origin,
      authorization_endpoint: `${this.#origin}/authorize`,
      token_endpoint: `${this.#origin}/token`,
      registration_endpoint: `${this.#origin}/register`,
      revocation_endpoint: `${this.#origin}/revoke`,
      response_types_supported: ['code'],
      grant_types_supported: ['authorization_code', 'refresh_token'],
      code_challenge_methods_supported: ['S256'],
      token_endpoint_auth_methods_supported: ['none'],
      authorization_response_iss_parameter_supported: true,
    };
  }

  #authorize({ url, header }: Asked): Answer {
    const redirectUri = url.searchParams.get('redirect_uri') ?? '';
    const location = new URL(redirectUri);
    const state = url.searchParams.get('state') ?? '';
    this.clientSecrets.add(state);
    location.searchParams.set('state', state);
    location.searchParams.set('iss', this.#origin);
    if (header('x-decision') === 'deny') {
      location.searchParams.set('error', 'access_denied');
    } else {
      const code = newSecret();
      const challenge = url.searchParams.get('code_challenge') ?? '';
      this.#codes.set(code, {
        challenge,
        redirectUri,
        subject: decodeURIComponent(header('x-person') ?? ''),
        isUsed: false,
      });
      location.searchParams.set('code', code);
    }
    return { status: 302, headers: { location: location.href } };
  }

  #token(asked: Asked): Answer {
    const form = new URLSearchParams(asked.body);
    if (form.get('grant_type') === 'authorization_code') return this.#redeem(form);
    if (form.get('grant_type') === 'refresh_token') return this.#refresh(form, asked);
    return { status: 400, body: { error: 'unsupported_grant_type' } };
  }

  #redeem(form: URLSearchParams): Answer {
    const code = form.get('code') ?? '';
    const verifier = form.get('code_verifier') ?? '';
    this.clientSecrets.add(verifier);
    const issued = this.#codes.get(code);
    this.#log.say({
      k: 'info',
      op: 'as-exchange',
      id: hashOf(code),
      ns: issued?.subject,
      token: hashOf(code),
    });
    const isGenuine =
      issued !== undefined &&
      !issued.isUsed &&
      createHash('sha256').update(verifier).digest('base64url') === issued.challenge &&
      form.get('redirect_uri') === issued.redirectUri;
    if (!isGenuine) return invalidGrant;
    issued.isUsed = true;
    const family = { id: randomBytes(6).toString('hex'), subject: issued.subject, isRevoked: false };
    return { status: 200, body: this.#issue(family, undefined) };
  }

  #refresh(form: URLSearchParams, { header }: Asked): Answer {
    const token = form.get('refresh_token') ?? '';
    const issue = this.#refreshTokens.get(token);
    const family = issue?.family;
    const said = {
      op: 'as-refresh',
      id: header('x-request') ?? '',
      request: header('x-request'),
      host: header('x-host'),
      ns: family?.subject,
      family: family?.id,
      token: hashOf(token),
    };
    if (issue === undefined || family === undefined || family.isRevoked) {
      this.#log.say({ ...said, k: 'fail', code: 'invalid_grant' });
      return invalidGrant;
    }
    // Dead when the access token of one that replaced it was used.
    if (issue.successors.some(({ isUsed }) => isUsed)) {
      family.isRevoked = true;
      this.#log.say({ ...said, k: 'fail', code: 'invalid_grant', isReuse: true });
      return invalidGrant;
    }
    const body = this.#issue(family, issue);
    this.#log.say({ ...said, k: 'ok', successor: hashOf(body['refresh_token'] as string) });
    return { status: 200, body };
  }

  #revoke(form: URLSearchParams): Answer {
    const token = form.get('token') ?? '';
    const issue = this.#refreshTokens.get(token) ?? this.#accessTokens.get(token);
    if (issue !== undefined) issue.family.isRevoked = true;
    return { status: 200, body: {} };
  }

  #issue(family: Family, parent: Issue | undefined): Record<string, unknown> {
    const issue: Issue = {
      family,
      parent,
      successors: [],
      accessToken: newSecret(),
      refreshToken: newSecret(),
      isUsed: false,
      isExpired: false,
      isToBeRefused: false,
    };
    parent?.successors.push(issue);
    this.#accessTokens.set(issue.accessToken, issue);
    this.#refreshTokens.set(issue.refreshToken, issue);
    // Some are short-lived, and are renewed before a server refuses them.
    const expiresInSeconds = this.#issues++ % 3 === 0 ? 2 : 3_600;
    return {
      access_token: issue.accessToken,
      refresh_token: issue.refreshToken,
      token_type: 'Bearer',
      expires_in: expiresInSeconds,
    };
  }
}

const invalidGrant: Answer = { status: 400, body: { error: 'invalid_grant' } };

function newSecret(): string {
  return `${secretMark}${randomBytes(24).toString('base64url')}`;
}
