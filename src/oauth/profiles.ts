import { z, type ZodType } from 'zod';

/** What one issuer needs that the specifications do not say. Data only, and stored with what it shaped. */
export interface IssuerProfile {
  /** Added to the authorization request. */
  readonly authorizeParams?: Readonly<Record<string, string>> | undefined;
  /** Added to every token request. */
  readonly tokenParams?: Readonly<Record<string, string>> | undefined;
  /** Never send `resource`: the issuer refuses it. */
  readonly omitResource?: boolean | undefined;
  /** Between scopes, where it is not a space. */
  readonly scopeSeparator?: string | undefined;
  /** Between scopes in a reply, where it is another one. */
  readonly grantedScopeSeparator?: string | undefined;
  /** Repeat the granted scopes when refreshing. */
  readonly refreshScope?: 'granted' | undefined;
  /** Never ask for `offline_access`, even where it is listed. */
  readonly omitOfflineAccess?: boolean | undefined;
  /** Token types that mean bearer. */
  readonly bearerTokenTypes?: readonly string[] | undefined;
  /** The member of a token reply which holds the user's tokens when the reply itself holds none. */
  readonly tokenMember?: string | undefined;
  /** Error codes of the issuer's own, and the registered ones they stand for. */
  readonly errorAliases?: Readonly<Record<string, string>> | undefined;
  /** Its errors that are an organisation's policy and no "no" of the person: codes, or a whole description where it has none. */
  readonly organisationErrors?: readonly string[] | undefined;
  /** Never ask for a consent of its own accord, even along with `offline_access`. */
  readonly omitConsentPrompt?: boolean | undefined;
}

const texts = z.record(z.string(), z.string());

export const issuerProfileSchema: ZodType<IssuerProfile> = z.looseObject({
  authorizeParams: texts.optional(),
  tokenParams: texts.optional(),
  omitResource: z.boolean().optional(),
  scopeSeparator: z.string().optional(),
  grantedScopeSeparator: z.string().optional(),
  refreshScope: z.literal('granted').optional(),
  omitOfflineAccess: z.boolean().optional(),
  bearerTokenTypes: z.array(z.string()).optional(),
  tokenMember: z.string().optional(),
  errorAliases: texts.optional(),
  organisationErrors: z.array(z.string()).optional(),
  omitConsentPrompt: z.boolean().optional(),
});

/** By issuer, or by host for all issuers there. */
const builtIn: Readonly<Record<string, IssuerProfile>> = {
  'accounts.google.com': {
    // Google gives a refresh token only for both, and refuses `offline_access` as an unknown scope.
    authorizeParams: { access_type: 'offline', prompt: 'consent' },
    omitOfflineAccess: true,
  },
  'github.com': {
    grantedScopeSeparator: ',',
    errorAliases: {
      bad_refresh_token: 'invalid_grant',
      bad_verification_code: 'invalid_grant',
      incorrect_client_credentials: 'invalid_client',
    },
  },
  'login.microsoftonline.com': {
    // A `resource` that does not match the scopes is refused, and a refresh without scopes loses them.
    omitResource: true,
    refreshScope: 'granted',
    // Where an administrator has consented for everybody, asking again leads to "Approval required".
    omitConsentPrompt: true,
  },
  'slack.com': {
    bearerTokenTypes: ['bot', 'user'],
    scopeSeparator: ',',
    tokenMember: 'authed_user',
    errorAliases: {
      bad_client_secret: 'invalid_client',
      invalid_client_id: 'invalid_client',
      invalid_code: 'invalid_grant',
      invalid_refresh_token: 'invalid_grant',
      token_expired: 'invalid_grant',
      token_revoked: 'invalid_grant',
    },
  },
};

/**
 * The profile of an issuer: the built-in one for its host, with the caller's for its host and then for
 * itself laid over it, field by field. Empty for an issuer nobody has a profile for.
 *
 * A server of Auth0 that wants an `audience`, for one, takes
 * `{ 'https://tenant.example/': { authorizeParams: { audience: '…' } } }`.
 */
export function profileOf(
  issuer: string,
  overrides: Readonly<Record<string, IssuerProfile>> = {},
): IssuerProfile {
  const host = URL.canParse(issuer) ? new URL(issuer).host : '';
  const own = (table: Readonly<Record<string, IssuerProfile>>, name: string): IssuerProfile =>
    Object.hasOwn(table, name) ? (table[name] ?? {}) : {};
  return { ...own(builtIn, host), ...own(overrides, host), ...own(overrides, issuer) };
}
