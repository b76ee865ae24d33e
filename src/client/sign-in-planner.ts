import { allowPkceUnadvertised, checkAttempt } from '../oauth/attempt.ts';
import type { Challenge } from '../oauth/challenge.ts';
import type { ClientIdentity } from '../oauth/client-identity.ts';
import { allowIssuerMismatch, discover, type Discovery } from '../oauth/discovery.ts';
import type { OAuthHttp } from '../oauth/oauth-http.ts';
import { profileOf, type IssuerProfile } from '../oauth/profiles.ts';
import { identifyClient } from '../oauth/registration.ts';
import { initialScopes, unionScopes } from '../oauth/scopes.ts';
import type { PendingSpec } from '../pending/pendings.ts';
import { acquireLease } from '../sync/lease.ts';
import type { AuthCoordinator } from './auth-coordinator.ts';
import type { AuthStrategyDeps } from './auth-strategy.ts';
import type { SignIn } from './completion.ts';
import { Registrations, trimDiscovery, type OAuthFlow } from './oauth-sign-in.ts';
import type { OAuthStrategyOptions } from './oauth-strategy.ts';

const discoveryTtlMs = 10 * 60_000;

const discoveries = new WeakMap<AuthCoordinator, Map<string, { atMs: number; found: Promise<Discovery> }>>();

/** Finds out how one server wants to be signed in to: where, as which client, for which scopes. */
export class SignInPlanner {
  readonly #deps: AuthStrategyDeps;
  readonly #options: OAuthStrategyOptions;
  readonly #http: OAuthHttp;
  readonly #serverUrl: string;

  constructor(deps: AuthStrategyDeps, options: OAuthStrategyOptions, http: OAuthHttp) {
    this.#deps = deps;
    this.#options = options;
    this.#http = http;
    this.#serverUrl = deps.serverUrl ?? '';
  }

  /** What the pending of a sign-in carries: all that any process needs to finish it. What cannot work is said here. */
  async specify(
    challenge: Challenge | undefined,
    scopes: readonly string[] | undefined,
  ): Promise<PendingSpec<SignIn>> {
    const { coordinator, context, server } = this.#deps;
    const redirectUri = await coordinator.redirectUri();
    const { discovery, scopes: wanted } = await this.prepare(challenge, scopes);
    const client = await this.#identify(discovery, redirectUri, wanted);
    const { authorizeParams, loginHint } = this.#options;
    const flow: OAuthFlow = {
      serverUrl: this.#serverUrl,
      discovery: trimDiscovery(discovery),
      client,
      redirectUri,
      authorizeParams,
      loginHint,
      profile: this.#profile(discovery),
      pkceUnadvertised: this.#options[allowPkceUnadvertised] === true,
    };
    checkAttempt({
      discovery,
      client,
      extraAuthorizeParams: authorizeParams,
      profile: flow.profile,
      [allowPkceUnadvertised]: flow.pkceUnadvertised,
    });
    return {
      kind: 'oauth_redirect',
      resource: discovery.resource,
      initiator: context.principal,
      ttlMs: coordinator.signInTtlMs,
      data: { server, handler: 'oauth', flow, scopes: wanted ?? [], metadata: context.metadata },
    };
  }

  /** Where to be authorized, and for what. */
  async prepare(
    challenge: Challenge | undefined,
    scopes: readonly string[] | undefined,
  ): Promise<{ discovery: Discovery; scopes: readonly string[] | undefined }> {
    const discovery = { ...(await this.#discover(challenge)), challengedScopes: challenge?.scope };
    const profile = this.#profile(discovery);
    const initial = initialScopes({ discovery, configured: this.#options.scopes, profile });
    return { discovery, scopes: scopes === undefined ? initial : unionScopes(scopes, initial) };
  }

  async #identify(
    discovery: Discovery,
    redirectUri: string,
    scopes: readonly string[] | undefined,
  ): Promise<ClientIdentity> {
    const { coordinator, server } = this.#deps;
    const registrations = new Registrations(coordinator.storage);
    const identify = async (): Promise<ClientIdentity> =>
      identifyClient(
        {
          discovery,
          redirectUri,
          metadata: { clientName: this.#options.clientName ?? `MCP client (${server})` },
          preregistered: this.#options.client,
          clientMetadataUrl: coordinator.clientMetadataUrl,
          stored: await registrations.find(discovery.issuer, redirectUri),
          scopes,
        },
        this.#http,
      );
    const known = await registrations.find(discovery.issuer, redirectUri);
    if (known !== undefined || this.#options.client !== undefined) return identify();
    // One registration for the application, not one for each of its users and processes.
    await using _lease = await acquireLease(registrations.storage, ['lease', discovery.issuer], {
      leaseMs: Math.min(20_000, coordinator.leaseMs),
      waitMs: 25_000,
      clock: this.#deps.clock,
    });
    const client = await identify();
    if (client.source === 'dynamic') await registrations.put(client);
    return client;
  }

  #profile({ issuer }: Discovery): IssuerProfile {
    const { profile } = this.#options;
    return profileOf(issuer, profile && { [issuer]: profile });
  }

  #discover(challenge: Challenge | undefined): Promise<Discovery> {
    const known = this.#discoveries;
    const key = this.#discoveryKey(challenge);
    const cached = known.get(key);
    if (cached !== undefined && this.#deps.clock() - cached.atMs < discoveryTtlMs) return cached.found;
    const found = discover(this.#serverUrl, challenge, this.#http, {
      [allowIssuerMismatch]: this.#options[allowIssuerMismatch],
    });
    known.set(key, { atMs: this.#deps.clock(), found });
    found.catch(() => known.delete(key));
    return found;
  }

  /** A refused token may mean that the server has changed its authorization server. */
  forgetDiscovery(): void {
    const known = this.#discoveries;
    for (const key of known.keys()) if (key.startsWith(`${this.#serverUrl} `)) known.delete(key);
  }

  #discoveryKey(challenge: Challenge | undefined): string {
    return `${this.#serverUrl} ${challenge?.resourceMetadataUrl ?? ''}`;
  }

  get #discoveries(): Map<string, { atMs: number; found: Promise<Discovery> }> {
    let known = discoveries.get(this.#deps.coordinator);
    if (known === undefined) discoveries.set(this.#deps.coordinator, (known = new Map()));
    return known;
  }
}
