import { z, type ZodType } from 'zod';
import type { Clock } from '../core/clock.ts';
import { isPosternError, PosternError } from '../core/postern-error.ts';
import { hashId } from '../core/random.ts';
import { allowPkceUnadvertised, attemptSchema, createAttempt } from '../oauth/attempt.ts';
import { validateCallback } from '../oauth/callback.ts';
import { clientIdentitySchema, type ClientIdentity } from '../oauth/client-identity.ts';
import { discoverySchema, type Discovery } from '../oauth/discovery.ts';
import { exchangeCode, revokeGrant } from '../oauth/grant.ts';
import { createOAuthHttp, type FetchLike, type OAuthHttp } from '../oauth/oauth-http.ts';
import { issuerProfileSchema, type IssuerProfile } from '../oauth/profiles.ts';
import { Collection } from '../storage/collection.ts';
import type { StorageBackend } from '../storage/contract.ts';
import { NamespacedStorage } from '../storage/namespaced-storage.ts';
import type { CompletionHandler } from './completion.ts';
import { grantPath, storedGrant } from './stored-grant.ts';

/** Everything needed to carry an OAuth sign-in through the browser, in whichever process. Sealed inside its pending. */
export interface OAuthFlow {
  readonly serverUrl: string;
  readonly discovery: Discovery;
  readonly client: ClientIdentity;
  readonly redirectUri: string;
  readonly authorizeParams?: Readonly<Record<string, string>> | undefined;
  readonly loginHint?: string | undefined;
  readonly profile: IssuerProfile;
  /** The operator has allowed a server that does not advertise PKCE. */
  readonly pkceUnadvertised: boolean;
}

const oauthFlow: ZodType<OAuthFlow> = z.looseObject({
  serverUrl: z.string(),
  discovery: discoverySchema,
  client: clientIdentitySchema,
  redirectUri: z.string(),
  authorizeParams: z.record(z.string(), z.string()).optional(),
  loginHint: z.string().optional(),
  profile: issuerProfileSchema,
  pkceUnadvertised: z.boolean(),
});

/** What of an authorization server's metadata a sign-in needs. The rest may be large, and is left out. */
const keptMetadata = [
  'issuer',
  'authorization_endpoint',
  'token_endpoint',
  'revocation_endpoint',
  'pushed_authorization_request_endpoint',
  'require_pushed_authorization_requests',
  'code_challenge_methods_supported',
  'authorization_response_iss_parameter_supported',
  'token_endpoint_auth_methods_supported',
  'token_endpoint_auth_signing_alg_values_supported',
  'id_token_signing_alg_values_supported',
  'dpop_signing_alg_values_supported',
] as const;

/** A discovery without what only the registration needed. */
export function trimDiscovery({ resourceMetadata: _left, server, ...rest }: Discovery): Discovery {
  const kept = keptMetadata.filter((name) => server[name] !== undefined).map((name) => [name, server[name]]);
  return { ...rest, server: Object.fromEntries(kept) as typeof server };
}

/** The completion handler `oauth`: the authorization code flow with PKCE, between the link and the grant. */
export function oauthCompletionHandler(options: {
  fetch?: FetchLike | undefined;
  /** The deadline of one request. */
  timeoutMs?: number | undefined;
  storage: StorageBackend;
  clock: Clock;
}): CompletionHandler {
  const httpFor = (flow: OAuthFlow): OAuthHttp =>
    createOAuthHttp({
      fetch: options.fetch,
      timeoutMs: options.timeoutMs,
      clock: options.clock,
      trustedBy: flow.serverUrl,
    });
  return {
    async start({ pending }) {
      const flow = oauthFlow.parse(pending.data?.flow);
      const { discovery, client, redirectUri, authorizeParams, loginHint, profile, pkceUnadvertised } = flow;
      const scopes = pending.data?.scopes ?? [];
      return createAttempt(
        {
          discovery,
          client,
          redirectUri,
          scopes: scopes.length > 0 ? scopes : undefined,
          extraAuthorizeParams: authorizeParams,
          loginHint,
          profile,
          [allowPkceUnadvertised]: pkceUnadvertised,
        },
        httpFor(flow),
      );
    },

    async complete({ pending, attempt: data, params, storage }) {
      const flow = oauthFlow.parse(pending.data?.flow);
      const server = pending.data?.server ?? '';
      const attempt = attemptSchema.parse(data);
      const { code } = validateCallback(attempt, params);
      const http = httpFor(flow);
      const grants = new Collection(storage, storedGrant);
      const grant = await exchangeCode(attempt, code, http).catch(async (error: unknown) => {
        if (isPosternError(error, 'ERR_POSTERN_OAUTH_CLIENT_REJECTED')) {
          await new Registrations(options.storage).forget(attempt.client);
        }
        throw error;
      });
      const before = (await grants.find(...grantPath(server)))?.value.grant;
      if (
        before?.issuer === grant.issuer &&
        before.subject !== undefined &&
        before.subject !== grant.subject
      ) {
        await revokeGrant(grant, http).catch(() => false);
        throw new PosternError(
          'ERR_POSTERN_AUTH_WRONG_USER',
          'the person signed in with another account than before',
          {
            hint: 'To change the account, log out first.',
          },
        );
      }
      const value = {
        grant,
        requestedScopes: [...(attempt.scopes ?? [])],
        authorizedAtMs: options.clock(),
      };
      return {
        changes: [grants.putting(grantPath(server), value)],
        undo: async () => void (await revokeGrant(grant, http)),
      };
    },
  };
}

/** The clients that were registered dynamically. They belong to the application, not to one of its users. */
export class Registrations {
  readonly storage: NamespacedStorage;
  readonly #records: Collection<ClientIdentity>;

  constructor(backend: StorageBackend) {
    this.storage = new NamespacedStorage(backend, ['app', 'registration']);
    this.#records = new Collection(this.storage, clientIdentitySchema);
  }

  async find(issuer: string, redirectUri: string): Promise<ClientIdentity | undefined> {
    return (await this.#records.find(await placeOf(issuer, redirectUri)))?.value;
  }

  async put(client: ClientIdentity): Promise<void> {
    const expiresAtMs = client.secretExpiresAtMs;
    await this.#records.put([await placeOf(client.issuer, client.redirectUris[0] ?? '')], client, {
      expiresAtMs,
    });
  }

  /** Forgets a registration that the issuer has forgotten, if it is still the stored one. */
  async forget(client: ClientIdentity): Promise<void> {
    if (client.source !== 'dynamic') return;
    const place = await placeOf(client.issuer, client.redirectUris[0] ?? '');
    const stored = await this.#records.find(place);
    if (stored?.value.clientId === client.clientId)
      await this.#records.delete([place], { expect: stored.version });
  }
}

function placeOf(issuer: string, redirectUri: string): Promise<string> {
  return hashId(JSON.stringify([issuer, redirectUri]));
}
