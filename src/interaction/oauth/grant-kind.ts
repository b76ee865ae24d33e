import type { JWK } from 'jose';
import { isHeaderValue } from '../../core/header-value.ts';
import { isPosternError } from '../../core/postern-error.ts';
import type { ClientIdentity } from '../../oauth/client-identity.ts';
import { grantSchema, type Grant } from '../../oauth/grant-record.ts';
import { withClock, type OAuthHttp } from '../../oauth/oauth-http.ts';
import type { TokenRequestOptions } from '../../oauth/token-request.ts';
import type { CredentialKind, CredentialState } from '../credential-kind.ts';

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

/** A token this close to its end is renewed before it is used; a short-lived one in the last tenth of its life. */
const aheadMs = 60_000;

export interface GrantsOptions {
  /** How the issuer of a grant is reached. */
  readonly httpFor: (grant: Grant) => OAuthHttp;
  readonly tokenOptions?: TokenRequestOptions | undefined;
  /** Is told of a client that its issuer refuses. Resolves to whether the person can be asked as another. */
  readonly clientRefused?: ((client: ClientIdentity) => Promise<boolean>) | undefined;
}

/** The life of a grant: refreshed while it can be, told apart by its account, revoked when it is forgotten. */
export function grants(options: GrantsOptions): CredentialKind<Grant> {
  const { httpFor, tokenOptions } = options;
  const isClientOver = async (error: unknown, { client }: Grant): Promise<boolean> =>
    isPosternError(error, 'ERR_POSTERN_OAUTH_CLIENT_REJECTED') &&
    (await options.clientRefused?.(client)) === true;
  return {
    name: 'oauth_grant',
    read: (stored) => {
      const { data } = grantSchema.safeParse(stored);
      return data && isHeaderValue(data.accessToken) ? data : undefined;
    },
    stateOf: (stored, nowMs) => stateOf(stored as Grant, nowMs),

    async renew(stored, clock) {
      const grant = grantSchema.safeParse(stored).data;
      if (grant?.refreshToken === undefined) return undefined;
      const { refreshGrant } = await import('../../oauth/grant.ts');
      try {
        return await refreshGrant(grant, withClock(httpFor(grant), clock), tokenOptions);
      } catch (error) {
        if (isPosternError(error, 'ERR_POSTERN_OAUTH_GRANT_INVALID')) return undefined;
        // A grant ends with its client.
        if (await isClientOver(error, grant)) return undefined;
        throw error;
      }
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

    isSameAccount(earlier, obtained) {
      const [before, now] = [earlier as Grant, obtained as Grant];
      return before.issuer !== now.issuer || before.subject === undefined || before.subject === now.subject;
    },
  };
}

/** A third party's grant, as a tool sees it. */
export function serviceTokens(
  http: OAuthHttp,
  tokenOptions?: TokenRequestOptions,
): CredentialKind<OAuthCredential> {
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

function stateOf(
  { expiresAtMs, obtainedAtMs, refreshedAtMs, refreshToken }: Grant,
  nowMs: number,
): CredentialState {
  if (expiresAtMs === undefined) return 'good';
  const leftMs = expiresAtMs - nowMs;
  if (leftMs <= 0) return 'over';
  if (refreshToken === undefined) return 'good';
  const lifetimeMs = expiresAtMs - (refreshedAtMs ?? obtainedAtMs);
  return leftMs <= Math.min(aheadMs, lifetimeMs / 10) ? 'due' : 'good';
}
