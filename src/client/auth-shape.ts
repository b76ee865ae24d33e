import * as z from 'zod';
import type { ZodString, ZodType } from 'zod';
import { isHeaderValue } from '../core/header-value.ts';
import { tokenEndpointAuthMethods } from '../oauth/client-identity.ts';
import { freeParametersSchema, givenProfileSchema } from '../oauth/profiles/issuer-profile.ts';

/** What a header can carry. */
export const headerShape: ZodString = z.string().refine(isHeaderValue, 'is no text that a header can carry');

/** What only code can give. */
export const functionShape: ZodType<(...args: never[]) => unknown> = z.custom<(...args: never[]) => unknown>(
  (value) => typeof value === 'function',
  'is no function',
);

/** How a server's configuration says to authenticate. */
export const authShape: ZodType = z.lazy(() => {
  const text = z.string().min(1);
  const scopes = z.array(text).optional();
  const kept = [z.strictObject({ env: text }), z.strictObject({ file: text }), functionShape] as const;
  const secret = z.union([text, ...kept]);
  const proof = {
    clientId: text,
    clientSecret: secret.optional(),
    tokenEndpointAuthMethod: z.enum(tokenEndpointAuthMethods).optional(),
    privateKeyJwk: z.looseObject({}).optional(),
    privateKey: secret.optional(),
    privateKeyAlgorithm: text.optional(),
  };
  const client = z.strictObject({
    ...proof,
    issuer: z.url().optional(),
    redirectUris: z.array(text).optional(),
  });
  const workload = client.extend({ assertion: secret.optional() });
  const exceptions = {
    allowIssuerMismatch: z.array(z.url()).optional(),
    allowPrivateNetwork: z.boolean().optional(),
  };
  const machine = { client: workload, scopes, profile: givenProfileSchema.optional(), ...exceptions };
  return z.union([
    z.discriminatedUnion('type', [
      z.strictObject({
        type: z.literal('oauth'),
        clientName: text.optional(),
        client: client.optional(),
        clientMetadataIsPrivate: z.boolean().optional(),
        scopes,
        authorizeParams: freeParametersSchema.optional(),
        loginHint: z.union([text, z.record(text, text)]).optional(),
        profile: givenProfileSchema.optional(),
        allowPkceUnadvertised: z.boolean().optional(),
        ...exceptions,
      }),
      z.strictObject({ type: z.literal('client_credentials'), ...machine }),
      z.strictObject({ type: z.literal('jwt_bearer'), assertion: secret, ...machine }),
      z.strictObject({
        type: z.literal('enterprise_managed'),
        ...machine,
        identityProvider: z.strictObject({
          ...proof,
          assertion: secret.optional(),
          issuer: z.url(),
          tokenEndpoint: z.url().optional(),
          subjectToken: secret,
          subjectTokenType: text.optional(),
        }),
      }),
      z.strictObject({
        type: z.literal('api_key'),
        key: z.union([headerShape.min(1), ...kept]).optional(),
        headerName: text.optional(),
      }),
      z.strictObject({ type: z.literal('none') }),
    ]),
    functionShape,
  ]);
});
