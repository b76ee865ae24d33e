import type { JWK } from 'jose';
import { z, type ZodType } from 'zod';

/** How a client proves itself at the token endpoint. */
export type TokenEndpointAuthMethod =
  | 'none'
  | 'client_secret_basic'
  | 'client_secret_post'
  | 'private_key_jwt';

/** A client as one issuer knows it. Never used with another issuer. */
export interface ClientIdentity {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret?: string | undefined;
  readonly tokenEndpointAuthMethod: TokenEndpointAuthMethod;
  /** For `private_key_jwt`. Left out when assertions come from elsewhere. */
  readonly privateKeyJwk?: JWK | undefined;
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

export const clientIdentitySchema: ZodType<ClientIdentity> = z.lazy(() =>
  z.looseObject({
    issuer: z.string(),
    clientId: z.string(),
    clientSecret: z.string().optional(),
    tokenEndpointAuthMethod: z.enum(['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt']),
    privateKeyJwk: z.looseObject({}).optional(),
    source: z.enum(['preregistered', 'metadata-document', 'dynamic']),
    redirectUris: z.array(z.string()),
    secretExpiresAtMs: z.number().optional(),
    registeredScopes: z.array(z.string()).optional(),
    grantTypes: z.array(z.string()).optional(),
    registeredAtMs: z.number().optional(),
  }),
);
