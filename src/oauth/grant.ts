import type { JWK } from 'jose';
import { z, type ZodType } from 'zod';
import type { Attempt } from './attempt.ts';
import { clientIdentitySchema, type ClientIdentity } from './client-identity.ts';
import type { Discovery } from './discovery.ts';
import type { OAuthHttp } from './oauth-http.ts';
import { issuerProfileSchema, type IssuerProfile } from './profiles.ts';

/** Tokens, and everything they are bound to. */
export interface Grant {
  readonly accessToken: string;
  readonly tokenType: 'bearer' | 'dpop';
  /** Left out: the server did not say. */
  readonly expiresAtMs?: number | undefined;
  readonly refreshToken?: string | undefined;
  /** What was granted. Left out: neither side said. */
  readonly scopes?: readonly string[] | undefined;
  readonly issuer: string;
  readonly tokenEndpoint: string;
  readonly revocationEndpoint?: string | undefined;
  readonly idTokenSigningAlgs?: readonly string[] | undefined;
  readonly client: ClientIdentity;
  readonly resource: string;
  /** The `sub` of a validated ID token. */
  readonly subject?: string | undefined;
  readonly obtainedAtMs: number;
  readonly refreshedAtMs?: number | undefined;
  readonly dpopKeyJwk?: JWK | undefined;
  /** The last nonce of the token endpoint. */
  readonly dpopNonce?: string | undefined;
  readonly profile?: IssuerProfile | undefined;
}

export const grantSchema: ZodType<Grant> = z.looseObject({
  accessToken: z.string(),
  tokenType: z.enum(['bearer', 'dpop']),
  expiresAtMs: z.number().optional(),
  refreshToken: z.string().optional(),
  scopes: z.array(z.string()).optional(),
  issuer: z.string(),
  tokenEndpoint: z.string(),
  revocationEndpoint: z.string().optional(),
  idTokenSigningAlgs: z.array(z.string()).optional(),
  client: clientIdentitySchema,
  resource: z.string(),
  subject: z.string().optional(),
  obtainedAtMs: z.number(),
  refreshedAtMs: z.number().optional(),
  dpopKeyJwk: z.looseObject({}).optional(),
  dpopNonce: z.string().optional(),
  profile: issuerProfileSchema.optional(),
});

/** What requests to a token endpoint may need beside their records. */
export interface TokenRequestOptions {
  /** Makes the client's assertion, for `private_key_jwt` without a key of our own. */
  readonly clientAssertion?: (() => string | Promise<string>) | undefined;
}

export async function exchangeCode(
  _attempt: Attempt,
  _code: string,
  _http: OAuthHttp,
  _options: TokenRequestOptions = {},
): Promise<Grant> {
  throw new Error('not yet');
}

export async function refreshGrant(
  _grant: Grant,
  _http: OAuthHttp,
  _options: TokenRequestOptions = {},
): Promise<Grant> {
  throw new Error('not yet');
}

/** Resolves to whether the authorization server was asked: some have no revocation endpoint. */
export async function revokeGrant(
  _grant: Grant,
  _http: OAuthHttp,
  _options: TokenRequestOptions = {},
): Promise<boolean> {
  throw new Error('not yet');
}

/** What grants without a person take. */
export interface MachineGrantOptions extends TokenRequestOptions {
  readonly discovery: Pick<Discovery, 'issuer' | 'server' | 'resource' | 'dpopRequired'>;
  readonly client: ClientIdentity;
  readonly scopes?: readonly string[] | undefined;
  readonly profile?: IssuerProfile | undefined;
  readonly dpop?: boolean | undefined;
}

export async function clientCredentialsGrant(
  _options: MachineGrantOptions,
  _http: OAuthHttp,
): Promise<Grant> {
  throw new Error('not yet');
}

export async function jwtBearerGrant(
  _options: MachineGrantOptions & { readonly assertion: string },
  _http: OAuthHttp,
): Promise<Grant> {
  throw new Error('not yet');
}

/** What {@link exchangeForIdJag} takes. */
export interface IdJagOptions extends TokenRequestOptions {
  /** The client at the identity provider. Its issuer is the provider's. */
  readonly client: ClientIdentity;
  /** Of the identity provider. */
  readonly tokenEndpoint: string;
  readonly subjectToken: string;
  /** Default: an ID token. */
  readonly subjectTokenType?: string | undefined;
  /** The issuer of the MCP server's authorization server. */
  readonly audience: string;
  /** The MCP server. */
  readonly resource: string;
  readonly scopes?: readonly string[] | undefined;
}

/** Resolves to the assertion for {@link jwtBearerGrant}. */
export async function exchangeForIdJag(_options: IdJagOptions, _http: OAuthHttp): Promise<string> {
  throw new Error('not yet');
}
