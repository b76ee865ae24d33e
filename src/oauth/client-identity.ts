import type { JWK } from 'jose';
import * as z from 'zod';
import type { ZodType } from 'zod';

/** How a client proves itself at the token endpoint. */
export type TokenEndpointAuthMethod =
  | 'none'
  | 'client_secret_basic'
  | 'client_secret_post'
  | 'private_key_jwt'
  | 'tls_client_auth'
  | 'self_signed_tls_client_auth';

/** A client as one issuer knows it. Never used with another issuer. */
export interface ClientIdentity {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret?: string | undefined;
  readonly tokenEndpointAuthMethod: TokenEndpointAuthMethod;
  /** For `private_key_jwt`. Left out when assertions come from elsewhere. */
  readonly privateKeyJwk?: JWK | undefined;
  /** It shows a certificate at its issuer, which is no part of this; `bound`: the issuer binds its tokens to it. @see RFC 8705 */
  readonly mutualTls?: 'shown' | 'bound' | undefined;
  readonly source: 'preregistered' | 'metadata-document' | 'dynamic';
  readonly redirectUris: readonly string[];
  readonly secretExpiresAtMs?: number | undefined;
  /** What one that registered itself asked to be registered for: some issuers take it as a limit. Left out: the issuer takes no scopes there, or it is not known. */
  readonly registeredScopes?: readonly string[] | undefined;
  /** What one that registered itself may use. */
  readonly grantTypes?: readonly string[] | undefined;
  /** Of one that registered itself. */
  readonly registeredAtMs?: number | undefined;
}

/** Every {@link TokenEndpointAuthMethod}, for the schemas of what is stored and configured. */
export const tokenEndpointAuthMethods: readonly [TokenEndpointAuthMethod, ...TokenEndpointAuthMethod[]] = [
  'none',
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
  'tls_client_auth',
  'self_signed_tls_client_auth',
];

export const clientIdentitySchema: ZodType<ClientIdentity> = z.lazy(() =>
  z.looseObject({
    issuer: z.string(),
    clientId: z.string(),
    clientSecret: z.string().optional(),
    tokenEndpointAuthMethod: z.enum(tokenEndpointAuthMethods),
    privateKeyJwk: z.looseObject({}).optional(),
    mutualTls: z.enum(['shown', 'bound']).optional(),
    source: z.enum(['preregistered', 'metadata-document', 'dynamic']),
    redirectUris: z.array(z.string()),
    secretExpiresAtMs: z.number().optional(),
    registeredScopes: z.array(z.string()).optional(),
    grantTypes: z.array(z.string()).optional(),
    registeredAtMs: z.number().optional(),
  }),
);
