import * as z from 'zod';
import type { ZodType } from 'zod';
import { guardedParameters, isFreeParameter } from './guarded-parameters.ts';
import { isHostPattern } from './host-pattern.ts';

/** Parameters by name. An empty value leaves out what would be sent otherwise. @see RFC 6749 §3.1 */
type Parameters = Readonly<Record<string, string>>;

/** What can be said to an operator in place of our own words, by the step that needs them. */
export type ProfileHint = 'registration' | 'clientSecret' | 'redirectUri';

/** What one issuer needs that the specifications do not say. Data only, and stored with what it shaped. */
export interface IssuerProfile {
  /** Added to the authorization request. */
  readonly authorizeParams?: Parameters | undefined;
  /** Added to every token request. */
  readonly tokenParams?: Parameters | undefined;
  /** Added to a refresh, beside those of every token request. */
  readonly refreshParams?: Parameters | undefined;
  /** Added to a revocation. */
  readonly revokeParams?: Parameters | undefined;
  /** Parameters that the issuer has other names for, in every request: `{ "resource": "audience" }`. */
  readonly renameParams?: Parameters | undefined;
  /** Never send `resource`: the issuer refuses it. */
  readonly omitResource?: boolean | undefined;
  /** Sent as `resource` in place of what the server calls itself, and the same on every request. */
  readonly resource?: string | undefined;
  /** Between scopes, where it is not a space. */
  readonly scopeSeparator?: string | undefined;
  /** Repeat the granted scopes when refreshing. */
  readonly refreshScope?: 'granted' | 'none' | undefined;
  /** Never ask for `offline_access`, even where it is listed. */
  readonly omitOfflineAccess?: boolean | undefined;
  /** Never ask for a consent of its own accord, even along with `offline_access`. */
  readonly omitConsentPrompt?: boolean | undefined;
  /** Tokens are bound to a key even where the resource does not ask for it. */
  readonly dpop?: 'always' | 'asked' | undefined;
  /** A fresh nonce is fetched before a refresh token is presented: it would be spent by the refusal that brings the nonce. */
  readonly dpopNonceFirst?: boolean | undefined;
  /** Between scopes in a reply, where it is another one. */
  readonly grantedScopeSeparator?: string | undefined;
  /** Token types that mean bearer. */
  readonly bearerTokenTypes?: readonly string[] | undefined;
  /** The member of a token reply which holds the user's tokens when the reply itself holds none. */
  readonly tokenMember?: string | undefined;
  /** The member of every reply that is `false` when the request has failed, whatever its status. */
  readonly successMember?: string | undefined;
  /** Error codes of the issuer's own, wherever it puts them, and the registered ones they stand for. */
  readonly errorAliases?: Parameters | undefined;
  /** Its errors that are an organisation's policy and no "no" of the person: codes, or a whole description where it has none. */
  readonly organisationErrors?: readonly string[] | undefined;
  /** `closed`: nobody registers by themselves, whatever the metadata says. */
  readonly registration?: 'open' | 'closed' | undefined;
  /** A client that was registered by hand needs its secret in spite of PKCE. */
  readonly clientSecret?: 'required' | 'optional' | undefined;
  /** How such a client sends its secret, where the metadata does not say. */
  readonly clientSecretMethod?: 'client_secret_basic' | 'client_secret_post' | undefined;
  /** Redirect URIs it accepts: `https`, `loopback`, `localhost`, or one as it stands. Left out: any. */
  readonly redirectUris?: readonly string[] | undefined;
  /** Whether a loopback address may have another port than the one that was registered. Default: one that is a number may. */
  readonly loopbackPort?: 'any' | 'exact' | undefined;
  /** Said to the operator in place of our own words. */
  readonly hints?: { readonly [H in ProfileHint]?: string | undefined } | undefined;
  /** Lowers security. Other names that the issuer gives itself, in its metadata and in `iss`. */
  readonly statedIssuers?: readonly string[] | undefined;
  /** Lowers security. It has PKCE with S256, and does not advertise it. */
  readonly pkceUnadvertised?: boolean | undefined;
}

/** Profiles by issuer, by host (`login.example`), or by all hosts below one (`*.login.example`). */
export type IssuerProfiles = Readonly<Record<string, IssuerProfile>>;

const parameters = z.record(z.string(), z.string());
const guarded = (name: string): { code: 'custom'; path: string[]; message: string } => ({
  code: 'custom',
  path: [name],
  message: 'is set by the sign-in itself',
});
/** What an operator may add to a request: another value for one of the rest would undo what it guards. */
export const freeParametersSchema: ZodType<Parameters> = parameters.superRefine((given, context) => {
  for (const name of Object.keys(given)) if (!isFreeParameter(name)) context.addIssue(guarded(name));
});
const renames = parameters.superRefine((given, context) => {
  for (const [name, other] of Object.entries(given))
    if (other === '' || guardedParameters.has(name) || !isFreeParameter(other))
      context.addIssue(guarded(name));
});

/** Made when they are asked for: most servers have no profile, and so many take time. */
const fields = () => {
  const text = z.string().min(1).max(2_000);
  return {
    authorizeParams: freeParametersSchema.optional(),
    tokenParams: freeParametersSchema.optional(),
    refreshParams: freeParametersSchema.optional(),
    revokeParams: freeParametersSchema.optional(),
    renameParams: renames.optional(),
    omitResource: z.boolean().optional(),
    resource: text.optional(),
    scopeSeparator: z.string().optional(),
    refreshScope: z.enum(['granted', 'none']).optional(),
    omitOfflineAccess: z.boolean().optional(),
    omitConsentPrompt: z.boolean().optional(),
    dpop: z.enum(['always', 'asked']).optional(),
    dpopNonceFirst: z.boolean().optional(),
    grantedScopeSeparator: z.string().optional(),
    bearerTokenTypes: z.array(text).optional(),
    tokenMember: text.optional(),
    successMember: text.optional(),
    errorAliases: parameters.optional(),
    organisationErrors: z.array(text).optional(),
    registration: z.enum(['open', 'closed']).optional(),
    clientSecret: z.enum(['required', 'optional']).optional(),
    clientSecretMethod: z.enum(['client_secret_basic', 'client_secret_post']).optional(),
    redirectUris: z.array(text).optional(),
    loopbackPort: z.enum(['any', 'exact']).optional(),
    hints: z
      .strictObject({
        registration: text.optional(),
        clientSecret: text.optional(),
        redirectUri: text.optional(),
      })
      .optional(),
    statedIssuers: z.array(text).optional(),
    pkceUnadvertised: z.boolean().optional(),
  } satisfies Record<keyof IssuerProfile, unknown>;
};

/** As it is stored: what a later release may add is kept. */
export const issuerProfileSchema: ZodType<IssuerProfile> = z.lazy(
  () =>
    z.looseObject({
      ...fields(),
      // Checked when they were given. What was good enough to go out with is good enough to come back with.
      authorizeParams: parameters.optional(),
      tokenParams: parameters.optional(),
      refreshParams: parameters.optional(),
      revokeParams: parameters.optional(),
      renameParams: parameters.optional(),
      hints: z.looseObject({}).optional(),
    }) as ZodType<IssuerProfile>,
);

/** As an operator gives it: what is misspelt is refused. */
export const givenProfileSchema: ZodType<IssuerProfile> = z.lazy(() => z.strictObject(fields()));

/** As an operator gives them. */
export const givenProfilesSchema: ZodType<IssuerProfiles> = z.lazy(() =>
  z.record(z.string(), givenProfileSchema).superRefine((profiles, context) => {
    for (const name of Object.keys(profiles))
      if (!isIssuer(name) && !isHostPattern(name)) {
        context.addIssue({ code: 'custom', path: [name], message: 'is neither an issuer nor a host' });
      }
  }),
);

function isIssuer(name: string): boolean {
  return /^https?:\/\//u.test(name) && URL.canParse(name);
}
