import { z, type ZodType } from 'zod';
import type { Clock } from '../core/clock.ts';
import { isPosternError, PosternError } from '../core/postern-error.ts';
import { hashId } from '../core/random.ts';
import { attemptSchema, createAttempt } from '../oauth/attempt.ts';
import { validateCallback } from '../oauth/callback.ts';
import { clientIdentitySchema, type ClientIdentity } from '../oauth/client-identity.ts';
import { discoverySchema, type Discovery } from '../oauth/discovery.ts';
import { exchangeCode, revokeGrant } from '../oauth/grant.ts';
import { createOAuthHttp, type FetchLike, type OAuthHttp } from '../oauth/oauth-http.ts';
import { profileOf } from '../oauth/profiles.ts';
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
}

const oauthFlow: ZodType<OAuthFlow> = z.looseObject({
  serverUrl: z.string(),
  discovery: discoverySchema,
  client: clientIdentitySchema,
  redirectUri: z.string(),
  authorizeParams: z.record(z.string(), z.string()).optional(),
  loginHint: z.string().optional(),
});

/** The completion handler `oauth`: the authorization code flow with PKCE, between the link and the grant. */
export function oauthCompletionHandler(options: {
  fetch?: FetchLike | undefined;
  storage: StorageBackend;
  clock: Clock;
}): CompletionHandler {
  const httpFor = (flow: OAuthFlow): OAuthHttp =>
    createOAuthHttp({ fetch: options.fetch, clock: options.clock, trustedBy: flow.serverUrl });
  return {
    async start({ pending }) {
      const flow = oauthFlow.parse(pending.data?.flow);
      const { discovery, client, redirectUri, authorizeParams, loginHint } = flow;
      const scopes = pending.data?.scopes ?? [];
      return createAttempt(
        {
          discovery,
          client,
          redirectUri,
          scopes: scopes.length > 0 ? scopes : undefined,
          extraAuthorizeParams: authorizeParams,
          loginHint,
          profile: profileOf(discovery.issuer),
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
      if (before?.issuer === grant.issuer && before.subject !== undefined && before.subject !== grant.subject) {
        await revokeGrant(grant, http).catch(() => false);
        throw new PosternError('ERR_POSTERN_AUTH_WRONG_USER', 'the person signed in with another account than before', {
          hint: 'To change the account, log out first.',
        });
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
    await this.#records.put([await placeOf(client.issuer, client.redirectUris[0] ?? '')], client, { expiresAtMs });
  }

  /** Forgets a registration that the issuer has forgotten, if it is still the stored one. */
  async forget(client: ClientIdentity): Promise<void> {
    if (client.source !== 'dynamic') return;
    const place = await placeOf(client.issuer, client.redirectUris[0] ?? '');
    const stored = await this.#records.find(place);
    if (stored?.value.clientId === client.clientId) await this.#records.delete([place], { expect: stored.version });
  }
}

function placeOf(issuer: string, redirectUri: string): Promise<string> {
  return hashId(JSON.stringify([issuer, redirectUri]));
}
