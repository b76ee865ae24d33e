import type { JWK } from 'jose';
import type { Clock } from '../../core/clock.ts';
import { isHeaderValue } from '../../core/header-value.ts';
import { isPosternError } from '../../core/postern-error.ts';
import type { ClientIdentity } from '../../oauth/client-identity.ts';
import { canRefresh, grantSchema, type Grant } from '../../oauth/grant-record.ts';
import { withClock, type OAuthHttp } from '../../oauth/oauth-http.ts';
import type { TokenRequestOptions } from '../../oauth/token-request.ts';
import type { CredentialKind } from '../credential-kind.ts';
import { accountOf, grantFacts, grantState } from './grant-life.ts';

/** What a tool gets of a grant: enough to call the service, and nothing to renew it with. */
export interface OAuthCredential {
  readonly accessToken: string;
  readonly tokenType: 'bearer' | 'dpop';
  /** What was granted, which may be less than was asked for. */
  readonly scopes: readonly string[] | undefined;
  readonly expiresAtMs: number | undefined;
  readonly subject: string | undefined;
  /** The private key each request is signed with, when the token is bound to one. */
  readonly dpopKeyJwk?: JWK | undefined;
}

export interface GrantsOptions {
  /** How the issuer of a grant is reached. */
  readonly httpFor: (grant: Grant) => OAuthHttp;
  readonly tokenOptions?: TokenRequestOptions | undefined;
  /** Is told of a client that its issuer refuses. Resolves to whether the person can be asked as another. */
  readonly clientRefused?: ((client: ClientIdentity) => Promise<boolean>) | undefined;
  /** Gets another in its place, where that needs nobody. */
  readonly obtainAnew?: ((grant: Grant, clock: Clock) => Promise<Grant>) | undefined;
}

/** The life of a grant: refreshed while it can be, told apart by its account, revoked when it is forgotten. */
export function grants(options: GrantsOptions): CredentialKind<Grant, Grant> {
  const { httpFor, tokenOptions, obtainAnew } = options;
  const needsNobody = obtainAnew !== undefined;
  const isClientOver = async (error: unknown, { client }: Grant): Promise<boolean> =>
    isPosternError(error, 'ERR_POSTERN_OAUTH_CLIENT_REJECTED') &&
    (await options.clientRefused?.(client)) === true;
  const refresh = async (grant: Grant, clock: Clock): Promise<Grant | undefined> => {
    const { refreshGrant } = await import('../../oauth/grant.ts');
    try {
      return await refreshGrant(grant, withClock(httpFor(grant), clock), tokenOptions);
    } catch (error) {
      if (isPosternError(error, 'ERR_POSTERN_OAUTH_GRANT_INVALID')) return undefined;
      // A grant ends with its client.
      if (await isClientOver(error, grant)) return undefined;
      throw error;
    }
  };
  return {
    name: 'oauth_grant',
    read: (stored) => {
      const { data } = grantSchema.safeParse(stored);
      return data && isHeaderValue(data.accessToken) ? data : undefined;
    },
    stateOf: (grant, nowMs, learnedLifetimeMs) =>
      grantState({ grant, nowMs, learnedLifetimeMs, needsNobody }),
    factsOf: (grant, nowMs, asked) => grantFacts({ grant, nowMs, needsNobody }, asked),
    accountOf,
    async renew(stored, clock) {
      const grant = grantSchema.safeParse(stored).data;
      if (grant === undefined) return undefined;
      const refreshed = canRefresh(grant, clock()) ? await refresh(grant, clock) : undefined;
      return refreshed ?? obtainAnew?.(grant, clock);
    },
    async revoke(stored) {
      const { revokeGrant } = await import('../../oauth/grant.ts');
      const grant = grantSchema.parse(stored);
      try {
        return { ...(await revokeGrant(grant, httpFor(grant), tokenOptions)) };
      } catch (error) {
        await isClientOver(error, grant);
        throw error;
      }
    },
  };
}

/** A third party's grant, as a tool sees it. */
export function serviceTokens(
  http: OAuthHttp,
  tokenOptions?: TokenRequestOptions,
): CredentialKind<OAuthCredential, Grant> {
  const kind = grants({ httpFor: () => http, tokenOptions });
  return {
    ...kind,
    read(stored) {
      const grant = kind.read(stored);
      if (grant === undefined) return undefined;
      const { accessToken, tokenType, scopes, expiresAtMs, subject, dpopKeyJwk } = grant;
      return {
        accessToken,
        tokenType,
        scopes,
        expiresAtMs,
        subject,
        ...(tokenType === 'dpop' && { dpopKeyJwk }),
      };
    },
  };
}
