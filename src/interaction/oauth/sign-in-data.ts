import type { Say } from '../../web/texts/texts.ts';
import * as z from 'zod';
import type { ZodType } from 'zod';
import { PosternError } from '../../core/postern-error.ts';
import { clientIdentitySchema } from '../../oauth/client-identity.ts';
import { deviceGrant, offersDeviceCodes } from '../../oauth/device.ts';
import { discoverySchema, type Discovery } from '../../oauth/discovery.ts';
import { issuerProfileSchema } from '../../oauth/profiles/issuer-profile.ts';
import type { IdentifyClientOptions } from '../../oauth/registration.ts';
import type { Pending } from '../../pending/pending.ts';
import { dataOf, type InteractionData } from '../flow.ts';
import { codeWayFields, type CodeWayData } from './code-way.ts';

/** Everything needed to carry a sign-in through the browser, in whichever process. Sealed inside its pending. */
export interface SignInData extends CodeWayData {
  readonly server: string;
  readonly alias?: string | undefined;
  readonly serverUrl: string;
  readonly clientName?: string | undefined;
  readonly redirectUri: string;
  readonly authorizeParams?: Readonly<Record<string, string>> | undefined;
  readonly loginHint?: string | undefined;
  /** The operator has allowed a server that does not advertise PKCE. */
  readonly pkceUnadvertised: boolean;
  /** The operator has allowed endpoints in a private network. */
  readonly privateNetwork?: boolean | undefined;
}

export const signInData: ZodType<SignInData> = z.looseObject({
  server: z.string(),
  alias: z.string().optional(),
  serverUrl: z.string(),
  discovery: discoverySchema,
  client: clientIdentitySchema,
  clientName: z.string().optional(),
  redirectUri: z.string(),
  authorizeParams: z.record(z.string(), z.string()).optional(),
  loginHint: z.string().optional(),
  profile: issuerProfileSchema,
  pkceUnadvertised: z.boolean(),
  privateNetwork: z.boolean().optional(),
  ...codeWayFields,
});

/** What of an authorization server's metadata a sign-in needs. The rest may be large, and is left out. */
const keptMetadata = [
  'issuer',
  'authorization_endpoint',
  'token_endpoint',
  'revocation_endpoint',
  'registration_endpoint',
  'device_authorization_endpoint',
  'grant_types_supported',
  'pushed_authorization_request_endpoint',
  'mtls_endpoint_aliases',
  'tls_client_certificate_bound_access_tokens',
  'require_pushed_authorization_requests',
  'code_challenge_methods_supported',
  'authorization_response_iss_parameter_supported',
  'token_endpoint_auth_methods_supported',
  'token_endpoint_auth_signing_alg_values_supported',
  'id_token_signing_alg_values_supported',
  'dpop_signing_alg_values_supported',
] as const;

/** What a live pending of a sign-in holds. */
export function readSignIn(pending: Pending<InteractionData>): SignInData {
  return parseSignIn(dataOf(pending).data);
}

/** @throws {PosternError} ERR_POSTERN_STORAGE_CORRUPT when it is no sign-in's. */
export function parseSignIn(stored: unknown): SignInData {
  const { success, data } = signInData.safeParse(stored);
  if (success) return data;
  throw new PosternError('ERR_POSTERN_STORAGE_CORRUPT', 'a sign-in does not hold what it was begun with');
}

/** What the person is asked for, in a few words. */
export function titleOf({ server, alias }: Pick<SignInData, 'server' | 'alias'>, say: Say): string {
  return alias === undefined
    ? say('consent.signIn', { server })
    : say('consent.signInAs', { server, account: alias });
}

/** What a client registers itself with. */
export function registrationOf(
  from: Pick<SignInData, 'server' | 'clientName' | 'discovery' | 'redirectUri' | 'profile'> & {
    readonly scopes: readonly string[] | undefined;
  },
): Omit<IdentifyClientOptions, 'stored'> {
  const { server, clientName = `MCP client (${server})`, discovery, redirectUri, profile, scopes } = from;
  return {
    discovery,
    redirectUri,
    metadata: { clientName },
    profile,
    scopes,
    optionalGrantTypes: offersDeviceCodes(discovery.server) ? [deviceGrant] : [],
  };
}

/** A discovery without what only the registration needed. */
export function trimDiscovery({ resourceMetadata: _left, server, ...rest }: Discovery): Discovery {
  const kept = keptMetadata.filter((name) => server[name] !== undefined).map((name) => [name, server[name]]);
  return { ...rest, server: Object.fromEntries(kept) as typeof server };
}
