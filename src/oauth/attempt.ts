import type { JWK } from 'jose';
import { z, type ZodType } from 'zod';
import type { RandomBytes } from '../core/random.ts';
import { clientIdentitySchema, type ClientIdentity } from './client-identity.ts';
import type { Discovery } from './discovery.ts';
import type { OAuthHttp } from './oauth-http.ts';
import { issuerProfileSchema, type IssuerProfile } from './profiles.ts';

/** Goes on without PKCE being advertised. The challenge is sent all the same. */
export const allowPkceUnadvertised: unique symbol = Symbol('postern.allowPkceUnadvertised');

/** One run at obtaining a grant, as it is stored between the redirect and the callback. Immutable. */
export interface Attempt {
  readonly issuer: string;
  /** Whether the callback must carry `iss`. */
  readonly issParameterSupported: boolean;
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  readonly revocationEndpoint?: string | undefined;
  readonly idTokenSigningAlgs?: readonly string[] | undefined;
  readonly client: ClientIdentity;
  readonly redirectUri: string;
  readonly resource: string;
  /** What was asked for. Left out: the server's default. */
  readonly scopes?: readonly string[] | undefined;
  readonly codeVerifier: string;
  /** The private key the tokens will be bound to. */
  readonly dpopKeyJwk?: JWK | undefined;
  readonly dpopNonce?: string | undefined;
  readonly profile?: IssuerProfile | undefined;
  readonly createdAtMs: number;
}

export const attemptSchema: ZodType<Attempt> = z.looseObject({
  issuer: z.string(),
  issParameterSupported: z.boolean(),
  authorizationEndpoint: z.string(),
  tokenEndpoint: z.string(),
  revocationEndpoint: z.string().optional(),
  idTokenSigningAlgs: z.array(z.string()).optional(),
  client: clientIdentitySchema,
  redirectUri: z.string(),
  resource: z.string(),
  scopes: z.array(z.string()).optional(),
  codeVerifier: z.string(),
  dpopKeyJwk: z.looseObject({}).optional(),
  dpopNonce: z.string().optional(),
  profile: issuerProfileSchema.optional(),
  createdAtMs: z.number(),
});

/** What {@link createAttempt} takes. */
export interface CreateAttemptOptions {
  readonly discovery: Pick<
    Discovery,
    'issuer' | 'server' | 'resource' | 'legacyEndpoints' | 'dpopRequired'
  >;
  readonly client: ClientIdentity;
  readonly redirectUri: string;
  readonly scopes?: readonly string[] | undefined;
  readonly extraAuthorizeParams?: Readonly<Record<string, string>> | undefined;
  readonly loginHint?: string | undefined;
  readonly profile?: IssuerProfile | undefined;
  /** Binds the tokens to a fresh key. Default: only when the resource requires it. */
  readonly dpop?: boolean | undefined;
  /** Default: 192 random bits. */
  readonly state?: string | undefined;
  readonly random?: RandomBytes | undefined;
  readonly [allowPkceUnadvertised]?: boolean | undefined;
}

/** An attempt, the state to find it by, and where to send the person. */
export interface StartedAttempt {
  readonly attempt: Attempt;
  readonly state: string;
  readonly url: string;
}

export async function createAttempt(
  _options: CreateAttemptOptions,
  _http: OAuthHttp,
): Promise<StartedAttempt> {
  throw new Error('not yet');
}

export function validateCallback(
  _attempt: Pick<Attempt, 'issuer' | 'issParameterSupported'>,
  _parameters: URLSearchParams,
): { readonly code: string } {
  throw new Error('not yet');
}
