import { createHash, randomBytes } from 'node:crypto';

/** One person's consent to one client: all tokens that came of it. */
interface Family {
  revoked: boolean;
  /** The one refresh token that may still be redeemed. */
  refreshToken: string;
}

/** What the server has seen since it started. */
export interface AuthorizationCounts {
  readonly authorizations: number;
  readonly refreshes: number;
  /** Refreshes with a token that had been redeemed before: each revokes its family. */
  readonly reuses: number;
  readonly revokedFamilies: number;
  /** Codes presented at the token endpoint that this server never issued. */
  readonly foreignCodes: number;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/**
 * An authorization server that rotates refresh tokens and revokes the whole family when one is used twice.
 *
 * Whoever comes to its authorization endpoint has consented. It exists to be counted.
 */
export class CountingAuthorizationServer {
  readonly #origin: string;
  readonly #codes = new Map<string, { challenge: string; redirectUri: string }>();
  readonly #accessTokens = new Map<string, Family>();
  readonly #refreshTokens = new Map<string, Family>();
  readonly #families: Family[] = [];
  #authorizations = 0;
  #refreshes = 0;
  #reuses = 0;
  #foreignCodes = 0;

  constructor(origin: string) {
    this.#origin = origin;
  }

  accepts(accessToken: string): boolean {
    return this.#accessTokens.get(accessToken)?.revoked === false;
  }

  /** Ends every access token; refresh tokens stay. */
  expireAccessTokens(): void {
    this.#accessTokens.clear();
  }

  /** A grant without a browser. */
  issueGrant(): Record<string, unknown> {
    return this.#issue(this.#newFamily());
  }

  counts(): AuthorizationCounts {
    const revokedFamilies = this.#families.filter(({ revoked }) => revoked).length;
    return {
      authorizations: this.#authorizations,
      refreshes: this.#refreshes,
      reuses: this.#reuses,
      revokedFamilies,
      foreignCodes: this.#foreignCodes,
    };
  }

  answer(url: URL, method: string, body: string): Answer | undefined {
    switch (url.pathname) {
      case '/.well-known/oauth-authorization-server':
        return { status: 200, body: this.#metadata() };
      case '/authorize':
        return this.#authorize(url.searchParams);
      case '/token':
        return method === 'POST' ? this.#token(new URLSearchParams(body)) : { status: 405 };
      case '/register':
        return {
          status: 201,
          body: { ...(JSON.parse(body) as object), client_id: 'bench', token_endpoint_auth_method: 'none' },
        };
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
      response_types_supported: ['code'],
      grant_types_supported: ['authorization_code', 'refresh_token'],
      code_challenge_methods_supported: ['S256'],
      token_endpoint_auth_methods_supported: ['none'],
    };
  }

  #authorize(query: URLSearchParams): Answer {
    this.#authorizations++;
    const redirectUri = query.get('redirect_uri') ?? '';
    const code = randomText();
    this.#codes.set(code, { challenge: query.get('code_challenge') ?? '', redirectUri });
    const location = new URL(redirectUri);
    location.searchParams.set('code', code);
    const state = query.get('state');
    if (state !== null) location.searchParams.set('state', state);
    return { status: 302, headers: { location: location.href } };
  }

  #token(form: URLSearchParams): Answer {
    switch (form.get('grant_type')) {
      case 'authorization_code':
        return this.#redeemCode(form);
      case 'refresh_token':
        return this.#refresh(form.get('refresh_token') ?? '');
      default:
        return { status: 400, body: { error: 'unsupported_grant_type' } };
    }
  }

  #redeemCode(form: URLSearchParams): Answer {
    const code = form.get('code') ?? '';
    const issued = this.#codes.get(code);
    if (issued === undefined) {
      this.#foreignCodes++;
      return invalidGrant;
    }
    const hash = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    if (hash !== issued.challenge || form.get('redirect_uri') !== issued.redirectUri) return invalidGrant;
    this.#codes.delete(code);
    return { status: 200, body: this.#issue(this.#newFamily()) };
  }

  #refresh(refreshToken: string): Answer {
    this.#refreshes++;
    const family = this.#refreshTokens.get(refreshToken);
    if (family === undefined || family.revoked) return invalidGrant;
    if (family.refreshToken !== refreshToken) {
      this.#reuses++;
      family.revoked = true;
      return invalidGrant;
    }
    return { status: 200, body: this.#issue(family) };
  }

  #newFamily(): Family {
    const family = { revoked: false, refreshToken: '' };
    this.#families.push(family);
    return family;
  }

  #issue(family: Family): Record<string, unknown> {
    const accessToken = randomText();
    family.refreshToken = randomText();
    this.#accessTokens.set(accessToken, family);
    this.#refreshTokens.set(family.refreshToken, family);
    return {
      access_token: accessToken,
      refresh_token: family.refreshToken,
      token_type: 'Bearer',
      expires_in: 3600,
    };
  }
}

const invalidGrant: Answer = { status: 400, body: { error: 'invalid_grant' } };

function randomText(): string {
  return randomBytes(24).toString('base64url');
}
