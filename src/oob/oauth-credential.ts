import type { JWK } from 'jose';
import { findPosternError } from '../core/postern-error.ts';
import {
  grantSchema,
  refreshGrant,
  revokeGrant,
  type Grant,
  type TokenRequestOptions,
} from '../oauth/grant.ts';
import type { OAuthHttp } from '../oauth/oauth-http.ts';
import type { Flow } from './flow.ts';

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

/** A token this close to its end is renewed before it is given out; a short-lived one in the last tenth of its life. */
const aheadMs = 30_000;

/** The part of a flow that reads, renews and gives back grants. */
export function oauthCredentials(
  http: OAuthHttp,
  options: TokenRequestOptions = {},
): Required<Pick<Flow<OAuthCredential>, 'read' | 'renew' | 'discard'>> {
  return {
    read(stored) {
      const grant = grantSchema.safeParse(stored).data;
      if (grant === undefined || endsSoon(grant, http.clock())) return undefined;
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

    async renew(stored) {
      const grant = grantSchema.safeParse(stored).data;
      if (grant?.refreshToken === undefined) return undefined;
      try {
        return await refreshGrant(grant, http, options);
      } catch (error) {
        if (findPosternError(error)?.code === 'ERR_POSTERN_OAUTH_GRANT_INVALID') return undefined;
        throw error;
      }
    },

    async discard(stored) {
      return revokeGrant(grantSchema.parse(stored), http, options);
    },
  };
}

function endsSoon({ expiresAtMs, obtainedAtMs, refreshedAtMs }: Grant, nowMs: number): boolean {
  if (expiresAtMs === undefined) return false;
  const lifetimeMs = expiresAtMs - (refreshedAtMs ?? obtainedAtMs);
  return expiresAtMs - nowMs < Math.min(aheadMs, lifetimeMs / 10);
}
