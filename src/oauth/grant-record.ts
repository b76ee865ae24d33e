import type { JWK } from 'jose';
import { z, type ZodType } from 'zod';
import { clientIdentitySchema, type ClientIdentity } from './client-identity.ts';
import { issuerProfileSchema, type IssuerProfile } from './profiles/issuer-profile.ts';

/** Tokens, and everything they are bound to. */
export interface Grant {
  readonly accessToken: string;
  readonly tokenType: 'bearer' | 'dpop';
  /** Left out: the server did not say. */
  readonly expiresAtMs?: number | undefined;
  /** When the access token ends by its own text, where that can be read and is sooner. Only ever a reason to renew sooner. */
  readonly likelyEndMs?: number | undefined;
  readonly refreshToken?: string | undefined;
  /** Left out: the server did not say. */
  readonly refreshExpiresAtMs?: number | undefined;
  /** Since when the refresh tokens of this grant have ended at that time. Left out: from the beginning. */
  readonly refreshIssuedAtMs?: number | undefined;
  /** What was granted, or asked for where the server did not say. */
  readonly scopes?: readonly string[] | undefined;
  readonly issuer: string;
  /** What the server calls itself, where the operator allowed that to differ. */
  readonly statedIssuer?: string | undefined;
  readonly tokenEndpoint: string;
  readonly revocationEndpoint?: string | undefined;
  readonly idTokenSigningAlgs?: readonly string[] | undefined;
  readonly client: ClientIdentity;
  readonly resource: string;
  /** The `sub` of a validated ID token. */
  readonly subject?: string | undefined;
  /** What the person calls the account, by a validated ID token: an address or a name. It decides nothing. */
  readonly account?: string | undefined;
  readonly obtainedAtMs: number;
  readonly refreshedAtMs?: number | undefined;
  readonly dpopKeyJwk?: JWK | undefined;
  /** The last nonce of the token endpoint. */
  readonly dpopNonce?: string | undefined;
  readonly profile?: IssuerProfile | undefined;
  /** The operator allows endpoints in a private network. */
  readonly privateNetwork?: boolean | undefined;
}

export const grantSchema: ZodType<Grant> = z.looseObject({
  accessToken: z.string(),
  tokenType: z.enum(['bearer', 'dpop']),
  expiresAtMs: z.number().optional(),
  likelyEndMs: z.number().optional(),
  refreshToken: z.string().optional(),
  refreshExpiresAtMs: z.number().optional(),
  refreshIssuedAtMs: z.number().optional(),
  scopes: z.array(z.string()).optional(),
  issuer: z.string(),
  statedIssuer: z.string().optional(),
  tokenEndpoint: z.string(),
  revocationEndpoint: z.string().optional(),
  idTokenSigningAlgs: z.array(z.string()).optional(),
  client: clientIdentitySchema,
  resource: z.string(),
  subject: z.string().optional(),
  account: z.string().optional(),
  obtainedAtMs: z.number(),
  refreshedAtMs: z.number().optional(),
  dpopKeyJwk: z.looseObject({}).optional(),
  dpopNonce: z.string().optional(),
  profile: issuerProfileSchema.optional(),
  privateNetwork: z.boolean().optional(),
});

/** Whether a grant has a refresh token that has not ended by its own account. */
export function canRefresh(
  { refreshToken, refreshExpiresAtMs }: Pick<Grant, 'refreshToken' | 'refreshExpiresAtMs'>,
  nowMs: number,
): boolean {
  return refreshToken !== undefined && !(refreshExpiresAtMs !== undefined && refreshExpiresAtMs <= nowMs);
}
