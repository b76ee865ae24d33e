import type { JWK } from 'jose';
import * as z from 'zod';
import type { ZodType } from 'zod';
import { clientIdentitySchema, type ClientIdentity } from './client-identity.ts';
import { issuerProfileSchema, type IssuerProfile } from './profiles/issuer-profile.ts';

/** Where tokens are asked for, as whom, and what for. Attempts, device codes and grants are such. */
export interface TokenEndpoint {
  readonly issuer: string;
  /** What the server calls itself, where the operator allowed that to differ. */
  readonly statedIssuer?: string | undefined;
  readonly tokenEndpoint: string;
  readonly revocationEndpoint?: string | undefined;
  readonly idTokenSigningAlgs?: readonly string[] | undefined;
  readonly client: ClientIdentity;
  readonly resource: string;
  /** What was asked for, or granted. Left out: the server's default. */
  readonly scopes?: readonly string[] | undefined;
  /** The private key the tokens are bound to. */
  readonly dpopKeyJwk?: JWK | undefined;
  /** The last nonce of the token endpoint. */
  readonly dpopNonce?: string | undefined;
  readonly profile?: IssuerProfile | undefined;
  /** The operator allows endpoints in a private network. */
  readonly privateNetwork?: boolean | undefined;
}

/** The fields of a {@link TokenEndpoint}, for the schemas of what is stored. */
export const tokenEndpointFields: { readonly [Name in keyof TokenEndpoint]-?: ZodType<TokenEndpoint[Name]> } =
  {
    issuer: z.string(),
    statedIssuer: z.string().optional(),
    tokenEndpoint: z.string(),
    revocationEndpoint: z.string().optional(),
    idTokenSigningAlgs: z.array(z.string()).optional(),
    client: clientIdentitySchema,
    resource: z.string(),
    scopes: z.array(z.string()).optional(),
    dpopKeyJwk: z.looseObject({}).optional(),
    dpopNonce: z.string().optional(),
    profile: issuerProfileSchema.optional(),
    privateNetwork: z.boolean().optional(),
  };

/** What of an attempt, or of a device code, its grant goes on with. */
export function tokenEndpointOf(source: TokenEndpoint): TokenEndpoint {
  const names = Object.keys(tokenEndpointFields) as (keyof TokenEndpoint)[];
  const kept = names.filter((name) => source[name] !== undefined).map((name) => [name, source[name]]);
  return Object.fromEntries(kept) as TokenEndpoint;
}
